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
    loss: Literal["cross_entropy", "binary_cross_entropy"] = Field(
        "cross_entropy",
        title="Loss",
        description="cross_entropy: weighted softmax cross-entropy (paper); "
        "binary_cross_entropy: one sigmoid output for foreground.",
    )
    optimizer: Literal["adamw", "adam", "sgd"] = Field(
        "adamw",
        title="Optimiser",
        description="adamw or adam; sgd with momentum 0.99 is the paper's.",
    )
    learning_rate: float = Field(
        3e-3,
        gt=0,
        le=10,
        title="Learning rate",
        description="Size of a step. Lower it when the loss jumps.",
    )
    weight_decay: float = Field(
        1e-4,
        ge=0,
        le=1,
        title="Weight decay",
        description="Pull of the weights towards zero at every step.",
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
