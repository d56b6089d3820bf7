"""A dask array whose single pages come without a task graph."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import dask.array as da
import numpy as np
from numpy.typing import NDArray

Read = Callable[[int], NDArray[Any]]


class PagedArray(da.Array):  # type: ignore[misc]
    """Reads a page at once where one alone is asked for.

    To plan it would take dask several times as long as reading: a slider feels that.
    """

    def __new__(
        cls,
        read: Read,
        before: tuple[int, ...],
        page: tuple[int, ...],
        dtype: np.dtype[Any],
        kept: int,
    ) -> PagedArray:
        """Return an array of shape `(*before, *page)`, one chunk a page.

        The `kept` pages that were read last stay in memory.
        """
        # Tiles of one slice come one after the other: decode the slice only once.
        pages = _Pages(lru_cache(kept)(read), int(np.prod(before)), page, dtype)
        # Without a name dask would hash the pages' content to make one.
        flat = da.from_array(pages, chunks=(1, *page), name=False)
        whole = flat.reshape((*before, *page))
        array: PagedArray = super().__new__(
            cls, whole.dask, whole.name, whole.chunks, meta=whole._meta
        )
        array._pages, array._before = pages, before
        return array

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        places, rest = parts[: len(self._before)], parts[len(self._before) :]
        alone = 0 < len(self._before) == len(places) and all(map(_is_index, places))
        if not alone:
            return super().__getitem__(key)
        # As numpy counts: below 0 from the end, and beyond it not at all.
        counted = [range(n)[i] for n, i in zip(self._before, places, strict=True)]
        return self._pages[int(np.ravel_multi_index(counted, self._before)), *rest]


def _is_index(part: Any) -> bool:
    try:
        operator.index(part)
    except TypeError:
        return False
    return not isinstance(part, bool | np.bool_)


class _Pages:
    """The least of an array that dask asks for: it slices, page by page."""

    def __init__(
        self, read: Read, count: int, page: tuple[int, ...], dtype: np.dtype[Any]
    ) -> None:
        self._read = read
        self.shape = (count, *page)
        self.ndim, self.dtype = len(self.shape), dtype

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
