"""Boxes: parts of a slice, or of a volume."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, ...]
"""Rows and columns of a part of a slice, or slices, rows and columns of a volume's."""


def whole(shape: Sequence[int]) -> Box:
    """Return the box of everything."""
    return tuple(slice(0, length) for length in shape)


def box_of(mask: NDArray[np.bool_]) -> Box | None:
    """Return the smallest box with everything that is true in (Y, X), or None."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def grow(box: Box, margin: int, shape: Sequence[int]) -> Box:
    """Return a box with a margin around, as far as what it is a part of goes."""
    return tuple(
        slice(max(0, side.start - margin), min(length, side.stop + margin))
        for side, length in zip(box, shape, strict=True)
    )


def union(boxes: Iterable[Box]) -> Box:
    """Return the smallest box around one or more boxes."""
    return tuple(
        slice(min(side.start for side in sides), max(side.stop for side in sides))
        for sides in zip(*boxes, strict=True)
    )


def overlap(a: Box, b: Box) -> Box | None:
    """Return what two boxes share, or None."""
    both = tuple(
        slice(max(one.start, other.start), min(one.stop, other.stop))
        for one, other in zip(a, b, strict=True)
    )
    return both if all(side.start < side.stop for side in both) else None


def within(box: Box, outer: Box) -> Box:
    """Return `box` counted from the first pixel of `outer`."""
    return moved(box, *(-side.start for side in outer))


def moved(box: Box, *by: int) -> Box:
    """Return a box so many pixels further along each axis."""
    return tuple(
        slice(side.start + shift, side.stop + shift)
        for side, shift in zip(box, by, strict=True)
    )
