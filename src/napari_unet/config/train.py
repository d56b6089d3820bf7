"""Settings of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from napari_unet.config.base import Settings

BUDGETS = ("minutes", "epochs", "steps")
"""Fields of `TrainConfig` that end a run, each; the last that is set does."""


class TrainConfig(Settings):
    """How the network learns."""

    minutes: float | None = Field(4.0, gt=0, le=100_000, title="Minutes")
    """Train for this long. Higher is better until the validation curve is flat."""
    epochs: int | None = Field(None, ge=1, title="Epochs")
    """Train until every annotated pixel was seen about this often; replaces minutes.
    Higher trains longer."""
    steps: int | None = Field(None, ge=1, title="Steps")
    """Train for this number of steps; replaces minutes and epochs, and makes a run
    exactly repeatable. Higher trains longer."""
    batch_size: int = Field(4, ge=1, le=1024, title="Patches per step")
    """Patches seen in each step. Higher: steadier and slower steps that take more
    memory; lower it when memory runs out."""
    patch_size: int = Field(256, ge=16, le=4096, title="Patch size (pixels)")
    """Side of the square patches that are trained on. Higher: more of the surroundings
    in each, slower steps and more memory."""
    patch_slices: int = Field(16, ge=1, le=512, title="Patch slices")
    """Slices of each patch, for networks with 3 dimensions. Higher: more neighbours in
    each, slower steps and more memory."""
    live_patch_size: int = Field(128, ge=16, le=4096, title="Live patch size (pixels)")
    """Side of the patches while annotations are painted. Higher: sees more at once and
    answers later to a stroke. Never larger than the patch size."""
    loss: Literal[
        "cross_entropy",
        "binary_cross_entropy",
        "dice",
        "cross_entropy_dice",
        "binary_cross_entropy_dice",
    ] = Field("cross_entropy", title="Loss")
    """What counts as an error. cross_entropy: weighted softmax cross-entropy (paper);
    binary_cross_entropy: one sigmoid output for foreground (study); dice: overlap of
    the classes with their truth, for rare classes; cross_entropy_dice and
    binary_cross_entropy_dice: dice added to the one or the other."""
    optimizer: Literal["adamw", "adam", "sgd"] = Field("adamw", title="Optimiser")
    """How steps follow from errors. adamw or adam, which suit most data; sgd with
    momentum is the paper's, and slower."""
    learning_rate: float = Field(3e-3, gt=0, le=10, title="Learning rate")
    """Size of a step. Higher learns faster, until the loss jumps: lower it then."""
    momentum: float = Field(0.99, ge=0, lt=1, title="Momentum")
    """Share of the last step in the next one, for sgd; the paper has 0.99. Higher:
    smoother and slower to turn."""
    schedule: Literal["cosine", "plateau", "constant"] = Field(
        "cosine", title="Schedule"
    )
    """How the learning rate goes on. cosine: it falls to almost 0 at the end of the
    budget; plateau: it falls to a third whenever the score stops rising; constant: it
    stays. Live training has its own."""
    warm_up: int = Field(20, ge=0, le=100_000, title="Warm-up (steps)")
    """Steps in which the learning rate rises to its full size. Higher: a gentler start,
    where the first steps make the loss jump."""
    patience: int = Field(4, ge=1, le=1000, title="Patience (validations)")
    """Validations without a better score before plateau lowers the learning rate.
    Higher waits longer."""
    early_stopping: int = Field(0, ge=0, le=1000, title="Stop early (validations)")
    """End the run after so many validations without a better score. Higher waits
    longer; 0: never."""
    clip: float = Field(1.0, ge=0, title="Gradient clipping")
    """Longest gradient of a step; longer ones are shortened, which keeps one odd patch
    from spoiling the network. Higher lets more through; 0: no limit."""
    weight_decay: float = Field(1e-4, ge=0, le=1, title="Weight decay")
    """Pull of the weights towards zero at every step. Higher: learns less by heart, and
    too high forgets."""
    frozen_levels: int = Field(0, ge=0, le=8, title="Frozen levels")
    """When fine-tuning: number of first levels of the contracting path that stay as
    they are in the old model. Higher: more is kept, less is learnt anew."""
    old_rate: float | None = Field(None, gt=0, le=1, title="Rate of old layers")
    """When fine-tuning: share of the learning rate for layers that were taken from the
    old model. Higher: they change faster, and forget what is not annotated. Chosen from
    the annotations when left out: 0.1 for a few in EM, 1 for a million pixels and for
    what contradicts the old model."""
    validations: int = Field(16, ge=1, le=1000, title="Validations")
    """How often the held-out slices are scored during a run. Higher: more points on the
    curve and more models to choose the best from, less time for training."""
    rescale: bool = Field(False, title="Rescale to the first image")
    """Bring images of another pixel size to that of the first image, and their
    annotations with them; a difference below a tenth counts as none."""
    seed: int = Field(0, ge=0, lt=2**31, title="Seed")
    """Start of the random numbers: the same seed, data and number of steps give the
    same network on one device. Another number: another draw, neither better nor
    worse."""
    device: str = Field("auto", title="Device")
    """auto, cpu, cuda, cuda:1 or mps; auto takes the fastest."""
    threads: int = Field(0, ge=0, le=1024, title="CPU threads")
    """Threads that the network runs on, on a CPU. Higher is faster up to the number of
    cores, and leaves less for the window; 0: as many as are fastest at the moment, or
    where the run is one of steps or epochs, all cores, less one where there are more
    than three."""
    save_seconds: float = Field(30.0, gt=0, title="Save every (seconds)")
    """How often the run is saved, so that a crash loses no more. Higher: less often,
    with less writing."""

    def changed(self, source: str | Path, **given: Any) -> Self:
        """Return these settings with those that are given, checked.

        A budget that is given takes the place of all others.

        Raises
        ------
        InputError
            As `read`.
        """
        if any(given.get(name) is not None for name in BUDGETS):
            given = {**dict.fromkeys(BUDGETS), **given}
        return super().changed(source, **given)

    @model_validator(mode="after")
    def _has_a_budget(self) -> Self:
        if self.minutes is None and self.epochs is None and self.steps is None:
            raise ValueError("one of minutes, epochs or steps is needed")
        return self
