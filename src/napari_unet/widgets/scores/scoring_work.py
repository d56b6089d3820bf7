"""Scoring what was read of two layers, for a worker thread."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING

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


def score_subject(
    subject: Subject,
    kind: AnnotationKind | None,
    slices: Sequence[int] | None,
    ignored: NDArray[np.bool_] | None,
    stop: Event,
) -> Generator[ScoringProgress, None, Scored | None]:
    """Score a prediction against its ground truth, yielding how far it is.

    Parameters
    ----------
    subject
        What is scored.
    kind
        Of the ground truth; None for a guess.
    slices
        Indices of those that are scored; None for all.
    ignored
        (Z, Y, X) pixels that do not count; None where all do.
    stop
        Ends the work after the slice in hand once it is set; None is returned then.
    """
    comparison = compare(subject.told, subject.true, kind, slices=slices)
    if ignored is not None:
        comparison = leave_out(comparison, ignored)
    learnt = subject.learnt_from
    comparison = replace(comparison, trained_on=learnt or frozenset())
    steps = score_slice_by_slice(comparison)
    began = shown = time.monotonic()
    while not stop.is_set():
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
