"""The points of training curves, few enough to be drawn after hours of training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_unet.train.history import History

MOST = 1000
"""Points that are kept of a curve; more of them would not show."""
_SMOOTHING = 0.9

Point = tuple[float, float, float | None]
"""Moment, loss, and score or None."""


@dataclass(eq=False)
class Curve:
    """A curve that keeps every point, then every second, then every fourth."""

    _x: list[float] = field(default_factory=list)
    _y: list[float] = field(default_factory=list)
    _every: int = 1
    count: int = 0

    def add(self, x: float, y: float) -> None:
        """Add a point at the right end."""
        if self.count % self._every == 0:
            self._x.append(x)
            self._y.append(y)
        self.count += 1
        if len(self._x) > MOST:
            self._x, self._y = self._x[::2], self._y[::2]
            self._every *= 2

    def points(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return x and y of the points that are kept, at most `MOST`."""
        return np.array(self._x), np.array(self._y)


class Curves:
    """Loss and score of a run against moments: seconds, or steps in old runs.

    Attributes
    ----------
    losses, scores
        The curves; losses are smoothed.
    best
        Moment and value of the highest score; None before the first.
    newest
        Moment of the newest step.
    timed
        Whether moments are seconds.
    """

    def __init__(self, points: Iterable[Point] = (), *, timed: bool = True) -> None:
        self.losses, self.scores = Curve(), Curve()
        self.best: tuple[float, float] | None = None
        self.newest = 0.0
        self.timed = timed
        self._smooth: float | None = None
        for point in points:
            self.add(*point)

    @classmethod
    def of(cls, history: History) -> Curves:
        """Return the curves of a run that was read."""
        return cls(history.points(), timed=history.seconds is not None)

    def add(self, moment: float, loss: float, score: float | None) -> None:
        """Add a step, with its score where there is one."""
        before = loss if self._smooth is None else self._smooth
        self._smooth = _SMOOTHING * before + (1 - _SMOOTHING) * loss
        self.newest = moment
        self.losses.add(moment, self._smooth)
        if score is not None:
            self.scores.add(moment, score)
            if self.best is None or score >= self.best[1]:
                self.best = moment, score
