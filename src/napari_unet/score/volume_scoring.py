"""Scores of volumes that the memory does not hold, some slices at a time."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.labels import (
    check_same_size,
    going_on,
    label_values,
    reads_as_mask,
)
from napari_unet.data.lazy import memory_limit
from napari_unet.data.slabs import slabs_of
from napari_unet.data.stack import ArrayLike, list_slices
from napari_unet.errors import InputError
from napari_unet.score.comparison import SLICE_BY_SLICE, Comparison, compare
from napari_unet.score.label_reading import LabelReading, is_numbered
from napari_unet.score.scores import Scores, SliceScores
from napari_unet.score.scoring import SliceScored, score_slice

_BYTES_A_VOXEL = 40
"""What scoring whole arrays takes at its height."""
_VOXELS = 2**23
"""About as many are compared at once."""
_HIGHEST = int(np.iinfo(np.int32).max)
_SAY = "choose --slices, so that the memory holds what is scored"


@dataclass(frozen=True)
class Question:
    """How labels are compared, as `compare` takes it."""

    kind: AnnotationKind | None = None
    volume: bool | None = None
    trained_on: frozenset[int] | None = frozenset()
    info_bar: int = 0
    coverage: Coverage | None = None


def is_large(prediction: ArrayLike, truth: ArrayLike) -> bool:
    """Return whether the memory does not hold what scoring whole arrays takes."""
    voxels = max(math.prod(prediction.shape), math.prod(truth.shape))
    return voxels * _BYTES_A_VOXEL > memory_limit()


def score_volume_steps(
    prediction: ArrayLike, truth: ArrayLike, question: Question, stop: Event
) -> Generator[SliceScored, None, Scores | None]:
    """Score (Z, Y, X) labels as `score_steps` does, in bounded memory.

    The scores are those of the whole: all are made of counts of single slices. Labels
    are read twice, for their values and to compare them. How values are read is
    settled by all values, and by the first slices that have any ground truth.

    Returns
    -------
    The scores; None where `stop` was set before the last slice was done.

    Raises
    ------
    InputError
        As `compare` does; and when objects go on through the slices but are not
        numbered, which needs all of them at once.
    """
    check_same_size(prediction.shape, truth.shape)
    total, rows = truth.shape[0], list[SliceScores]()
    reading: LabelReading | None = None
    notes: tuple[str, ...] = ()
    for part, predicted, true in _parts(prediction, truth):
        complete = _complete_in(question.coverage, part, total)
        if not complete and not true.any():
            continue
        if reading is None:
            first = _compared(predicted, true, part, question, complete)
            through = question.volume
            if through is None and first.truth_ids is not None:
                through = _goes_on(truth, first)
            reading = _of_all(first, predicted, _values(prediction), _values(truth))
            told = (SLICE_BY_SLICE,)
            notes = tuple(note for note in first.notes if note not in told)
            if question.volume is None and through and reading.numbered:
                through = _goes_on(prediction)
                notes += told * (not through)
            reading = replace(reading, volume=bool(through))
            _check_numbered(first, reading)
        comparison = _compared(predicted, true, part, question, complete, reading)
        for z in comparison.slices:
            if stop.is_set():
                return None
            rows.append(score_slice(comparison, z))
            done = part.start + z + 1
            yield SliceScored(done, total, done / total)
    if reading is None or not rows:
        raise InputError("The ground truth holds no labels: there is nothing to score.")
    if len(rows) < total:
        empty = f"{total - len(rows)} slices without any label in the ground truth"
        notes = (*notes, f"{empty}: not scored, not annotated")
    return Scores(tuple(rows), reading.volume, notes)


def _parts(
    prediction: ArrayLike, truth: ArrayLike
) -> Iterator[tuple[slice, NDArray[np.generic], NDArray[np.generic]]]:
    """Yield some slices of both, and which they are."""
    depth = max(1, _VOXELS // math.prod(truth.shape[1:]))
    for slab in slabs_of(prediction, truth):
        predicted, true = np.asarray(prediction[slab]), np.asarray(truth[slab])
        for first in range(0, len(true), depth):
            here = slice(first, min(len(true), first + depth))
            part = slice(slab.start + here.start, slab.start + here.stop)
            yield part, predicted[here], true[here]


def _compared(
    predicted: NDArray[np.generic],
    true: NDArray[np.generic],
    part: slice,
    question: Question,
    complete: list[int],
    reading: LabelReading | None = None,
) -> Comparison:
    known = question.coverage or Coverage() if reading is None else reading.coverage
    words = ",".join(map(str, complete)) or None
    seen = question.trained_on
    inside = None if seen is None else {z - part.start for z in seen if z in _all(part)}
    annotated = set(np.flatnonzero(true.any(axis=(1, 2))).tolist()) | set(complete)
    return compare(
        predicted,
        true,
        question.kind if reading is None else reading.kind,
        first_slice=part.start,
        slices=sorted(annotated),
        volume=question.volume if reading is None else reading.volume,
        trained_on=None if inside is None else frozenset(inside),
        info_bar=question.info_bar,
        coverage=known.model_copy(update={"complete": words}),
        reading=reading,
    )


def _of_all(
    first: Comparison,
    predicted: NDArray[np.generic],
    values: NDArray[np.int64],
    true_values: NDArray[np.int64],
) -> LabelReading:
    """Return how the whole is read: as its first slices, with the values of all.

    Raises
    ------
    InputError
        When that cannot be done some slices at a time.
    """
    reading = first.reading
    if reading is None:
        raise InputError("The ground truth holds no labels: there is nothing to score.")
    meant = true_values[true_values != reading.coverage.ignored]
    num_classes = reading.num_classes
    if reading.kind is not AnnotationKind.OBJECTS and not reads_as_mask(meant):
        # Scribbles count the background as 1.
        scribbled = reading.kind is AnnotationKind.SCRIBBLES
        num_classes = max(2, int(meant[-1]) + (not scribbled))
    numbered = is_numbered(predicted, values)
    if max(int(one.max(initial=0)) for one in (values, true_values)) > _HIGHEST:
        raise InputError(f"Objects are numbered beyond {_HIGHEST:,}: number them anew.")
    return replace(reading, values=values, numbered=numbered, num_classes=num_classes)


def _check_numbered(first: Comparison, reading: LabelReading) -> None:
    if reading.volume and (not reading.numbered or first.truth_ids is None):
        raise InputError(
            "Objects that go on through the slices, but are not numbered, are not told "
            f"apart some slices at a time: number them, score by --planes, or {_SAY}."
        )


def _goes_on(objects: ArrayLike, first: Comparison | None = None) -> bool:
    """Guess whether objects go on through the slices, as `goes_on` does.

    Of the truth, the `first` comparison says what is ignored.
    """
    reading = None if first is None else first.reading
    ignored = None if reading is None else reading.coverage.ignored
    same, found, last = 0, 0, objects[:0]
    for slab in slabs_of(objects):
        labels = np.concatenate([last, np.asarray(objects[slab])])
        labels[labels == ignored] = 0
        counted = going_on(labels)
        same, found, last = same + counted[0], found + counted[1], labels[-1:]
    return found > 0 and same > found / 2


def _values(labels: ArrayLike) -> NDArray[np.int64]:
    """Return the values above 0 that occur in labels, sorted."""
    found = [label_values(np.asarray(labels[slab])) for slab in slabs_of(labels)]
    return np.unique(np.concatenate(found))


def _complete_in(coverage: Coverage | None, part: slice, total: int) -> list[int]:
    """Return which slices of a part are complete, counted from its first."""
    if coverage is None or coverage.complete is None:
        return []
    every = list_slices(coverage.complete, total)
    return [z - part.start for z in every if z in _all(part)]


def _all(part: slice) -> range:
    return range(part.start, part.stop)
