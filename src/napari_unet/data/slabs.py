"""The slices of an image one after the other, each chunk of it read only once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.lazy import memory_limit
from napari_unet.data.stack import ArrayLike

_LARGE_PLANE = 2**22
_SLAB_BYTES = 2**27
_MANY_STRIPS = 64


def sampling(image: ArrayLike) -> int:
    """Return that every n-th row and column tell enough of a (C, Z, Y, X) image.

    1 for slices of up to 4 million pixels: what is measured there, is of all pixels.
    """
    height, width = image.shape[-2:]
    return max(1, math.ceil(math.sqrt(height * width / _LARGE_PLANE)))


def read_deep(image: ArrayLike) -> ArrayLike:
    """Return an image to be read slice by slice or tile by tile, in any order.

    One whose chunks are several slices deep is read as a whole where the memory holds
    it: else every slice would decompress the chunks of all.
    """
    depth, _ = _chunks(image)
    size = math.prod(image.shape) * image.dtype.itemsize
    return np.asarray(image) if depth > 1 and size <= memory_limit() else image


def slices_of(image: ArrayLike) -> Iterator[NDArray[Any]]:
    """Yield the (C, Y, X) slices of a (C, Z, Y, X) image, each chunk read once.

    Some 128 MB are read at once, or one slice.
    """
    depth, _ = _chunks(image)
    channels, _, height, width = image.shape
    for layers in _layers(image, depth, channels * height * width):
        yield from np.moveaxis(np.asarray(image[:, layers]), 1, 0)


def slabs_of(*labels: ArrayLike) -> Iterator[slice]:
    """Yield which slices of (Z, Y, X) arrays of one size are best read at once.

    As many as their chunks are deep, but not more than 128 MB of each.
    """
    depth = max(_chunks(one, 0)[0] for one in labels)
    size = max(one.dtype.itemsize for one in labels) * math.prod(labels[0].shape[1:])
    depth, length = _part_of(depth, _SLAB_BYTES // size), labels[0].shape[0]
    for first in range(0, length, depth):
        yield slice(first, min(length, first + depth))


def strips_of(labels: ArrayLike) -> Iterator[tuple[slice, slice]]:
    """Yield which slices and rows of (Z, Y, X) labels are best read at once.

    Whole chunks, of whole rows: as many as are deep as one, and of large slices as
    many rows as make some 128 MB.
    """
    depth, rows = _chunks(labels, 0)
    length, height, width = labels.shape
    of_row = labels.dtype.itemsize * width
    depth = _part_of(depth, _SLAB_BYTES // (rows * of_row))
    rows = max(rows, _SLAB_BYTES // (depth * of_row) // rows * rows)
    for z in range(0, length, depth):
        for y in range(0, height, rows):
            yield slice(z, min(length, z + depth)), slice(y, min(height, y + rows))


def filled_strips(labels: ArrayLike) -> Iterator[tuple[slice, slice]]:
    """Yield those of `strips_of` that hold anything but 0; of few strips all.

    Of many, each chunk is looked at once before, in one graph of dask: to plan a strip
    by itself takes it longer than to read what nobody stored.
    """
    strips = list(strips_of(labels))
    look: Any = getattr(labels, "map_blocks", None)
    if len(strips) > _MANY_STRIPS and look is not None:
        filled = look(_holds, chunks=(1, 1, 1), dtype=bool).compute()
        ends = [np.cumsum(sides) for sides in getattr(labels, "chunks", ())[:2]]
        strips = [
            strip for strip in strips if filled[tuple(map(_touched, ends, strip))].any()
        ]
    yield from strips


def _holds(chunk: NDArray[Any]) -> NDArray[np.bool_]:
    return np.full((1, 1, 1), chunk.any())


def _touched(ends: NDArray[np.intp], part: slice) -> slice:
    """Return which chunks of an axis, of which the ends are given, a part lies in."""
    first, last = np.searchsorted(ends, (part.start, part.stop - 1), "right")
    return slice(int(first), int(last) + 1)


def sampled_slices(
    image: ArrayLike, slices: slice = slice(None)
) -> Iterator[NDArray[np.float32]]:
    """Yield the (C, Y, X) slices of a (C, Z, Y, X) image, as `sampling` tells.

    An image in chunks is read as many slices deep as its chunks are, for they are
    decompressed as a whole, but not more than 128 MB at once.
    """
    first, last, _ = slices.indices(image.shape[1])
    depth = slab_depth(image)
    for z in range(first, last, depth):
        slab = sampled_slab(image, slice(z, min(last, z + depth)))
        for plane in np.moveaxis(slab, 1, 0):
            yield np.asarray(plane, np.float32)


def slab_depth(image: ArrayLike) -> int:
    """Return how many slices of a (C, Z, Y, X) image are best measured at once."""
    depth, _ = _chunks(image)
    channels, length, height, width = image.shape
    step = sampling(image)
    values = channels * -(-height // step) * -(-width // step)
    most = _SLAB_BYTES // (values * image.dtype.itemsize)
    return min(length, _part_of(depth, most))


def sampled_slab(image: ArrayLike, layers: slice) -> NDArray[Any]:
    """Read some slices of a (C, Z, Y, X) image, as `sampling` tells.

    Of large ones a strip of rows is read at a time, as high as the chunks are.
    """
    step = sampling(image)
    if step == 1:
        return np.asarray(image[:, layers])
    _, rows = _chunks(image)
    strips = range(0, image.shape[2], rows)
    return np.concatenate(
        [
            np.asarray(image[:, layers, y : y + rows])[:, :, -y % step :: step, ::step]
            for y in strips
        ],
        axis=2,
    )


def _layers(image: ArrayLike, depth: int, values: int) -> Iterator[slice]:
    """Yield the slices that are read at once, of `values` each."""
    most = _SLAB_BYTES // (values * image.dtype.itemsize)
    length, depth = image.shape[1], _part_of(depth, most)
    for first in range(0, length, depth):
        yield slice(first, min(length, first + depth))


def _part_of(depth: int, most: int) -> int:
    """Halve the depth of chunks until it is `most`, so that no part lies in two."""
    while depth > max(1, most):
        depth = -(-depth // 2)
    return depth


def _chunks(image: ArrayLike, first: int = 1) -> tuple[int, int]:
    """Return how many slices and rows are stored together; of arrays one and many.

    `first` is the axis of the slices, which that of the rows follows.
    """
    chunks = getattr(image, "chunks", None)
    if chunks is None:
        return 1, 256
    # dask lists the size of every chunk, zarr names one for all.
    depth, rows = (np.max(chunks[axis]) for axis in (first, first + 1))
    return int(depth), int(rows)
