"""Settings of training."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from napari_unet.config.base import Settings


class TrainConfig(Settings):
    """How the network learns."""

    minutes: float | None = Field(
        4.0,
        gt=0,
        le=100_000,
        title="Minutes",
        description="Train for this long. More is better until the validation curve "
        "is flat.",
    )
    epochs: int | None = Field(
        None,
        ge=1,
        title="Epochs",
        description="Train until every annotated pixel was seen about this often; "
        "replaces minutes.",
    )
    steps: int | None = Field(
        None,
        ge=1,
        title="Steps",
        description="Train for this number of steps; replaces minutes and epochs, "
        "and makes a run exactly repeatable.",
    )
    batch_size: int = Field(
        4,
        ge=1,
        le=1024,
        title="Patches per step",
        description="Patches seen in each step. Lower it when memory runs out.",
    )
    patch_size: int = Field(
        256,
        ge=16,
        le=4096,
        title="Patch size (pixels)",
        description="Side of the square patches that are trained on.",
    )
    patch_slices: int = Field(
        16,
        ge=1,
        le=512,
        title="Patch slices",
        description="Slices of each patch, for networks with 3 dimensions.",
    )
    live_patch_size: int = Field(
        128,
        ge=16,
        le=4096,
        title="Live patch size (pixels)",
        description="Side of the patches while annotations are painted: smaller ones "
        "answer sooner to a stroke. Never larger than the patch size.",
    )
    loss: Literal[
        "cross_entropy",
        "binary_cross_entropy",
        "dice",
        "cross_entropy_dice",
        "binary_cross_entropy_dice",
    ] = Field(
        "cross_entropy",
        title="Loss",
        description="cross_entropy: weighted softmax cross-entropy (paper); "
        "binary_cross_entropy: one sigmoid output for foreground (study); dice: "
        "overlap of the classes with their truth, for rare classes; or a sum of two.",
    )
    optimizer: Literal["adamw", "adam", "sgd"] = Field(
        "adamw",
        title="Optimiser",
        description="adamw or adam; sgd with momentum is the paper's.",
    )
    learning_rate: float = Field(
        3e-3,
        gt=0,
        le=10,
        title="Learning rate",
        description="Size of a step. Lower it when the loss jumps.",
    )
    momentum: float = Field(
        0.99,
        ge=0,
        lt=1,
        title="Momentum",
        description="Share of the last step in the next one, for sgd; the paper has "
        "0.99.",
    )
    schedule: Literal["cosine", "plateau", "constant"] = Field(
        "cosine",
        title="Schedule",
        description="How the learning rate goes on. cosine: it falls to almost 0 "
        "at the end of the budget; plateau: it falls to a third whenever the score "
        "stops rising; constant: it stays.",
    )
    warm_up: int = Field(
        20,
        ge=0,
        le=100_000,
        title="Warm-up (steps)",
        description="Steps in which the learning rate rises to its full size.",
    )
    patience: int = Field(
        4,
        ge=1,
        le=1000,
        title="Patience (validations)",
        description="Validations without a better score before plateau lowers the "
        "learning rate.",
    )
    early_stopping: int = Field(
        0,
        ge=0,
        le=1000,
        title="Stop early (validations)",
        description="End the run after so many validations without a better score; "
        "0: never.",
    )
    clip: float = Field(
        1.0,
        ge=0,
        title="Gradient clipping",
        description="Longest gradient of a step; longer ones are shortened, which "
        "keeps one odd patch from spoiling the network. 0: no limit.",
    )
    weight_decay: float = Field(
        1e-4,
        ge=0,
        le=1,
        title="Weight decay",
        description="Pull of the weights towards zero at every step.",
    )
    frozen_levels: int = Field(
        0,
        ge=0,
        le=8,
        title="Frozen levels",
        description="When fine-tuning: number of first levels of the contracting path "
        "that stay as they are in the old model.",
    )
    old_rate: float = Field(
        1.0,
        gt=0,
        le=1,
        title="Rate of old layers",
        description="When fine-tuning: share of the learning rate for layers that "
        "were taken from the old model.",
    )
    seed: int = Field(
        0,
        ge=0,
        lt=2**31,
        title="Seed",
        description="Start of the random numbers: the same seed, data and number of "
        "steps give the same network on one device.",
    )
    device: str = Field(
        "auto",
        title="Device",
        description="auto, cpu, cuda, cuda:1 or mps; auto takes the fastest.",
    )
    threads: int = Field(
        0,
        ge=0,
        le=1024,
        title="CPU threads",
        description="Threads that the network runs on, on a CPU; 0: all cores, less "
        "one where there are more than three, which keeps the window responsive.",
    )
    save_seconds: float = Field(
        30.0,
        gt=0,
        title="Save every (seconds)",
        description="How often the run is saved, so that a crash loses no more.",
    )
    validations: int = Field(
        16,
        ge=1,
        le=1000,
        title="Validations",
        description="How often the held-out slices are scored during a run.",
    )

    @model_validator(mode="after")
    def _has_a_budget(self) -> Self:
        if self.minutes is None and self.epochs is None and self.steps is None:
            raise ValueError("one of minutes, epochs or steps is needed")
        return self
