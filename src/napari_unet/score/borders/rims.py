"""The rims of objects, in which a border that is a little off is no error."""

from __future__ import annotations

import numpy as np
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
    around = depth
    for axis in range(depth.ndim):
        here, there = _pairs(axis, depth.ndim)
        grown = around.copy()
        np.maximum(grown[here], around[there], out=grown[here])
        np.maximum(grown[there], around[here], out=grown[there])
        around = grown
    return np.asarray(depth >= around)


def opened(mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """Keep of each slice of (Z, Y, X) what a square of `side` pixels fits into."""
    if side < 2:
        return mask
    if min(mask.shape[1:]) < side:
        return np.zeros(mask.shape, bool)
    fits = mask
    for axis in (1, 2):
        length = fits.shape[axis] - side + 1
        fits = np.logical_and.reduce(
            [_cut(fits, axis, start, length) for start in range(side)]
        )
    for axis in (1, 2):
        shape = list(fits.shape)
        length = shape[axis]
        shape[axis] += side - 1
        filled = np.zeros(shape, bool)
        for start in range(side):
            _cut(filled, axis, start, length)[...] |= fits
        fits = filled
    return fits


def _rim(objects: NDArray[np.int32]) -> NDArray[np.bool_]:
    rim = np.zeros(objects.shape, bool)
    known = objects >= 0
    for axis in range(objects.ndim):
        here, there = _pairs(axis, objects.ndim)
        border = (objects[here] != objects[there]) & known[here] & known[there]
        rim[here] |= border
        rim[there] |= border
    return rim


def _eroded(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    kept = mask.copy()
    for axis in range(mask.ndim):
        here, there = _pairs(axis, mask.ndim)
        kept[here] &= mask[there]
        kept[there] &= mask[here]
    return kept


def _pairs(axis: int, ndim: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return the indices of all pixels with a next one along an axis, and of these."""
    here, there = [slice(None)] * ndim, [slice(None)] * ndim
    here[axis], there[axis] = slice(None, -1), slice(1, None)
    return tuple(here), tuple(there)


def _cut(
    mask: NDArray[np.bool_], axis: int, start: int, length: int
) -> NDArray[np.bool_]:
    index = [slice(None)] * mask.ndim
    index[axis] = slice(start, start + length)
    return mask[tuple(index)]
