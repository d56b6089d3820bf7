"""Crops that may reach over the border of an image, which is mirrored there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


def mirrored(start: int, size: int, length: int) -> NDArray[np.intp]:
    """Return indices ``start .. start + size - 1`` folded into ``0 .. length - 1``.

    The border pixel is not repeated (paper, figure 2), however far the crop reaches
    beyond the image.
    """
    if length == 1:
        return np.zeros(size, np.intp)
    period = 2 * (length - 1)
    folded = np.arange(start, start + size) % period
    return np.where(folded < length, folded, period - folded)


class Cuttable(Protocol):
    """An array, or what reads a box only when it is asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along each axis."""

    def __getitem__(self, box: tuple[slice, ...], /) -> Any: ...


def crop_mirrored(
    image: Cuttable, starts: Sequence[int], sizes: Sequence[int]
) -> NDArray[np.generic]:
    """Cut a box out of the last axes of `image`, mirrored beyond its border.

    `starts` may be negative, and the box may be larger than the image; leading axes
    are kept whole. No more of the image is read than the box needs; of an array, a
    box inside the image is a view.
    """
    first = len(image.shape) - len(starts)
    bounds = zip(starts, sizes, image.shape[first:], strict=True)
    parts, folded = zip(*(_part(*one) for one in bounds), strict=True)
    cut: NDArray[np.generic] = image[(slice(None),) * first + parts]
    # Axis by axis: indexing all axes at once is slower.
    for axis, indices in enumerate(folded, first):
        if indices is not None:
            cut = np.take(cut, indices, axis)
    return cut


def _part(start: int, size: int, length: int) -> tuple[slice, NDArray[np.intp] | None]:
    """Return what is needed of an axis, and how that is mirrored, if it is."""
    if start >= 0 and start + size <= length:
        return slice(start, start + size), None
    indices = mirrored(start, size, length)
    first = int(indices.min())
    return slice(first, int(indices.max()) + 1), indices - first


def inside(start: int, size: int, length: int) -> slice:
    """Return the part of ``start .. start + size - 1`` that lies inside the image."""
    return slice(max(0, -start), max(0, min(size, length - start)))


def cut_slices(
    image: Cuttable,
    slices: Sequence[int] | NDArray[np.intp],
    rows: slice = slice(None),
    columns: slice = slice(None),
) -> NDArray[Any]:
    """Cut some slices out of a (C, Z, Y, X) image, or a part of each."""
    parts = [image[:, int(z) : int(z) + 1, rows, columns] for z in slices]
    return np.concatenate(parts, axis=1)
