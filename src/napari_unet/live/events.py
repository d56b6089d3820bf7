"""What live training yields."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LiveStep:
    """What one step of live training did.

    Attributes
    ----------
    step
        Steps so far.
    seconds
        Time spent training.
    loss, learning_rate
        Of this step.
    pixels, slices
        Annotated pixels and slices that are trained on.
    validation
        IoU on the held-out slices where it was measured at this step, else None.
    message
        A word to the user, or "".
    left_out
        Why a slice is not learnt from until it is painted otherwise, or "".
    """

    step: int
    seconds: float
    loss: float
    learning_rate: float
    pixels: int
    slices: int
    validation: float | None = None
    message: str = ""
    left_out: str = ""


@dataclass(frozen=True)
class Learnt:
    """Steps since the last time: seconds, loss and score of each, and the newest."""

    points: tuple[tuple[float, float, float | None], ...]
    last: LiveStep


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
    """

    core: tuple[slice, ...]
    labels: NDArray[np.uint8]
    probabilities: NDArray[np.floating] | None
    step: int
    updates: int


@dataclass(frozen=True)
class Idle:
    """Nothing to train on, or paused; with the reason in words."""

    reason: str


@dataclass(frozen=True)
class Kept:
    """The network as it is was written, as asked for; where it lies."""

    path: Path
