"""Stacks larger than memory: one page at a time, when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.machine_memory import machine_memory
from napari_unet.data.open_file import OpenFile
from napari_unet.errors import InputError

_CACHE_BYTES = 256 * 2**20
# What is read as fast as it is copied is not worth keeping for long.
_PLAIN_CACHE_BYTES = 32 * 2**20
# Below it, pages of their own cost more than they save.
_SMALL_BYTES = 64 * 2**20


def memory_limit() -> int:
    """Return the largest stack, in bytes, that is read into memory as a whole.

    A quarter of what is free: training and prediction need their share too.
    """
    return machine_memory().available // 4


def plain_limit() -> int:
    """Return the same of what is not packed, and costs little to be read again."""
    return min(_SMALL_BYTES, memory_limit())


def lazy_pages(
    read: Callable[[int], NDArray[Any]],
    before: tuple[int, ...],
    page: tuple[int, ...],
    dtype: np.dtype[Any],
    *,
    cache_bytes: int = _CACHE_BYTES,
) -> Any:
    """Return a dask array that reads its pages when they are needed.

    Parameters
    ----------
    read
        Returns page `index` with the given shape and dtype; called from many threads.
    before
        Lengths of the dimensions before those of a page, which `read` counts through.
    page, dtype
        Shape and type of one page.
    cache_bytes
        What the pages that were read last may take.

    Returns
    -------
    dask.array.Array
        Of shape `(*before, *page)`, one chunk a page; one page alone is read at once.
    """
    # Loaded when needed: it takes as long as opening a dock.
    from napari_unet.data.paged_array import PagedArray

    page_bytes = max(1, math.prod(page) * dtype.itemsize)
    kept = max(1, min(64, cache_bytes // page_bytes))
    return PagedArray(read, before, page, dtype, kept)


def read_plain(
    path: Path,
    dtype: np.dtype[Any],
    offset: int,
    shape: tuple[int, ...],
    *,
    page_ndim: int = 2,
) -> Any:
    """Return numbers that lie in a file one after the other, in native byte order.

    A small file is read, and cannot be altered. Of a larger one nothing is read before
    it is needed; its pages are the last `page_ndim` dimensions. The file stays open
    then, and a page that another program changed since raises `InputError`.

    Raises
    ------
    InputError
        When the file ends before them.
    """
    count, file = math.prod(shape), OpenFile(path)
    end, size = offset + count * dtype.itemsize, path.stat().st_size
    if end > size:
        raise InputError(
            f"{path} is cut off: it has {size:,} bytes of {end:,}; copy or export it "
            "again."
        )
    if count * dtype.itemsize <= plain_limit():
        data = file.read(offset, shape, dtype)
        data.flags.writeable = False
        return data
    before, page = shape[:-page_ndim], shape[-page_ndim:]
    step = math.prod(page) * dtype.itemsize
    return lazy_pages(
        lambda index: file.read(offset + index * step, page, dtype),
        before,
        page,
        dtype.newbyteorder("="),
        cache_bytes=_PLAIN_CACHE_BYTES,
    )
