"""Scores that compare classes pixel by pixel: IoU, Dice, precision, recall."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.annotation import IGNORE
from napari_unet.data.labels import check_same_size, whole_numbers
from napari_unet.errors import InputError
from napari_unet.score.means import ratio


@dataclass(frozen=True, eq=False)
class Overlap:
    """Counts of agreement between a prediction and the truth.

    IoU, Dice, precision and recall follow one rule: a class that is on one side only
    scores 0, and a class on neither side has no score (NaN) and is left out of means.
    So a slice whose truth holds nothing scores 0 where anything was found, and has no
    score where nothing was; an empty prediction of something scores 0. Specificity
    asks for pixels outside the class instead: it is what tells of a slice without
    truth, and is NaN where the class fills the whole truth.

    Attributes
    ----------
    confusion
        (num_classes, num_classes) int64: pixels by true class (row) and predicted
        class (column). Pixels that are not annotated are not counted. Or several
        tables, (..., num_classes, num_classes), of which `each` has all scores.
    """

    confusion: NDArray[np.int64]

    def __add__(self, other: Overlap) -> Overlap:
        return Overlap(self.confusion + other.confusion)

    @property
    def pixels(self) -> int:
        """Pixels that were compared."""
        return int(self.confusion.sum())

    @cached_property
    def each(self) -> dict[str, NDArray[np.float64]]:
        """(...): the scores by name, of each table."""
        accuracy = ratio(self._hit.sum(-1), self._pixels)
        return {
            "iou": _of_classes(self.iou_per_class),
            "dice": _of_classes(self.dice_per_class),
            "accuracy": accuracy,
            "pixel_error": 1 - accuracy,
            "precision": _of_classes(self.precision_per_class),
            "recall": _of_classes(self.recall_per_class),
            "specificity": _of_classes(self.specificity_per_class),
        }

    @property
    def iou_per_class(self) -> NDArray[np.float64]:
        """Intersection over union (Jaccard index); NaN for a class on neither side."""
        return ratio(self._hit, self._predicted + self._true - self._hit)

    @property
    def dice_per_class(self) -> NDArray[np.float64]:
        """Dice coefficient (F1); NaN for a class on neither side."""
        return ratio(2 * self._hit, self._predicted + self._true)

    @property
    def precision_per_class(self) -> NDArray[np.float64]:
        """Share of the predicted pixels of a class that are right."""
        return self._share(self._predicted)

    @property
    def recall_per_class(self) -> NDArray[np.float64]:
        """Share of the true pixels of a class that were found (sensitivity)."""
        return self._share(self._true)

    @property
    def specificity_per_class(self) -> NDArray[np.float64]:
        """Share of the pixels outside a class in truth that were predicted so."""
        outside = self._pixels[..., None] - self._true
        return ratio(outside - (self._predicted - self._hit), outside)

    @property
    def iou(self) -> float:
        """Mean IoU of the classes other than background; NaN when there are none."""
        return float(self.each["iou"])

    @property
    def dice(self) -> float:
        """Mean Dice of the classes other than background; NaN when there are none."""
        return float(self.each["dice"])

    @property
    def precision(self) -> float:
        """Mean precision of the classes other than background."""
        return float(self.each["precision"])

    @property
    def recall(self) -> float:
        """Mean recall of the classes other than background."""
        return float(self.each["recall"])

    @property
    def specificity(self) -> float:
        """Mean specificity of the classes other than background."""
        return float(self.each["specificity"])

    @property
    def accuracy(self) -> float:
        """Share of the pixels whose class is right; NaN when none was compared."""
        return float(self.each["accuracy"])

    @property
    def pixel_error(self) -> float:
        """Share of the pixels whose class is wrong."""
        return float(self.each["pixel_error"])

    def _share(self, pixels: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of the pixels of each class, on one side, that the other side shares.

        Without any there it is 0 by agreement, unless the class is on neither side.
        """
        one_side = self._predicted + self._true > 0
        return ratio(self._hit, np.maximum(pixels, one_side))

    @cached_property
    def _hit(self) -> NDArray[np.int64]:
        return np.diagonal(self.confusion, axis1=-2, axis2=-1)

    @cached_property
    def _predicted(self) -> NDArray[np.int64]:
        return np.asarray(self.confusion.sum(-2))

    @cached_property
    def _true(self) -> NDArray[np.int64]:
        return np.asarray(self.confusion.sum(-1))

    @cached_property
    def _pixels(self) -> NDArray[np.int64]:
        return np.asarray(self._true.sum(-1))


def _of_classes(per_class: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means of what is finite, background left out; NaN of nothing."""
    known = np.isfinite(per_class[..., 1:])
    sums = np.where(known, per_class[..., 1:], 0).sum(-1)
    return ratio(sums, known.sum(-1))


def overlap(
    prediction: NDArray[np.generic], truth: NDArray[np.uint8], num_classes: int
) -> Overlap:
    """Count how `prediction` and `truth` agree.

    Parameters
    ----------
    prediction
        Class indices of any shape.
    truth
        Class indices of the same shape; `IGNORE` is left out.
    num_classes
        Classes, background included.

    Raises
    ------
    InputError
        When the shapes differ, or a class index is too large, negative or no whole
        number.
    """
    check_same_size(prediction.shape, truth.shape)
    known = truth != IGNORE
    if not known.all():
        prediction, truth = prediction[known], truth[known]
    read = whole_numbers(prediction, "The prediction holds")
    highest = max(int(read.max(initial=0)), int(truth.max(initial=0)))
    if highest >= num_classes:
        raise InputError(
            f"Class {highest} was found where there are {num_classes} classes (0 to "
            f"{num_classes - 1}): is this a layer of objects?"
        )
    pairs = truth.ravel().astype(np.min_scalar_type(num_classes**2))
    pairs *= pairs.dtype.type(num_classes)
    pairs += read.ravel().astype(pairs.dtype)
    counts = np.bincount(pairs, minlength=num_classes**2)
    return Overlap(counts.reshape(num_classes, num_classes))
