"""What the study measured, by the names it used."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.annotation import IGNORE
from napari_unet.score.pixels.overlap import overlap
from napari_unet.score.pixels.soft import soft_dice, soft_iou, thresholded_iou

Floats = NDArray[np.floating]
Classes = NDArray[np.uint8]

# As Keras keeps probabilities from 0 and 1, whose logarithm would be infinite.
_TINY = 1e-7


def cross_entropy(probabilities: Floats, truth: Classes) -> float:
    """Return the mean binary cross-entropy of the annotated pixels."""
    known = truth != IGNORE
    predicted = np.clip(probabilities[known].astype(np.float64), _TINY, 1 - _TINY)
    right = np.where(truth[known] > 0, predicted, 1 - predicted)
    return float(-np.log(right).mean())


def accuracy(probabilities: Floats, truth: Classes) -> float:
    """Return the share of the annotated pixels that are right from 0.5 upwards."""
    return overlap(probabilities >= 0.5, _binary(truth), 2).accuracy


MEASURES: dict[str, Callable[[Floats, Classes], float]] = {
    "loss": cross_entropy,
    "iou": soft_iou,
    "iou_thresh": thresholded_iou,
    # The same formula; the study has it under either name.
    "jaccard": soft_iou,
    "dice_coef": soft_dice,
    "accuracy": accuracy,
}


def measure(probabilities: Floats, truth: Classes) -> dict[str, float]:
    """Return every measure of the study, over all annotated pixels at once.

    Parameters
    ----------
    probabilities
        (Z, Y, X) of foreground.
    truth
        (Z, Y, X) classes; what is not background is foreground, `IGNORE` is left out.
    """
    return {name: of(probabilities, truth) for name, of in MEASURES.items()}


def _binary(truth: Classes) -> Classes:
    return np.where(truth == IGNORE, truth, np.minimum(truth, 1)).astype(np.uint8)
