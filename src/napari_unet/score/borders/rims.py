"""The rims of objects, in which a border that is a little off is no error."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray


def depths(objects: NDArray[np.int32], rounds: int) -> NDArray[np.uint8]:
    """Count how many pixels each pixel lies away from a border, up to `rounds`.

    Parameters
    ----------
    objects
        (Z, Y, X) ids; background (0) is one more object, and pixels below 0 are not
        known: where they begin is no border, nor is the end of the array.
    rounds
        The largest depth that is told apart.

    Returns
    -------
    (Z, Y, X): 0 for pixels that touch another object with a face.
    """
    inside = ~_rim(objects)
    depth = np.zeros(objects.shape, np.uint8)
    for _ in range(rounds):
        depth += inside
        inside = _eroded(inside)
    return depth


def ridges(depth: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Find the core of all objects: pixels no less deep than those around them.

    Of thick parts that is all below the rim, and of parts so thin that they are all
    rim, their middle.
    """
    return np.asarray(depth >= scipy.ndimage.maximum_filter(depth, 3))


def opened(mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """Keep of each slice of (Z, Y, X) what a square of `side` pixels fits into."""
    height, width = (max(0, length - side + 1) for length in mask.shape[1:])
    corners = itertools.product(range(side), repeat=2)
    boxes = [np.s_[:, y : y + height, x : x + width] for y, x in corners]
    fits, found = mask[boxes[0]].copy(), np.zeros(mask.shape, bool)
    for box in boxes:
        fits &= mask[box]
    for box in boxes:
        found[box] |= fits
    return found


def _rim(objects: NDArray[np.int32]) -> NDArray[np.bool_]:
    rim = np.zeros(objects.shape, bool)
    for axis in range(objects.ndim):
        here, there = _neighbours(objects, axis)
        border = (here != there) & (here >= 0) & (there >= 0)
        for side in _neighbours(rim, axis):
            np.logical_or(side, border, out=side)
    return rim


def _eroded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kept = mask.copy()
    for axis in range(mask.ndim):
        sides, others = _neighbours(kept, axis), _neighbours(mask, axis)[::-1]
        for side, other in zip(sides, others, strict=True):
            np.logical_and(side, other, out=side)
    return kept


def _neighbours(array: NDArray[Any], axis: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return views of all pixels with a next one along an axis, and of these."""
    along = np.moveaxis(array, axis, 0)
    return along[:-1], along[1:]
