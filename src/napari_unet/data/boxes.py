"""Boxes: the parts of a slice that a change reaches."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Box = tuple[slice, slice]
"""Rows and columns of a part of a slice."""


def whole(shape: tuple[int, ...]) -> Box:
    """Return the box of a whole slice."""
    return slice(0, shape[0]), slice(0, shape[1])


def box_of(mask: NDArray[np.bool_]) -> Box | None:
    """Return the smallest box with everything that is true in (Y, X), or None."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def grow(box: Box, margin: int, shape: tuple[int, ...]) -> Box:
    """Return a box with a margin around, as far as the slice goes."""
    rows, columns = (
        slice(max(0, side.start - margin), min(length, side.stop + margin))
        for side, length in zip(box, shape, strict=True)
    )
    return rows, columns


def union(boxes: Iterable[Box]) -> Box:
    """Return the smallest box around one or more boxes."""
    rows, columns = (
        slice(min(side.start for side in sides), max(side.stop for side in sides))
        for sides in zip(*boxes, strict=True)
    )
    return rows, columns


def overlap(a: Box, b: Box) -> Box | None:
    """Return what two boxes share, or None."""
    rows, columns = (
        slice(max(one.start, other.start), min(one.stop, other.stop))
        for one, other in zip(a, b, strict=True)
    )
    both = rows.start < rows.stop and columns.start < columns.stop
    return (rows, columns) if both else None


def within(box: Box, outer: Box) -> Box:
    """Return `box` counted from the first pixel of `outer`."""
    return moved(box, -outer[0].start, -outer[1].start)


def moved(box: Box, rows: int, columns: int) -> Box:
    """Return a box some rows further down and some columns further right."""
    return (
        slice(box[0].start + rows, box[0].stop + rows),
        slice(box[1].start + columns, box[1].stop + columns),
    )
