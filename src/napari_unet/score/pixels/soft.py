"""Overlap scores on probabilities, as networks of the Keras days reported them.

With p the probability of foreground and t the truth (0 or 1) of each annotated pixel,

- soft IoU = (sum p t + 1) / (sum (p + t - p t) + 1), also called Jaccard;
- soft Dice = (2 sum p t + 1) / (sum p + sum t + 1);
- thresholded IoU = soft IoU of p >= 0.5 instead of p.

The 2021 study prints these as `iou` and `jaccard`, `dice_coef`, and `iou_thresh`, and
gives no formula. Taken here are those of `keras_unet.metrics` [1]_ with its default
smoothing (1) and threshold, because it has all four under nearly these names (`iou` and
`jaccard_coef` are one formula there): a choice, likely but not known.

Keras scores each batch and averages; here all pixels that are given count together.
The sums are over many thousand pixels, so that smoothing changes little but one case:
without foreground on either side the score is 1.

References
----------
.. [1] K. Zak, keras-unet, keras_unet/metrics.py, 2020,
   https://github.com/karolzak/keras-unet.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.annotation import IGNORE
from napari_unet.data.labels import check_same_size
from napari_unet.errors import InputError

_SMOOTH = 1.0
"""Added above and below, in pixels."""


def soft_iou(probabilities: NDArray[np.floating], truth: NDArray[np.uint8]) -> float:
    """Return the IoU of probabilities as they are; blurred borders cost.

    Parameters
    ----------
    probabilities
        (Z, Y, X) or any other shape, of foreground, 0 to 1.
    truth
        Class indices of the same shape: 0 is background, every other class
        foreground, and `IGNORE` is left out.

    Returns
    -------
    0 to 1; NaN where nothing is annotated.

    Raises
    ------
    InputError
        When the shapes differ, or a value is no probability.
    """
    both, predicted, foreground = _sums(probabilities, truth)
    return _smoothed(both, predicted + foreground - both)


def soft_dice(probabilities: NDArray[np.floating], truth: NDArray[np.uint8]) -> float:
    """Return the Dice coefficient of probabilities as they are.

    Parameters, what is returned and what is raised are those of `soft_iou`.
    """
    both, predicted, foreground = _sums(probabilities, truth)
    return _smoothed(2 * both, predicted + foreground)


def thresholded_iou(
    probabilities: NDArray[np.floating], truth: NDArray[np.uint8]
) -> float:
    """Return the IoU of the pixels whose probability is one half or more.

    Parameters, what is returned and what is raised are those of `soft_iou`.
    """
    _check(probabilities, truth)
    return soft_iou((probabilities >= 0.5).astype(float), truth)


def _sums(
    probabilities: NDArray[np.floating], truth: NDArray[np.uint8]
) -> tuple[float, float, float]:
    """Return sum p t, sum p and sum t; NaN where nothing is annotated."""
    _check(probabilities, truth)
    known = truth != IGNORE
    if not known.any():
        return math.nan, math.nan, math.nan
    foreground = known & (truth != 0)
    # A sum of single floats loses digits over a stack.
    both, predicted = (
        float(probabilities.sum(where=where, dtype=np.float64))
        for where in (foreground, known)
    )
    return both, predicted, float(np.count_nonzero(foreground))


def _check(probabilities: NDArray[np.floating], truth: NDArray[np.uint8]) -> None:
    names = "The probabilities are", "the ground truth is"
    check_same_size(probabilities.shape, truth.shape, names)
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise InputError(
            "The probabilities hold values outside 0 to 1: give those that the network "
            "predicts for the foreground."
        )


def _smoothed(part: float, whole: float) -> float:
    return (part + _SMOOTH) / (whole + _SMOOTH)
