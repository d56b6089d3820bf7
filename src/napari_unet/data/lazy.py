"""Stacks larger than memory: one page at a time, when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

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
    return int(psutil.virtual_memory().available) // 4


def plain_limit() -> int:
    """Return the same of what is not packed, and costs little to be read again."""
    return min(_SMALL_BYTES, memory_limit())


def lazy_pages(
    read: Callable[[int], NDArray[Any]],
    count: int,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    *,
    cache_bytes: int = _CACHE_BYTES,
) -> Any:
    """Return a dask array that reads its pages when they are needed.

    Parameters
    ----------
    read
        Returns page `index` with the given shape and dtype; called from many threads.
    count
        Number of pages.
    shape, dtype
        Of one page.
    cache_bytes
        What the pages that were read last may take.

    Returns
    -------
    dask.array.Array
        Of shape `(count, *shape)`, one chunk a page.
    """
    # Loaded when needed: it takes as long as opening a dock.
    import dask.array as da

    pages = _Pages(read, count, shape, dtype, cache_bytes)
    # Without a name dask would hash the pages' content to make one.
    return da.from_array(pages, chunks=(1, *shape), name=False)


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
    page = shape[-page_ndim:]
    step = math.prod(page) * dtype.itemsize
    pages = lazy_pages(
        lambda index: file.read(offset + index * step, page, dtype),
        math.prod(shape[:-page_ndim]),
        page,
        dtype.newbyteorder("="),
        cache_bytes=_PLAIN_CACHE_BYTES,
    )
    return pages.reshape(shape)


class _Pages:
    """The least of an array that dask asks for: it slices, page by page."""

    def __init__(
        self,
        read: Callable[[int], NDArray[Any]],
        count: int,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        cache_bytes: int,
    ) -> None:
        self.shape = (count, *shape)
        self.dtype = dtype
        self.ndim = len(self.shape)
        page_bytes = max(1, int(np.prod(shape)) * dtype.itemsize)
        # Tiles of one slice come one after the other: decode the slice only once.
        self._read = lru_cache(max(1, min(64, cache_bytes // page_bytes)))(read)

    def __getitem__(self, key: Any) -> NDArray[Any]:
        first, *rest = key if isinstance(key, tuple) else (key,)
        wanted = np.arange(self.shape[0])[first]
        if np.ndim(wanted) == 0:
            return np.array(self._read(int(wanted))[tuple(rest)])
        pages = [self._read(int(index))[tuple(rest)] for index in wanted]
        if pages:
            return np.stack(pages)
        # dask probes with empty slices; that must not read a page.
        return np.empty((0, *self.shape[1:]), self.dtype)[(slice(None), *rest)]
