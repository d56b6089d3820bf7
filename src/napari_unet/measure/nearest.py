"""How far an object is from what lies around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

Box = tuple[slice, ...]
"""A part of a slice, (Y, X), or of a volume, (Z, Y, X)."""

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
        around = _grown(box, margin, labels.shape)
        mine = labels[around] == number
        there = others[around] != 0 if others is not None else labels[around] != 0
        if others is None:
            there &= ~mine
        whole = all(
            part.start == 0 and part.stop == length
            for part, length in zip(around, labels.shape, strict=True)
        )
        found = np.inf
        if there.any():
            far = scipy.ndimage.distance_transform_edt(~there, sampling=spacing)
            found = float(far[mine].min())
        # What lies outside the box is farther away than its margin.
        if whole or found <= margin * min(spacing):
            return found
        margin *= 4


def touching(
    labels: NDArray[np.generic], number: int, box: Box, gap: int
) -> NDArray[np.integer]:
    """Return the other objects within `gap` pixels of one, diagonals too."""
    around = _grown(box, gap, labels.shape)
    near = labels[around]
    square = np.ones((2 * gap + 1,) * labels.ndim, bool)
    reached = scipy.ndimage.binary_dilation(near == number, square)
    values = np.unique(near[reached])
    return np.asarray(values[(values != 0) & (values != number)])


def _grown(box: Box, margin: int, shape: Sequence[int]) -> Box:
    return tuple(
        slice(max(0, part.start - margin), min(length, part.stop + margin))
        for part, length in zip(box, shape, strict=True)
    )
