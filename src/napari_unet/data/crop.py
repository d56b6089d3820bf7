"""Crops that may reach over the border of an image, which is mirrored there."""

from __future__ import annotations

from collections.abc import Sequence

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


def crop_mirrored(
    image: NDArray[np.generic], starts: Sequence[int], sizes: Sequence[int]
) -> NDArray[np.generic]:
    """Cut a box out of the last axes of `image`, mirrored beyond its border.

    `starts` may be negative, and the box may be larger than the image; leading axes
    are kept whole. A box inside the image is a view.
    """
    lengths = image.shape[-len(starts) :]
    first = image.ndim - len(starts)
    bounds = zip(starts, sizes, lengths, strict=True)
    # Axis by axis: indexing all axes at once is slower.
    for axis, (start, size, length) in enumerate(bounds, first):
        if start >= 0 and start + size <= length:
            image = image[(slice(None),) * axis + (slice(start, start + size),)]
        else:
            image = np.take(image, mirrored(start, size, length), axis)
    return image


def inside(start: int, size: int, length: int) -> slice:
    """Return the part of ``start .. start + size - 1`` that lies inside the image."""
    return slice(max(0, -start), max(0, min(size, length - start)))
