"""How the values of a prediction and its truth are read, where files leave it open."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import skimage
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.annotation import MAX_CLASSES, Target
from napari_unet.data.label_survey import KindGuess
from napari_unet.data.labels import is_mask, reads_as_mask
from napari_unet.data.slabs import slabs_of
from napari_unet.data.stack import ArrayLike

_FEW = 8
_MOST = 0.75
_SLICES_LOOKED_AT = 4


@dataclass(frozen=True, eq=False)
class LabelReading:
    """How the values of a prediction and its truth are read, of a part as of the whole.

    Attributes
    ----------
    kind
        What the values of the truth mean.
    coverage
        Which pixels of it say anything.
    num_classes
        Classes of the truth, background included.
    values
        All values above 0 of the prediction.
    numbered
        Whether these number objects.
    from_1
        Whether they are classes whose background is 1.
    volume
        Whether objects go on through the slices.
    """

    kind: AnnotationKind
    coverage: Coverage
    num_classes: int
    values: NDArray[np.int64]
    numbered: bool
    from_1: bool
    volume: bool


def classes_predicted(known: int, predicted: NDArray[np.int64]) -> int:
    """Return how many classes are known of a prediction of these values above 0.

    Values beyond the `known` ones number objects, of which nothing is known.
    """
    return known if predicted.max(initial=0) < known else 2


def kind_of_truth(
    guess: KindGuess,
    truth: ArrayLike,
    values: NDArray[np.int64],
    predicted: NDArray[np.int64],
    num_classes: int = 2,
    *,
    numbered: bool,
) -> tuple[AnnotationKind, str]:
    """Guess the kind of a truth of some `values` anew, by those that were `predicted`.

    `numbered` is whether these number objects. Where they are known to be of several
    classes, all of these count as predicted.
    """
    kind, reason = guess.kind, guess.reason
    if num_classes > 2:
        predicted = np.arange(1, num_classes)
    if values.size and _is_ruled_out(kind, values, predicted, numbered=numbered):
        mask, highest = is_mask(predicted), int(values[-1])
        top = int(predicted.max(initial=0))
        as_high = top == highest if numbered else top >= highest
        if (mask or numbered) and is_numbered(truth, values):
            kind = AnnotationKind.OBJECTS
            why = "the prediction is a mask" if mask else "so it is in the prediction"
            reason = f"every value is of one piece, and {why}"
        elif kind is AnnotationKind.SCRIBBLES and as_high and not mask:
            kind = AnnotationKind.CLASSES
            where = "among the classes" if num_classes > 2 else "in the prediction"
            reason = f"values up to {highest}, and up to {top} {where}"
    return kind, f"ground truth is {kind}: {reason}"


def known_classes(
    kind: AnnotationKind, values: NDArray[np.int64], num_classes: int
) -> tuple[bool, int]:
    """Return whether a truth of these values is a mask, and how many classes it has.

    `num_classes` are known beforehand, as of the model that predicted.
    """
    if kind is AnnotationKind.OBJECTS:
        return False, 2
    highest = int(values.max(initial=1))
    if kind is AnnotationKind.SCRIBBLES:
        return False, max(num_classes, highest)
    mask = reads_as_mask(values, num_classes)
    if mask and values.tolist() not in ([], [1]):
        return True, 2
    return mask, max(num_classes, highest + 1)


def is_numbered(
    labels: ArrayLike,
    values: NDArray[np.int64],
    num_classes: int = 2,
    touched: NDArray[np.intp] | None = None,
) -> bool:
    """Guess whether the `values` of labels number objects, and are no classes.

    Many values are, unless several classes are known. Few are where each of them is of
    one or two pieces a slice. `touched` are the slices that hold any, where that is
    known.
    """
    if num_classes > 2 or values.size < 2 or is_mask(values):
        return False
    if values.size > _FEW or values[-1] > MAX_CLASSES:
        return True
    if touched is None:
        slabs = (np.asarray(labels[slab]) for slab in slabs_of(labels))
        touched = np.flatnonzero([one.any() for slab in slabs for one in slab])
    some = touched[:: max(1, len(touched) // _SLICES_LOOKED_AT)]
    objects = pieces = 0
    for plane in (labels[int(z)] for z in some):
        objects += int(np.count_nonzero(np.unique(plane)))
        pieces += int(skimage.measure.label(plane, connectivity=1).max())
    return bool(pieces <= 2 * objects)


def is_without_0(
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
    if values.tolist() != list(range(1, truth.num_classes + 1)):
        return False
    background = truth.classes == 0
    scored = prediction[:, : prediction.shape[1] - info_bar]
    if not scored.all() or not background.any():
        return False
    one = prediction == 1
    found = truth.annotated & ~background
    return not numbered or bool(
        one[background].mean() > _MOST and one[found].mean() < 1 - _MOST
    )


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
