"""What live training yields."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_unet.train.progress import Step
from napari_unet.words import clock

NETWORK = "your network"
"""Who draws a preview once the network has learnt from annotations."""


@dataclass(frozen=True, kw_only=True)
class LiveStep(Step):
    """What one step of live training did.

    Attributes
    ----------
    pixels, slices
        Annotated pixels and slices that are trained on.
    left_out
        Why a slice is not learnt from until it is painted otherwise, or "".
    """

    pixels: int
    slices: int
    left_out: str = ""

    @property
    def words(self) -> str:
        """What happens, for the user."""
        slices = "1 slice" if self.slices == 1 else f"{self.slices} slices"
        learning = f"Learning from {slices}, {self.pixels:,} pixels"
        now = f"step {self.step}, loss {self.loss:.3f}, {clock(self.seconds)}"
        return "\n".join(filter(None, (learning, now, self.message, self.left_out)))


@dataclass(frozen=True, eq=False)
class Preview:
    """A part of what is looked at, as the network sees it now.

    Attributes
    ----------
    core
        Where it lies in the (Z, Y, X) image; one slice.
    labels
        The class of each pixel, (z, y, x) uint8.
    probabilities
        (num_classes, z, y, x) float32, or None where they are not wanted.
    step
        Steps of the network that was asked.
    updates
        Updates of annotations that it has learnt from.
    drawn_by
        Who was asked, in words: the model that is started from, until the network has
        taken a step, and `NETWORK` from then on.
    """

    core: tuple[slice, ...]
    labels: NDArray[np.uint8]
    probabilities: NDArray[np.floating] | None
    step: int
    updates: int
    drawn_by: str = ""


@dataclass(frozen=True)
class Idle:
    """Nothing to train on, or paused; with the reason in words."""

    reason: str


@dataclass(frozen=True)
class Kept:
    """The network as it is was written, as asked for; where it lies."""

    path: Path
