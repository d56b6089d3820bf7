"""How far an object is from what lies around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.data.boxes import Box, grow, whole

_FIRST_LOOK = 4


def nearest(
    labels: NDArray[np.generic],
    number: int,
    box: Box,
    spacing: Sequence[float],
    others: NDArray[np.generic] | None = None,
) -> float:
    """Return the distance from an object to the nearest pixel of others.

    Parameters
    ----------
    labels
        (Y, X) or (Z, Y, X): 0 is background, every other value one object.
    number
        Value of the object.
    box
        Where it lies.
    spacing
        Size of a pixel along each axis.
    others
        Labels of the same shape; the other objects of `labels` when left out.

    Returns
    -------
    Between the middles of the nearest two pixels, in the unit of `spacing`: one pixel
    for what touches, 0 for what overlaps; infinite where there is nothing else.
    """
    margin = _FIRST_LOOK
    while True:
        around = grow(box, margin, labels.shape)
        mine = labels[around] == number
        there = others[around] != 0 if others is not None else labels[around] != 0
        if others is None:
            there &= ~mine
        found = np.inf
        if there.any():
            far = scipy.ndimage.distance_transform_edt(~there, sampling=spacing)
            found = float(far[mine].min())
        # What lies outside the box is farther away than its margin.
        if around == whole(labels.shape) or found <= margin * min(spacing):
            return found
        margin *= 4


def touching(
    labels: NDArray[np.generic], number: int, box: Box, gap: int
) -> NDArray[np.integer]:
    """Return the other objects within `gap` pixels of one, diagonals too."""
    around = grow(box, gap, labels.shape)
    near = labels[around]
    square = np.ones((2 * gap + 1,) * labels.ndim, bool)
    reached = scipy.ndimage.binary_dilation(near == number, square)
    values = np.unique(near[reached])
    return np.asarray(values[(values != 0) & (values != number)])
