"""Which pixels are right and wrong, as a map that a layer shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.annotation import IGNORE
from napari_unet.data.labels import check_same_size
from napari_unet.errors import InputError
from napari_unet.score.comparison import Comparison

RIGHT, TOO_MUCH, MISSED, CONFUSED = 1, 2, 3, 4
"""Values of a map of pixels; 0 is true background, or not annotated."""

PIXEL_NAMES = {
    RIGHT: "true positive",
    TOO_MUCH: "false positive",
    MISSED: "false negative",
    CONFUSED: "wrong class",
}
"""What the values mean."""

# Of Okabe and Ito (2008), told apart by the colour-blind too; wrong pixels have the
# colour of what they were taken for, foreground or background. What is right lets most
# of the image through, and what is rightly background all of it.
PIXEL_COLORS = {
    RIGHT: "#009E7350",
    TOO_MUCH: "#E69F00FF",
    MISSED: "#0072B2FF",
    CONFUSED: "#F0E442FF",
}
"""How a layer shows the values, as #rrggbbaa."""


def pixel_map(comparison: Comparison) -> NDArray[np.uint8]:
    """Return for every pixel whether it is right.

    Returns
    -------
    (Z, Y, X): `RIGHT` (true positive), `TOO_MUCH` (false positive), `MISSED` (false
    negative) or `CONFUSED` (an object on both sides, of different classes); 0 where
    both are background, or nothing is annotated.
    """
    predicted, truth = comparison.predicted_mask, comparison.truth_mask
    found = np.zeros(truth.shape, np.uint8)
    found[predicted & truth] = RIGHT
    found[predicted & ~truth & comparison.annotated] = TOO_MUCH
    found[truth & ~predicted] = MISSED
    if comparison.num_classes > 2:
        alike = comparison.prediction == comparison.truth
        found[predicted & truth & ~alike] = CONFUSED
    return found


def leave_out(comparison: Comparison, ignored: NDArray[np.bool_]) -> Comparison:
    """Take pixels out of what is scored, as if they were not annotated.

    Objects keep their numbers: one that loses its middle does not become two.

    Parameters
    ----------
    comparison
        What is scored; it stays as it is.
    ignored
        (Z, Y, X): the pixels to leave out.

    Raises
    ------
    InputError
        When the shapes differ, or nothing is left to score.
    """
    names = "The pixels to ignore are", "the ground truth is"
    advice = "choose those of the same image"
    check_same_size(ignored.shape, comparison.truth.shape, names, advice)
    truth = np.where(ignored, np.uint8(IGNORE), comparison.truth)
    if (truth == IGNORE).all():
        raise InputError("All annotated pixels are ignored: score some of them again.")
    truth_ids = np.where(ignored, np.int32(0), comparison.truth_objects)
    return replace(comparison, truth=truth, truth_ids=truth_ids)
