"""Scores of volumes that the memory does not hold, some slices at a time."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.annotation import ignored_words
from napari_unet.data.label_survey import Survey
from napari_unet.data.labels import (
    check_same_size,
    going_on,
    label_values,
    whole_numbers,
)
from napari_unet.data.lazy import memory_limit
from napari_unet.data.slabs import slabs_of
from napari_unet.data.stack import ArrayLike, check_info_bar, list_slices
from napari_unet.errors import InputError
from napari_unet.score.comparison import (
    READ_FROM_1,
    SLICE_BY_SLICE,
    UNLABELLED,
    Comparison,
    compare,
    without_bar,
)
from napari_unet.score.label_reading import (
    LabelReading,
    classes_predicted,
    is_numbered,
    kind_of_truth,
)
from napari_unet.score.scores import Scores, SliceScores
from napari_unet.score.scoring import SliceScored, score_slice
from napari_unet.words import counted

_BYTES_A_VOXEL = 40
"""What scoring whole arrays takes at its height."""
_VOXELS = 2**23
"""About as many are compared at once."""
_HIGHEST = int(np.iinfo(np.int32).max)
_NOTHING = "The ground truth holds no labels: there is nothing to score."
_SAY = "choose --slices, so that the memory holds what is scored"


@dataclass(frozen=True)
class Question:
    """How labels are compared, as `compare` takes it."""

    kind: AnnotationKind | None = None
    volume: bool | None = None
    trained_on: frozenset[int] | None = frozenset()
    info_bar: int = 0
    coverage: Coverage | None = None
    whole: Survey | None = None
    num_classes: int = 2


def is_large(prediction: ArrayLike, truth: ArrayLike) -> bool:
    """Return whether the memory does not hold what scoring whole arrays takes."""
    voxels = max(math.prod(prediction.shape), math.prod(truth.shape))
    return voxels * _BYTES_A_VOXEL > memory_limit()


def score_volume_steps(
    prediction: ArrayLike, truth: ArrayLike, question: Question, stop: Event
) -> Generator[SliceScored, None, Scores | None]:
    """Score (Z, Y, X) labels as `score_steps` does, in bounded memory.

    The scores are those of the whole: all are made of counts of single slices. Labels
    are read twice, for their values, which settle how they are read, and to compare
    them. Only whether numbers without any 0 are classes is told by the first slices
    that have any ground truth.

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
    check_info_bar(question.info_bar, truth.shape[1], "The ground truth")
    predicted_labels = _Labels(prediction, "The prediction holds", question.info_bar)
    true_labels = _Labels(truth, "The ground truth holds", question.info_bar)
    predicted = _Occurring.of(predicted_labels, question.num_classes)
    question = replace(question, num_classes=predicted.num_classes)
    question, true_values, told = _settled(true_labels, predicted, question)
    ignored = None if question.coverage is None else question.coverage.ignored
    total, rows, left_out = truth.shape[0], list[SliceScores](), 0
    first = _first(predicted_labels, true_labels, question, true_values)
    through = question.volume
    if through is None and first.truth_ids is not None:
        through = _goes_on(true_labels, ignored)
    reading = _of_all(first, predicted, true_values)
    notes = (*told, *_of_the_whole(first, ignored, from_1=reading.from_1))
    if question.volume is None and through and reading.numbered:
        through = _goes_on(predicted_labels)
        notes += (SLICE_BY_SLICE,) * (not through)
    reading = replace(reading, volume=bool(through))
    _check_numbered(first, reading)
    for part, found, true in _parts(predicted_labels, true_labels):
        if ignored is not None:
            left_out += int(np.count_nonzero(true == ignored))
        annotated = _labelled(true, ignored) | _complete_in(question, part, total)
        if not annotated:
            continue
        comparison = _compared(found, true, part, question, annotated, reading)
        for z in comparison.slices:
            if stop.is_set():
                return None
            rows.append(score_slice(comparison, z))
            done = part.start + z + 1
            yield SliceScored(done, total, done / total)
    if not rows:
        raise InputError(_NOTHING)
    if left_out:
        notes = (*notes, ignored_words(ignored, left_out))
    if len(rows) < total:
        notes = (*notes, f"{counted(total - len(rows), 'slice')} {UNLABELLED}")
    return Scores(tuple(rows), reading.volume, notes)


