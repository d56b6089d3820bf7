"""Scoring what was read of two layers, for a worker thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from napari_unet.score.comparison import compare
from napari_unet.score.errors.error_map import leave_out
from napari_unet.score.scoring import SliceScored, score_slice_by_slice
from napari_unet.widgets.scores.subject import Scored, Subject
from napari_unet.words import clock

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet.config import AnnotationKind
    from napari_unet.score.scores import Scores

_SHOW_SECONDS = 0.1


@dataclass(frozen=True)
class ScoringProgress:
    """How far a scoring is, and that in words."""

    done: int
    total: int
    words: str


@dataclass(eq=False)
class ScoringWork:
    """Scores a prediction against its ground truth.

    Attributes
    ----------
    subject
        What is scored.
    kind
        Of the ground truth; None for a guess.
    slices
        Indices of those that are scored; None for all.
    ignored
        (Z, Y, X) pixels that do not count; None where all do.
    """

    subject: Subject
    kind: AnnotationKind | None
    slices: Any
    ignored: NDArray[np.bool_] | None
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)

    def stop(self) -> None:
        """End after the slice in work; from any thread."""
        self._stopped.set()

    def run(self) -> Generator[ScoringProgress, None, Scored | None]:
        """Score, yielding how far it is; None after a stop."""
        subject = self.subject
        comparison = compare(subject.told, subject.true, self.kind, slices=self.slices)
        if self.ignored is not None:
            comparison = leave_out(comparison, self.ignored)
        learnt = subject.learnt_from
        comparison = replace(comparison, trained_on=learnt or frozenset())
        steps = score_slice_by_slice(comparison)
        began = shown = time.monotonic()
        while not self._stopped.is_set():
            try:
                step = next(steps)
            except StopIteration as end:
                found: Scores = end.value
                scores = replace(found, trained_known=learnt is not None)
                # Worked out here, not while it is shown.
                _ = scores.intervals, scores.instances
                return Scored(subject, comparison, scores)
            if time.monotonic() - shown > _SHOW_SECONDS:
                shown = time.monotonic()
                yield ScoringProgress(step.done, step.total, _words(step, began))
        return None


def _words(step: SliceScored, began: float) -> str:
    passed = time.monotonic() - began
    left = passed / step.done * (step.total - step.done)
    told = f"Scored slice {step.done} of {step.total}"
    return f"{told}, {clock(left)} left" if left > 1 else told
