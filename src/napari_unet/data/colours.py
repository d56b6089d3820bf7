"""Values as the eye sees them: stored inverted, in colours or with a palette."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.lazy import lazy_pages, memory_limit

_FEW_COLOURED = 1 / 16
"""Of a palette's entries, how many annotations of a microscope may take."""
_PLANES_LOOKED_AT = 8
_GREYS = "the grey values of its palette were taken"
_NUMBERS = (
    "its palette of colours is read as the numbers that stand for them, as labels are: "
    "save a picture in colours or grey without a palette"
)
ALPHA = "its transparency (alpha) is left out"


def inverted(data: Any, bits: int) -> Any:
    """Let bool or whole numbers of `bits` count from black, not from white."""
    if data.dtype.kind == "u":
        white = data.dtype.type(2**bits - 1)
        return _pixelwise(data, lambda page: white - page)
    return _pixelwise(data, np.invert)


def is_mask(data: Any) -> bool:
    """Return whether the planes of (..., Y, X) uint8 hold nothing but 0 and 255."""
    return data.dtype == np.uint8 and all(
        bool(np.isin(plane, (0, 255)).all()) for plane in _some_planes(data, 2)
    )


def through_palette(
    data: Any, palette: NDArray[np.uint16], *, by_colour: bool = False
) -> tuple[Any, tuple[str, ...]]:
    """Turn the indices of a palette into what they stand for, where that is grey.

    The indices stay where the grey values rise with them, as those of SmartSEM do
    which gives some entries to its writing, and where they stand for colours: they
    are labels then.

    Parameters
    ----------
    data
        (..., Y, X) indices.
    palette
        (3, entries), 16 bits: red, green and blue.
    by_colour
        Always take the colours, as (..., Y, X, 3) uint8.

    Returns
    -------
    The array, and a word on what was done, where a user may wonder.
    """
    # Some programs write 8 bits where 16 are asked for.
    colours = (palette // (257 if palette.max() > 255 else 1)).astype(np.uint8)
    if by_colour:
        table = np.ascontiguousarray(colours.T)
        return _pixelwise(data, lambda page: table[page]), ()
    # Files fill up with black what they do not use.
    used = colours[:, : max(2, int(np.flatnonzero(colours.any(0)).max(initial=0)) + 1)]
    grey = (used == used[0]).all(0)
    if np.count_nonzero(~grey) > _FEW_COLOURED * grey.size:
        return data, (_NUMBERS,)
    if (np.diff(used[0, grey].astype(int)) >= 0).all():
        return data, ()
    table = colours[0]
    return _pixelwise(data, lambda page: table[page]), (_GREYS,)


def without_colours(data: Any, axes: str) -> tuple[Any, str]:
    """Take red of (..., S) for grey where green and blue are everywhere the same.

    Of a stack larger than memory, some planes are looked at.
    """
    if axes[-1] != "S" or data.shape[-1] != 3:
        return data, axes
    for plane in _some_planes(data, 3):
        # One after the other: a sixth of the time of all three against the first.
        if not all(np.array_equal(plane[..., 0], plane[..., n]) for n in (1, 2)):
            return data, axes
    return data[..., 0], axes[:-1]


def with_colours(image: Any, channels: int) -> Any:
    """Give a grey (C, Z, Y, X) image to what learnt from three colours.

    Networks of before learnt so from grey that was stored in colours.
    """
    shape = shape_with_colours(image.shape, channels)
    return image if shape == image.shape else np.broadcast_to(image, shape)


def shape_with_colours(shape: tuple[int, ...], channels: int) -> tuple[int, ...]:
    """Return the (C, Z, Y, X) shape that `with_colours` gives an image."""
    return (3, *shape[1:]) if (shape[0], channels) == (1, 3) else shape


def without_alpha(data: Any, axes: str) -> tuple[Any, str]:
    """Drop the last sample of (..., S), and S where one is left."""
    data = data[..., :-1]
    return (data[..., 0], axes[:-1]) if data.shape[-1] == 1 else (data, axes)


def _some_planes(data: Any, ndim: int) -> Any:
    """Yield the planes of an array, some of them where it is not in memory."""
    before = data.shape[:-ndim]
    count = math.prod(before)
    step = 1 if data.nbytes <= memory_limit() else -(-count // _PLANES_LOOKED_AT)
    for index in range(0, count, step):
        yield np.asarray(data[np.unravel_index(index, before)] if before else data)


def _pixelwise(data: Any, function: Callable[[Any], NDArray[Any]]) -> Any:
    """Apply a function to (..., Y, X), page by page where that exceeds the memory."""
    if data.nbytes <= memory_limit():
        return function(np.asarray(data))
    sides = data.shape[-2:]
    pages = data.reshape(-1, *sides)
    corner = function(np.asarray(pages[0, :1, :1]))
    shape = (*sides, *corner.shape[2:])
    return lazy_pages(
        lambda index: function(np.asarray(pages[index])),
        data.shape[:-2],
        shape,
        corner.dtype,
    )
