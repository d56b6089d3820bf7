"""A prediction and its ground truth, read so that every score compares the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import skimage
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.annotation import (
    IGNORE,
    MAX_CLASSES,
    KindGuess,
    SplitLabels,
    Target,
    connected_objects,
    guess_kind,
    split_labels,
    to_target,
)
from napari_unet.data.labels import (
    check_same_size,
    goes_on,
    is_mask,
    label_values,
    small_ids,
    whole_numbers,
)
from napari_unet.data.stack import check_info_bar
from napari_unet.errors import InputError

_FEW = 8
_MOST = 0.75
_SLICES_LOOKED_AT = 4
_READ_AS_MASK = (
    "prediction: every value above 0 is read as foreground; what touches is one object"
)
_READ_FROM_1 = "prediction: there is no 0, so that 1 is read as background"
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
    """

    prediction: NDArray[np.generic]
    truth: NDArray[np.uint8]
    num_classes: int = 2
    predicted_ids: NDArray[np.generic] | None = None
    truth_ids: NDArray[np.int32] | None = None
    volume: bool = False
    first_slice: int = 0
    trained_on: frozenset[int] | None = frozenset()
    notes: tuple[str, ...] = ()

    @cached_property
    def annotated(self) -> NDArray[np.bool_]:
        """(Z, Y, X): pixels that are scored."""
        return np.not_equal(self.truth, IGNORE)

    @cached_property
    def slices(self) -> tuple[int, ...]:
        """Indices of the slices that have any truth."""
        return tuple(map(int, np.flatnonzero(self.annotated.any(axis=(1, 2)))))

    @cached_property
    def predicted_mask(self) -> NDArray[np.bool_]:
        """(Z, Y, X): predicted as any class but background."""
        return np.asarray(self.prediction != 0)

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
    def truth_objects(self) -> NDArray[np.int32]:
        """(Z, Y, X): 0 is background or no truth, any other value one object."""
        if self.truth_ids is not None:
            return self.truth_ids
        return connected_objects(self.truth_mask, ndim=self._ndim)

    @property
    def _ndim(self) -> int:
        return 3 if self.volume else 2


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
    kind
        What the values of `truth` mean; guessed when left out.
    first_slice
        Number by which the first slice is called.
    slices
        Compare only these, such as those that were predicted; all when left out.
    volume
        Whether objects go on through the slices; when left out they do where the
        truth is objects whose numbers lie over each other in neighbouring slices.
    trained_on
        Slices, by their index, that the network was trained on; None where that is
        not known.
    info_bar
        Rows at the bottom of the image that hold writing, and are not scored.
    coverage
        Which pixels of `truth` say anything; guessed when left out.

    Raises
    ------
    InputError
        When shapes or classes differ, or there is no truth.
    """
    check_same_size(prediction.shape, truth.shape)
    check_info_bar(info_bar, truth.shape[1], "The ground truth")
    prediction, truth = (_clear(one, info_bar) for one in (prediction, truth))
    read = split_labels(truth, kind, coverage, "The ground truth holds")
    coverage = read.settle(coverage or Coverage())
    if not read.values.size and not read.complete:
        raise InputError("The ground truth holds no labels: there is nothing to score.")
    prediction = whole_numbers(prediction, "The prediction holds")
    values = label_values(prediction)
    numbered = _is_numbered(prediction, values)
    notes: list[str] = []
    if kind is None:
        guess = guess_kind(truth[:, : truth.shape[1] - info_bar], coverage)
        kind, note = _kind_of_truth(guess, read, values, numbered=numbered)
        notes.append(note)
    target = to_target(truth, kind, coverage=coverage)
    notes.extend([*target.notes, *_leave_out(target, slices, info_bar)])
    if _is_without_0(prediction, values, target, info_bar, numbered=numbered):
        prediction, values, numbered = _from_0(prediction), values[:-1], False
        notes.append(_READ_FROM_1)
    classes, num_classes, more = _predicted_classes(
        prediction, values, kind, target.num_classes, numbered=numbered
    )
    ids = small_ids(prediction) if numbered and num_classes == 2 else None
    return Comparison(
        classes,
        target.classes,
        num_classes,
        ids,
        *_true_ids(read.labels, target, volume),
        first_slice,
        trained_on,
        (*notes, *more),
    )


def _true_ids(
    truth: NDArray[np.generic], target: Target, volume: bool | None
) -> tuple[NDArray[np.int32] | None, bool]:
    """Return the numbers of true objects, and whether they go on through slices."""
    if target.kind is not AnnotationKind.OBJECTS:
        return None, bool(volume)
    # By their numbers, without the gaps that the classes get.
    ids = small_ids(np.where(target.annotated, truth, 0))
    return ids, goes_on(truth) if volume is None else volume


def _is_numbered(labels: NDArray[np.generic], values: NDArray[np.int64]) -> bool:
    """Guess whether the `values` of labels number objects, and are no classes.

    Many values are. Few are where each of them is of one or two pieces a slice.
    """
    if values.size < 2 or is_mask(values):
        return False
    if values.size > _FEW or values[-1] > MAX_CLASSES:
        return True
    touched = np.flatnonzero((labels != 0).any(axis=(1, 2)))
    some = touched[:: max(1, len(touched) // _SLICES_LOOKED_AT)]
    objects = sum(np.count_nonzero(np.unique(labels[z])) for z in some)
    pieces = sum(
        int(skimage.measure.label(labels[z], connectivity=1).max()) for z in some
    )
    return bool(pieces <= 2 * objects)


def _is_without_0(
    prediction: NDArray[np.generic],
    values: NDArray[np.int64],
    truth: Target,
    info_bar: int,
    *,
    numbered: bool,
) -> bool:
    """Return whether classes are counted from 1, the background, as ilastik does.

    Where they may be numbers of objects as well, the 1 has to lie on the background.
    """
    background = truth.classes == 0
    if values.tolist() != list(range(1, truth.num_classes + 1)) or (
        not prediction[:, : prediction.shape[1] - info_bar].all()
        or not background.any()
    ):
        return False
    one = prediction == 1
    found = truth.annotated & ~background
    return not numbered or bool(
        one[background].mean() > _MOST and one[found].mean() < 1 - _MOST
    )


def _from_0(prediction: NDArray[np.generic]) -> NDArray[np.generic]:
    """Count classes from 0 that were counted from 1; the bar stays 0."""
    return np.asarray(np.subtract(prediction, prediction != 0, dtype=prediction.dtype))


def _kind_of_truth(
    guess: KindGuess,
    truth: SplitLabels,
    predicted: NDArray[np.int64],
    *,
    numbered: bool,
) -> tuple[AnnotationKind, str]:
    """Guess the kind of a truth anew, by the values that were `predicted`.

    `numbered` is whether these number objects.
    """
    values, kind, reason = truth.values, guess.kind, guess.reason
    if values.size and _is_ruled_out(kind, values, predicted, numbered=numbered):
        mask, highest = is_mask(predicted), int(values[-1])
        top = int(predicted.max(initial=0))
        as_high = top == highest if numbered else top >= highest
        if (mask or numbered) and _is_numbered(truth.labels, values):
            kind = AnnotationKind.OBJECTS
            why = "the prediction is a mask" if mask else "so it is in the prediction"
            reason = f"every value is of one piece, and {why}"
        elif kind is AnnotationKind.SCRIBBLES and as_high and not mask:
            kind = AnnotationKind.CLASSES
            reason = f"values up to {highest}, and up to {top} in the prediction"
    return kind, f"ground truth is {kind}: {reason}"


def _is_ruled_out(
    guess: AnnotationKind,
    values: NDArray[np.int64],
    predicted: NDArray[np.int64],
    *,
    numbered: bool,
) -> bool:
    """Return whether a prediction cannot be one of what a truth was guessed to be."""
    if guess is AnnotationKind.OBJECTS or values.size == 1 or is_mask(values):
        return False
    scribbled = guess is AnnotationKind.SCRIBBLES
    # Scribbles count the background as 1, predicted classes as 0.
    known = int(values[-1]) - scribbled
    if is_mask(predicted):
        return known > 1
    return int(predicted.max()) > known or (scribbled and numbered)


def _clear(labels: NDArray[np.generic], info_bar: int) -> NDArray[np.generic]:
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
        words = "1 slice" if empty == 1 else f"{empty} slices"
        notes = [
            f"{words} without any label in the ground truth: not scored, not annotated"
        ]
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
    if known > 2 or highest < 2:
        return prediction, max(known, highest + 1), ()
    found = prediction != 0
    if kind is AnnotationKind.OBJECTS and numbered:
        # The truth got a line between touching objects; so must what is compared.
        found = to_target(prediction, kind).objects > 0
    return found, 2, (_READ_AS_OBJECTS if numbered else _READ_AS_MASK,)
