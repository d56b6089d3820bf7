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
    spans = [mirrored(*one) for one in bounds]
    box = tuple(slice(int(span.min()), int(span.max()) + 1) for span in spans)
    cut: NDArray[np.generic] = image[(slice(None),) * first + box]
    # Axis by axis: indexing all axes at once is slower.
    for axis, (start, span, part) in enumerate(
        zip(starts, spans, box, strict=True), first
    ):
        if (part.start, part.stop) != (start, start + len(span)):
            cut = np.take(cut, span - part.start, axis)
    return cut


def inside(start: int, size: int, length: int) -> slice:
    """Return the part of ``start .. start + size - 1`` that lies inside the image."""
    return slice(max(0, -start), max(0, min(size, length - start)))
