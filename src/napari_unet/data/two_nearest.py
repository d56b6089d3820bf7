"""Distances to the nearest and to the second nearest object."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Whole squared distances below this go in 16 bits, in half the time: what a pass
# adds to them still fits.
_FAR_UINT16 = 30_000
_FAR_FLOAT = 1e12
# Blocks of this many pixels stay in the cache of a core.
_BLOCK = 1 << 16
# Columns are looked at in pieces of this many pixels, to keep memory low.
_CHUNK = 1 << 20
# Looked up by False and True: masks take longer where nothing predicts them.
_INFINITE = np.array([0, np.inf], np.float32)


class _Nearby(NamedTuple):
    """Objects around pixels, as three arrays of one shape.

    `near` is the squared distance to the nearest object, `label` its id, `second` the
    squared distance to the nearest one with another id.
    """

    near: NDArray[Any]
    label: NDArray[Any]
    second: NDArray[Any]

    def part(self, *where: slice) -> _Nearby:
        return _Nearby(self.near[where], self.label[where], self.second[where])


def two_nearest(
    objects: NDArray[np.int32],
    wanted: NDArray[np.bool_],
    sampling: Sequence[float],
    reach: float,
    near_reach: float = 0.0,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the distances d1 and d2 of equation 2, as far as they matter.

    Parameters
    ----------
    objects
        (Y, X) or (Z, Y, X) int32, 0 = background.
    wanted
        Pixels whose distances are asked for, of the same shape.
    sampling
        Relative pixel size of each axis, 1 for the finest.
    reach
        d1 + d2 up to which both are exact.
    near_reach
        d1 up to which it is exact by itself.

    Returns
    -------
    d1, d2
        float32, of the shape of `objects`; infinite beyond reach and where not wanted.

    Notes
    -----
    A pixel's two nearest objects are found among those of its column, then among
    what the pixels of its row found, and in a volume once more along the last axis:
    exact for the reason for which Euclidean distance transforms are separable
    (Felzenszwalb & Huttenlocher 2012). So neither time nor memory depend on the
    number of objects.
    """
    d1 = np.full(objects.shape, np.inf, np.float32)
    d2 = np.full(objects.shape, np.inf, np.float32)
    if not wanted.any() or not objects.any():
        return d1, d2
    farthest = max(reach, near_reach)
    columns = _columns(objects, sampling, farthest)
    for rows in _blocks(objects.shape):
        if not wanted[rows].any():
            continue
        block = columns.part(rows)
        for axis in range(1, objects.ndim - 1):
            block = _along(block, axis, sampling[axis], farthest)
        d1[rows], d2[rows] = _along_last(
            block, wanted[rows], sampling[-1], reach, max(reach / 2, near_reach)
        )
    return d1, d2