class _Labels:
    """Labels of which slabs are read as whole numbers, with nothing on the info bar.

    Pixels that hold the `ignored` value are 0.
    """

    def __init__(
        self,
        labels: ArrayLike,
        name: str,
        info_bar: int = 0,
        ignored: int | None = None,
    ) -> None:
        self._labels, self._name, self._info_bar = labels, name, info_bar
        self._ignored = ignored
        self.shape, self.dtype = tuple(labels.shape), np.dtype(labels.dtype)
        self.ndim, self.chunks = 3, getattr(labels, "chunks", None)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[np.generic]:
        """Read some slices, or one by its number."""
        slab = key if isinstance(key, slice) else slice(key, key + 1)
        lowest = int(np.iinfo(np.int64).min)
        read = whole_numbers(np.asarray(self._labels[slab]), self._name, lowest)
        read = without_bar(read, self._info_bar)
        if self._ignored is not None:
            read = np.where(read == self._ignored, read.dtype.type(0), read)
        return read if isinstance(key, slice) else np.asarray(read[0])

    def __array__(self) -> NDArray[np.generic]:
        """Read all of them."""
        return self[:]

    @property
    def rows(self) -> int:
        """Rows above the info bar."""
        return self.shape[1] - self._info_bar

    def slabs(self) -> Iterator[NDArray[np.generic]]:
        """Yield all of them, some slices at a time."""
        for slab in slabs_of(self):
            yield self[slab]


@dataclass(frozen=True, eq=False)
class _Occurring:
    """What occurs in predicted labels.

    Attributes
    ----------
    values
        Those above 0.
    numbered
        Whether they number objects.
    dense
        Whether there is no 0 above the info bar.
    num_classes
        How many classes are known of them.
    """

    values: NDArray[np.int64]
    numbered: bool
    dense: bool
    num_classes: int

    @classmethod
    def of(cls, labels: _Labels, num_classes: int) -> _Occurring:
        """Read all of them."""
        values, touched, dense = np.empty(0, np.int64), list[bool](), True
        for slab in labels.slabs():
            values = np.union1d(values, label_values(slab))
            touched += (slab != 0).any(axis=(1, 2)).tolist()
            dense = dense and bool(slab[:, : labels.rows].all())
        known = classes_predicted(num_classes, values)
        numbered = is_numbered(labels, values, known, np.flatnonzero(touched))
        return cls(values, numbered, dense, known)


def _settled(
    truth: _Labels, predicted: _Occurring, question: Question
) -> tuple[Question, NDArray[np.int64], tuple[str, ...]]:
    """Settle by the values of all slices what is ignored, and how they are read.

    Returns
    -------
    The question, the values above 0 that mean something, and words on their kind.
    """
    parts = (Survey.of(slab[:, : truth.rows]) for slab in truth.slabs())
    found = Survey.of_all(parts)
    whole = question.whole or found
    coverage = whole.settle(question.coverage or Coverage(), question.kind)
    values = found.without(coverage.ignored).values
    question = replace(question, coverage=coverage, whole=whole)
    if question.kind is not None:
        return question, values, ()
    kind, note = kind_of_truth(
        whole.guess(coverage),
        _Labels(truth, "", ignored=coverage.ignored),
        values,
        predicted.values,
        predicted.num_classes,
        numbered=predicted.numbered,
    )
    return replace(question, kind=kind), values, (note,)


def _of_the_whole(
    first: Comparison, ignored: int | None, *, from_1: bool
) -> tuple[str, ...]:
    """Return the notes of the first slices that hold for all."""
    counted_anew = ignored_words(ignored, 0).partition("0")[0], UNLABELLED
    said = tuple(
        note
        for note in first.notes
        if note not in (SLICE_BY_SLICE, READ_FROM_1)
        and not any(one in note for one in counted_anew)
    )
    return (*said, READ_FROM_1) if from_1 else said


