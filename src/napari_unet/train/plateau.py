"""Whether a run still gets better."""

from __future__ import annotations

from dataclasses import dataclass

_FALL = 0.3


@dataclass
class Plateau:
    """Watches scores: lowers the learning rate, and in the end stops, when none rises.

    Attributes
    ----------
    best
        Best score so far; None before the first.
    waited
        Scores since the best one.
    lowered
        How often the learning rate was lowered.
    """

    best: float | None = None
    waited: int = 0
    lowered: int = 0

    @property
    def factor(self) -> float:
        """Share of the learning rate that is left: 0.3 for each time it was lowered."""
        return float(_FALL**self.lowered)

    def add(self, score: float, patience: int) -> None:
        """Take a score; after each `patience` without a better one, lower the rate."""
        if self.best is None or score > self.best:
            self.best, self.waited = score, 0
            return
        self.waited += 1
        self.lowered += self.waited % patience == 0