def _blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    height = max(1, _BLOCK // math.prod(shape[1:]))
    for start in range(0, shape[0], height):
        yield slice(start, start + height)


def _columns(
    objects: NDArray[np.int32], sampling: Sequence[float], reach: float
) -> _Nearby:
    """Look for objects along axis 0 only; what is out of reach may be anything far."""
    whole = all(float(size).is_integer() for size in sampling)
    small = whole and (reach + 2 * sampling[0]) ** 2 < _FAR_UINT16
    squares = np.dtype(np.uint16 if small else np.float32)
    few = objects.max() < 1 << 16
    labels = objects.astype(np.uint16) if few else objects.astype(np.uint32)
    found = _Nearby(
        np.empty(objects.shape, squares),
        np.empty_like(labels),
        np.empty(objects.shape, squares),
    )
    width = max(1, _CHUNK * objects.shape[1] // objects.size)
    for start in range(0, objects.shape[1], width):
        part = (slice(None), slice(start, start + width))
        _look_both_ways(labels[part], sampling[0], reach, found.part(*part))
    return found


def _look_both_ways(
    labels: NDArray[Any], size: float, reach: float, found: _Nearby
) -> None:
    far = math.ceil(reach / size) + 1
    near, label, second = _look_up(labels, far)
    below = _look_up(labels[::-1], far).part(slice(None, None, -1))
    farther = np.maximum(near, below.near)
    same = label == below.label
    np.maximum(farther, same * farther.dtype.type(far), out=farther)
    np.minimum(second, below.second, out=second)
    np.minimum(second, farther, out=second)
    change = (below.label - label) * (below.near < near)
    np.add(label, change, out=found.label)
    np.minimum(near, below.near, out=near)
    for rows, squared in ((near, found.near), (second, found.second)):
        np.multiply(rows, squared.dtype.type(size), out=squared, casting="unsafe")
        np.multiply(squared, squared, out=squared)


def _look_up(labels: NDArray[Any], far: int) -> _Nearby:
    """Find the objects at or above every pixel of its column, in rows up to `far`."""
    # A row and the object in it make one number, so that the highest number so far
    # tells both; rows are counted from `far` on, and 0 is none.
    small = labels.dtype == np.uint16 and len(labels) + far < 1 << 16
    rows: NDArray[Any] = np.arange(far, far + len(labels))
    rows = rows.reshape(-1, *[1] * (labels.ndim - 1))
    rows = rows.astype(np.uint32 if small else np.uint64)
    bits = rows.dtype.type(16 if small else 32)
    here = labels != 0
    last = (rows << bits) + labels
    last *= here
    _running_max(last)
    label = last.astype(labels.dtype)
    last >>= bits
    # Where an object follows on another one, that is its second from here on.
    other = np.zeros_like(last)
    follows = here[1:] & (label[:-1] != labels[1:])
    np.multiply(last[:-1], follows, out=other[1:])
    _running_max(other)
    few = np.min_scalar_type(far)
    near, second = (
        np.minimum(rows - row, rows.dtype.type(far)).astype(few)
        for row in (last, other)
    )
    return _Nearby(near, label, second)


def _running_max(rows: NDArray[Any]) -> None:
    """Raise every row to the highest before it, in place."""
    # Row by row, as memory lies: np.maximum.accumulate goes down every column, which
    # is slower.
    for before, row in pairwise(rows):
        np.maximum(before, row, out=row)


def _along(block: _Nearby, axis: int, size: float, reach: float) -> _Nearby:
    """Add what the pixels along a further axis found, up to `reach` away."""
    steps = _steps(block, axis, size, reach)
    padded = _pad(block, axis, steps)
    near, label = _nearest(padded, axis, size, steps, steps, None)
    limit = np.full_like(near, _far(near))
    second = _second(padded, axis, size, steps, label=label, limit=limit)
    return _Nearby(near, label, second)


def _along_last(
    block: _Nearby,
    wanted: NDArray[np.bool_],
    size: float,
    reach: float,
    near_reach: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Finish along the last axis, and only as far as d1 + d2 stays within reach."""
    axis = wanted.ndim - 1
    near_steps = _steps(block, axis, size, near_reach)
    halo = max(near_steps, _steps(block, axis, size, reach))
    padded = _pad(block, axis, halo)
    near, label = _nearest(padded, axis, size, halo, near_steps, wanted)
    d1 = np.sqrt(near, dtype=np.float32)
    # What is left of the reach after d1: found or not, no pixel has to look farther.
    left = np.maximum(np.float32(reach) - d1, 0)
    limit = ((left * left + 1) * wanted).astype(near.dtype)
    second = _second(padded, axis, size, halo, label=label, limit=limit)
    d2 = np.sqrt(second, dtype=np.float32)
    beyond = (d1 > near_reach) | ~wanted
    return np.maximum(d1, _INFINITE[beyond * 1]), np.maximum(
        d2, _INFINITE[(second >= limit) * 1]
    )


def _steps(block: _Nearby, axis: int, size: float, reach: float) -> int:
    return min(math.ceil(reach / size), int(block.near.shape[axis]) - 1)


def _far(squared: NDArray[Any]) -> float:
    return _FAR_UINT16 if squared.dtype == np.uint16 else _FAR_FLOAT


def _pad(block: _Nearby, axis: int, halo: int) -> _Nearby:
    widths = [(0, 0)] * block.near.ndim
    widths[axis] = (halo, halo)
    far = _far(block.near)
    return _Nearby(
        np.pad(block.near, widths, constant_values=far),
        np.pad(block.label, widths),
        np.pad(block.second, widths, constant_values=far),
    )


def _window(array: NDArray[Any], axis: int, halo: int, shift: int) -> NDArray[Any]:
    """Return what lies `shift` pixels along `axis` from each unpadded pixel."""
    length = array.shape[axis] - 2 * halo
    sides = slice(halo + shift, halo + shift + length)
    part: NDArray[Any] = array[(slice(None),) * axis + (sides,)]
    return part


# The loops below run over whole blocks and in place: arithmetic with True and False
# takes a tenth of the time of numpy's masks, where nothing predicts the branch.


def _nearest(
    padded: _Nearby,
    axis: int,
    size: float,
    halo: int,
    steps: int,
    wanted: NDArray[np.bool_] | None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the squared distance to the nearest object, and its id."""
    near = _window(padded.near, axis, halo, 0).copy()
    label = _window(padded.label, axis, halo, 0).copy()
    there, change = np.empty_like(near), np.empty_like(label)
    closer = np.empty(near.shape, bool)
    for step in range(1, steps + 1):
        cost = near.dtype.type((step * size) ** 2)
        if step % 4 == 1:
            # Nothing that is so far away can be nearer for a pixel that is asked for.
            asked = near if wanted is None else np.multiply(near, wanted, out=there)
            if asked.max() <= cost:
                break
        for shift in (-step, step):
            np.add(_window(padded.near, axis, halo, shift), cost, out=there)
            np.less(there, near, out=closer)
            np.subtract(_window(padded.label, axis, halo, shift), label, out=change)
            np.multiply(change, closer, out=change)
            np.add(label, change, out=label)
            np.minimum(near, there, out=near)
    return near, label


def _second(
    padded: _Nearby,
    axis: int,
    size: float,
    halo: int,
    *,
    label: NDArray[Any],
    limit: NDArray[Any],
) -> NDArray[Any]:
    """Return the squared distance to the nearest object that is not `label`.

    It is sought as far as `limit`, also squared, and `limit` where there is none.
    """
    further = padded.second - padded.near
    same, there, back = (
        np.empty(label.shape, bool),
        *np.empty((2, *label.shape), limit.dtype),
    )

    def look(shift: int, out: NDArray[Any]) -> None:
        np.equal(_window(padded.label, axis, halo, shift), label, out=same)
        np.multiply(_window(further, axis, halo, shift), same, out=out)
        np.add(out, _window(padded.near, axis, halo, shift), out=out)

    look(0, there)
    second: NDArray[Any] = np.minimum(limit, there)
    for step in range(1, halo + 1):
        cost = limit.dtype.type((step * size) ** 2)
        if second.max() <= cost:
            break
        look(-step, there)
        look(step, back)
        np.minimum(there, back, out=there)
        np.add(there, cost, out=there)
        np.minimum(second, there, out=second)
    return second
