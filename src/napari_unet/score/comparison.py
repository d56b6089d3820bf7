"""A prediction and its ground truth, read so that every score compares the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.annotation import (
    IGNORE,
    MAX_CLASSES,
    SplitLabels,
    Target,
    connected_objects,
    set_apart,
    split_labels,
    target_of,
)
from napari_unet.data.label_survey import Survey
from napari_unet.data.labels import (
    check_same_size,
    goes_on,
    label_values,
    narrow_ids,
    whole_numbers,
)
from napari_unet.data.stack import check_info_bar
from napari_unet.errors import InputError, memory_told
from napari_unet.score.label_reading import (
    LabelReading,
    classes_predicted,
    is_numbered,
    is_without_0,
    kind_of_truth,
    known_classes,
)
from napari_unet.words import counted

_READ_AS_MASK = (
    "prediction: every value above 0 is read as foreground; what touches is one object"
)
_MORE_CLASSES = (
    "prediction: values up to {} are read as classes, of which {} are known: are they "
    "numbers of objects?"
)
READ_FROM_1 = "prediction: there is no 0, so that 1 is read as background"
"""What is said of classes that are counted from 1."""
SLICE_BY_SLICE = (
    "the prediction numbers the objects of each slice anew: they are compared slice by "
    "slice, although those of the ground truth go on through the slices"
)
"""What is said where only the truth knows which objects go on."""
UNLABELLED = "without any label in the ground truth: not scored, not annotated"
"""What slices are of which a number is told."""
_READ_AS_OBJECTS = "prediction: every value above 0 is read as an object of foreground"


@dataclass(frozen=True, eq=False)
class Comparison:
    """A prediction beside its ground truth, as classes and as objects.

    Attributes
    ----------
    prediction
        (Z, Y, X) class indices.
    truth
        (Z, Y, X) uint8 class indices, `IGNORE` where there is no truth.
    predicted_ids, truth_ids
        (Z, Y, X) numbered objects, where they were given as such; otherwise objects
        are the connected components of all that is not background.
    num_classes
        Classes, background included.
    volume
        Whether an object goes on through the slices; else each slice has its own.
    first_slice
        Number by which the first slice is called.
    trained_on
        Slices, by their index, that the network was trained on: their scores say
        nothing of other images. None where that is not known.
    notes
        Words to the user on how the values were read.
    reading
        How they were read; None where they are classes and ids already.
    """

    prediction: NDArray[np.generic]
    truth: NDArray[np.uint8]
    num_classes: int = 2
    predicted_ids: NDArray[np.generic] | None = None
    truth_ids: NDArray[np.generic] | None = None
    volume: bool = False
    first_slice: int = 0
    trained_on: frozenset[int] | None = frozenset()
    notes: tuple[str, ...] = ()
    reading: LabelReading | None = None

    @cached_property
    def annotated(self) -> NDArray[np.bool_]:
        """(Z, Y, X): pixels that are scored."""
        return np.not_equal(self.truth, IGNORE)

    @cached_property
    def slices(self) -> tuple[int, ...]:
        """Indices of the slices that have any truth."""
        planes = enumerate(self.truth)
        return tuple(z for z, plane in planes if (plane != IGNORE).any())

    @cached_property
    def predicted_mask(self) -> NDArray[np.bool_]:
        """(Z, Y, X): predicted as any class but background."""
        found: NDArray[Any] = self.prediction
        return found if found.dtype == bool else np.asarray(found != 0)

    @cached_property
    def truth_mask(self) -> NDArray[np.bool_]:
        """(Z, Y, X): any class but background in truth."""
        return np.asarray((self.truth != 0) & self.annotated)

    @cached_property
    def predicted_objects(self) -> NDArray[np.generic]:
        """(Z, Y, X) whole numbers: 0 is background, any other value one object."""
        if self.predicted_ids is not None:
            return self.predicted_ids
        return connected_objects(self.predicted_mask, ndim=self._ndim)

    @cached_property
    def truth_objects(self) -> NDArray[np.generic]:
        """(Z, Y, X): 0 is background or no truth, any other value one object."""
        if self.truth_ids is not None:
            return self.truth_ids
        return connected_objects(self.truth_mask, ndim=self._ndim)

    def objects_of(self, z: int) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
        """Return predicted and true objects of a slice.

        They are those of the stack; where they do not go on through the slices and have
        no numbers, each slice has its own from 1 on.
        """
        if self.volume:
            return self.predicted_objects[z], self.truth_objects[z]
        predicted, truth = self.predicted_ids, self.truth_ids
        here = slice(z, z + 1)
        known = self.truth[here] != IGNORE
        return (
            connected_objects(self.prediction[here] != 0)[0]
            if predicted is None
            else predicted[z],
            connected_objects(known & (self.truth[here] != 0))[0]
            if truth is None
            else truth[z],
        )

    @property
    def _ndim(self) -> int:
        return 3 if self.volume else 2


@memory_told()
def compare(  # noqa: PLR0913 (every option is one argument)
    prediction: NDArray[np.generic],
    truth: NDArray[np.generic],
    kind: AnnotationKind | None = None,
    *,
    first_slice: int = 0,
    slices: Sequence[int] | None = None,
    volume: bool | None = None,
    trained_on: frozenset[int] | None = frozenset(),
    info_bar: int = 0,
    coverage: Coverage | None = None,
    reading: LabelReading | None = None,
    whole: Survey | None = None,
    num_classes: int = 2,
) -> Comparison:
    """Read a prediction and its ground truth as they are stored.

    Parameters
    ----------
    prediction
        (Z, Y, X) class indices; where the truth has two classes, everything above 0
        is foreground, so that masks of 0 and 255 and numbered objects work too.
        Numbers are those of objects where there are many of them, or where each is of
        one or two pieces a slice; the objects of a mask are its connected components.
        Classes without any 0 (as of ilastik) count from the background.
    truth
        (Z, Y, X) labels as painted or saved.
    kind, coverage
        What the values of `truth` mean, and which of its pixels say anything; guessed
        when left out.
    first_slice
        Number by which the first slice is called.
    slices
        Compare only these, such as those that were predicted; all when left out.
    volume
        Whether objects go on through the slices; when left out they do where the
        truth is objects whose numbers lie over each other in neighbouring slices, and
        so do those of a numbered prediction.
    trained_on
        Slices, by their index, that the network was trained on; None: not known.
    info_bar
        Rows at the bottom of the image that hold writing, and are not scored.
    reading, whole, num_classes
        How the whole is read, what occurs in its truth, and how many classes it has.

    Raises
    ------
    InputError
        When shapes or classes differ, or there is no truth.
    """
    kind, coverage = AnnotationKind.of(kind), coverage or Coverage()
    coverage = whole.settle(coverage, kind) if whole else coverage
    prediction, truth, read = _checked(prediction, truth, kind, coverage, info_bar)
    coverage = read.settle(coverage)
    values = reading.values if reading else label_values(prediction)
    num_classes = classes_predicted(num_classes, values)
    numbered = _numbers(prediction, values, num_classes, reading)
    scored, notes = truth[:, : truth.shape[1] - info_bar], list[str]()
    told = whole or Survey.of(scored, values=read.every)
    if kind is None:
        guessed = told.guess(coverage), read.labels, read.values, values, num_classes
        kind, *notes = kind_of_truth(*guessed, numbered=numbered)
    target = _target(read, kind, coverage, told, num_classes, reading)
    notes.extend([*target.notes, *_leave_out(target, slices, info_bar)])
    true_ids, through = _true_ids(read.labels, target, volume)
    if volume is None and through and numbered and not goes_on(prediction):
        through, notes = False, [*notes, SLICE_BY_SLICE]
    if reading is None:
        from_1 = is_without_0(prediction, values, target, info_bar, numbered=numbered)
        how = (kind, coverage, target.num_classes, values, numbered, from_1, through)
        reading = LabelReading(*how)
    if reading.from_1:
        prediction, values, numbered = _from_0(prediction), values[:-1], False
        notes.append(READ_FROM_1)
    classes, num_classes, more = _predicted_classes(
        prediction, values, kind, reading.num_classes, numbered=numbered
    )
    ids = narrow_ids(prediction) if numbered and num_classes == 2 else None
    arrays = classes, target.classes, num_classes, ids, true_ids, through
    return Comparison(*arrays, first_slice, trained_on, (*notes, *more), reading)


def _checked(
    prediction: NDArray[np.generic],
    truth: NDArray[np.generic],
    kind: AnnotationKind | None,
    coverage: Coverage | None,
    info_bar: int,
) -> tuple[NDArray[np.generic], NDArray[np.generic], SplitLabels]:
    """Return whole numbers of one size without the info bar, and the truth as split."""
    check_same_size(prediction.shape, truth.shape)
    check_info_bar(info_bar, truth.shape[1], "The ground truth")
    prediction, truth = (without_bar(one, info_bar) for one in (prediction, truth))
    read = split_labels(truth, kind, coverage, "The ground truth holds")
    if not read.values.size and not read.complete:
        raise InputError("The ground truth holds no labels: there is nothing to score.")
    return whole_numbers(prediction, "The prediction holds"), truth, read


def _numbers(
    prediction: NDArray[np.generic],
    values: NDArray[np.int64],
    known: int,
    reading: LabelReading | None,
) -> bool:
    """Return whether predicted values are numbers of objects."""
    return reading.numbered if reading else is_numbered(prediction, values, known)


def _target(
    truth: SplitLabels,
    kind: AnnotationKind,
    coverage: Coverage,
    whole: Survey,
    known: int,
    reading: LabelReading | None,
) -> Target:
    """Return a truth as classes, with all that the `whole` has or that are `known`."""
    values = whole.without(coverage.ignored).values
    mask, num_classes = known_classes(kind, values, known)
    if reading is not None:
        mask, num_classes = reading.num_classes == 2, reading.num_classes
    target = target_of(truth, kind, mask=mask, objects=False)
    return replace(target, num_classes=max(num_classes, target.num_classes))


def _true_ids(
    truth: NDArray[np.generic], target: Target, volume: bool | None
) -> tuple[NDArray[np.generic] | None, bool]:
    """Return the numbers of true objects, and whether they go on through slices."""
    if target.kind is not AnnotationKind.OBJECTS:
        return None, bool(volume)
    # By their numbers, without the gaps that the classes get.
    left_out = zip(truth, target.classes, strict=True)
    if any(one[classes == IGNORE].any() for one, classes in left_out):
        truth = np.where(target.annotated, truth, truth.dtype.type(0))
    return narrow_ids(truth), goes_on(truth) if volume is None else volume


def _from_0(prediction: NDArray[np.generic]) -> NDArray[np.generic]:
    """Count classes from 0 that were counted from 1; the bar stays 0."""
    return np.asarray(np.subtract(prediction, prediction != 0, dtype=prediction.dtype))


def without_bar(labels: NDArray[np.generic], info_bar: int) -> NDArray[np.generic]:
    """Let nothing on the bar connect what lies above, or tell how values are meant."""
    if not info_bar:
        return labels
    cleared = labels.copy()
    cleared[:, -info_bar:] = 0
    return cleared


def _leave_out(
    target: Target, slices: Sequence[int] | None, info_bar: int
) -> list[str]:
    """Ignore slices that are not wanted and the bar; note what is not scored."""
    every = np.arange(len(target.classes))
    wanted = every if slices is None else np.asarray(slices)
    empty = np.setdiff1d(wanted, target.annotated_slices).size
    target.classes[np.setdiff1d(every, wanted)] = IGNORE
    notes = []
    if empty:
        notes = [f"{counted(empty, 'slice')} {UNLABELLED}"]
    if info_bar:
        target.classes[:, -info_bar:] = IGNORE
        notes.append(f"the info bar, {info_bar} rows at the bottom, is not scored")
    return notes


def _predicted_classes(
    prediction: NDArray[np.generic],
    values: NDArray[np.int64],
    kind: AnnotationKind,
    known: int,
    *,
    numbered: bool,
) -> tuple[NDArray[np.generic], int, tuple[str, ...]]:
    """Return class indices, how many classes there are, and how values were read.

    Beside a truth of two classes (`known`), every value above 0 is foreground.
    """
    highest = int(values.max(initial=0))
    if known > 2 and highest > MAX_CLASSES:
        raise InputError(
            f"The prediction holds objects (up to {highest:,}) and the ground truth "
            f"{known} classes: predict classes, or say that the ground truth holds "
            "objects."
        )
    if known > 2 and highest >= known:
        told = _MORE_CLASSES.format(highest, known - 1)
        return prediction, highest + 1, (told,)
    if known > 2 or highest < 2:
        return prediction, max(known, highest + 1), ()
    found = prediction != 0
    if kind is AnnotationKind.OBJECTS and numbered and found.any():
        # The truth got a line between touching objects; so must what is compared.
        found = set_apart(prediction)
    return found, 2, (_READ_AS_OBJECTS if numbered else _READ_AS_MASK,)
