"""What the steps of a training did, one by one and in bundles."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one step of training did.

    Attributes
    ----------
    step
        Steps so far.
    seconds
        Time spent training.
    loss, learning_rate
        Of this step.
    validation
        IoU on the held-out slices where it was measured at this step, else None.
    message
        A word to the user, or "".
    """

    step: int
    seconds: float
    loss: float
    learning_rate: float
    validation: float | None = None
    message: str = ""

    def row(self) -> dict[str, float | None]:
        """Return the line of the step in `history.csv`."""
        return {
            "step": self.step,
            "loss": self.loss,
            "learning_rate": self.learning_rate,
            "validation_iou": self.validation,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, kw_only=True)
class TrainStep(Step):
    """What one step of a run did.

    Attributes
    ----------
    total
        Steps in all, None while the machine's speed is measured.
    epoch
        How often every annotated pixel was seen, about.
    seconds_left
        Time still needed (None while unknown).
    progress
        Share of the run that is done, 0 to 1; never less than at the step before.
    best, best_step
        Best validation IoU so far and its step; None before the first.
    """

    total: int | None
    epoch: float
    seconds_left: float | None
    progress: float
    best: float | None = None
    best_step: int | None = None


@dataclass(frozen=True)
class Progress:
    """Steps since the last time: seconds, loss and score of each, and the newest."""

    points: tuple[tuple[float, float, float | None], ...]
    last: Step


def bundled(items: Iterable[object], pause: float) -> Iterator[Any]:
    """Bundle the steps among what a training yields, one bundle in `pause` seconds.

    A fast GPU does not flood the window then. A step with a message waits for nothing.
    """
    points: list[tuple[float, float, float | None]] = []
    shown, last = 0.0, None
    for item in items:
        if not isinstance(item, Step):
            yield item
            continue
        last = item
        points.append((item.seconds, item.loss, item.validation))
        if item.message or time.monotonic() - shown > pause:
            shown = time.monotonic()
            yield Progress(tuple(points), item)
            points = []
    if points and last is not None:
        yield Progress(tuple(points), last)