def _parts(
    prediction: _Labels, truth: _Labels
) -> Iterator[tuple[slice, NDArray[np.generic], NDArray[np.generic]]]:
    """Yield some slices of both, and which they are."""
    depth = max(1, _VOXELS // math.prod(truth.shape[1:]))
    for slab in slabs_of(prediction, truth):
        predicted, true = prediction[slab], truth[slab]
        for first in range(0, len(true), depth):
            here = slice(first, min(len(true), first + depth))
            part = slice(slab.start + here.start, slab.start + here.stop)
            yield part, predicted[here], true[here]


def _first(
    prediction: _Labels,
    truth: _Labels,
    question: Question,
    true_values: NDArray[np.int64],
) -> Comparison:
    """Compare the first slices that are labelled or, without any, that are complete.

    Raises
    ------
    InputError
        When there are none.
    """
    ignored = None if question.coverage is None else question.coverage.ignored
    for part, predicted, true in _parts(prediction, truth):
        annotated = _labelled(true, ignored)
        if annotated or not true_values.size:
            annotated |= _complete_in(question, part, len(truth))
        if annotated:
            return _compared(predicted, true, part, question, annotated)
    raise InputError(_NOTHING)


def _compared(
    predicted: NDArray[np.generic],
    true: NDArray[np.generic],
    part: slice,
    question: Question,
    annotated: set[int],
    reading: LabelReading | None = None,
) -> Comparison:
    """Compare some slices, of which those that are not `annotated` say nothing."""
    known = question.coverage or Coverage()
    words = ",".join(map(str, sorted(annotated)))
    seen = question.trained_on
    inside = None if seen is None else {z - part.start for z in seen if z in _all(part)}
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
        whole=question.whole,
        num_classes=question.num_classes,
    )


def _of_all(
    first: Comparison,
    predicted: _Occurring,
    true_values: NDArray[np.int64],
) -> LabelReading:
    """Return how the whole is read: as its first slices, with the values of all.

    `values` were predicted, and are `numbered` objects or none.

    Raises
    ------
    InputError
        When that cannot be done some slices at a time.
    """
    reading = first.reading
    if reading is None:
        raise InputError(_NOTHING)
    values, numbered = predicted.values, predicted.numbered
    from_1 = predicted.dense and values.tolist() == [*range(1, reading.num_classes + 1)]
    # Of what may be numbers of objects, too, the first slices tell.
    from_1 = from_1 and (reading.from_1 or not numbered)
    if max(int(one.max(initial=0)) for one in (values, true_values)) > _HIGHEST:
        raise InputError(f"Objects are numbered beyond {_HIGHEST:,}: number them anew.")
    return replace(reading, values=values, numbered=numbered, from_1=from_1)


def _check_numbered(first: Comparison, reading: LabelReading) -> None:
    if reading.volume and (not reading.numbered or first.truth_ids is None):
        raise InputError(
            "Objects that go on through the slices, but are not numbered, are not told "
            f"apart some slices at a time: number them, score by --planes, or {_SAY}."
        )


def _goes_on(objects: _Labels, ignored: int | None = None) -> bool:
    """Guess whether objects go on through the slices, as `goes_on` does."""
    same, found, last = 0, 0, None
    for slab in objects.slabs():
        labels = slab if last is None else np.concatenate([last, slab])
        if ignored is not None:
            labels = np.where(labels == ignored, labels.dtype.type(0), labels)
        more, pixels = going_on(labels)
        same, found, last = same + more, found + pixels, labels[-1:]
    return found > 0 and same > found / 2


def _labelled(true: NDArray[np.generic], ignored: int | None) -> set[int]:
    """Return which slices of a part hold a value that means something."""
    known = true != 0
    if ignored is not None:
        known &= true != ignored
    return set(np.flatnonzero(known.any(axis=(1, 2))).tolist())


def _complete_in(question: Question, part: slice, total: int) -> set[int]:
    """Return which slices of a part are complete, counted from its first."""
    complete = question.coverage and question.coverage.complete
    if not complete:
        return set()
    return {z - part.start for z in list_slices(complete, total) if z in _all(part)}


def _all(part: slice) -> range:
    return range(part.start, part.stop)
