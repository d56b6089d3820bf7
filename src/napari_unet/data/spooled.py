"""An array that fills up box by box in a file, not in memory."""

from __future__ import annotations

import os
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import DTypeLike, NDArray

from napari_unet.data.files import unwritable
from napari_unet.data.lazy import lazy_pages

_ON_DISK = Path("/var/tmp")
_MEMORY = {"tmpfs", "ramfs"}


class SpooledArray:
    """(C, Z, Y, X) values in a file without a name, which is gone when nobody reads it.

    It takes its room at once, in the folder for temporary files (TMPDIR); where nobody
    chose one and the usual one is memory, as on many a Linux, in /var/tmp.

    Parameters
    ----------
    shape, dtype
        As of an array.
    first
        The value of the first channel where nothing is written; the others have 0.

    Raises
    ------
    OutputError
        When the disk does not hold it.
    """

    def __init__(self, shape: Sequence[int], dtype: DTypeLike, first: int = 0) -> None:
        channels, depth, height, width = shape
        self.shape, self.dtype = (channels, depth, height, width), np.dtype(dtype)
        # It outlives this function, and ends with the last array that reads it.
        self._folder = _folder()
        self._file = tempfile.TemporaryFile(buffering=0, dir=self._folder)  # noqa: SIM115
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        for channel in range(channels):
            page = np.full((height, width), 0 if channel else first, self.dtype)
            for z in range(depth):
                self._put((channel, z, 0, 0), page)

    def __setitem__(self, box: tuple[slice, ...], values: NDArray[Any]) -> None:
        """Write a box, given as slices of C, Z, Y and X.

        Raises
        ------
        OutputError
            When the disk is full.
        """
        sides = zip(box, self.shape, strict=True)
        c, z, y, x = (part.indices(length)[0] for part, length in sides)
        values = np.ascontiguousarray(values, self.dtype)
        for channel, deep in np.ndindex(*values.shape[:2]):
            page = values[channel, deep]
            if page.shape[1] == self.shape[3]:
                self._put((c + channel, z + deep, y, x), page)
                continue
            for down, row in enumerate(page):
                self._put((c + channel, z + deep, y + down, x), row)

    def lazy(self) -> Any:
        """Return it as a dask array that reads its slices when they are needed."""
        return lazy_pages(self._page, self.shape[:2], self.shape[2:], self.dtype)

    def _put(self, place: tuple[int, ...], values: NDArray[Any]) -> None:
        """Write values that lie one after the other from a place on."""
        rest = values.reshape(-1).view(np.uint8).data
        with self._told(), self._lock:
            self._file.seek(self._offset(place))
            while rest:
                rest = rest[self._file.write(rest) :]

    def _page(self, index: int) -> NDArray[Any]:
        page = np.empty(self.shape[2:], self.dtype)
        rest = page.reshape(-1).view(np.uint8).data
        with self._told(), self._lock:
            self._file.seek(index * page.nbytes)
            while rest:
                rest = rest[self._file.readinto(rest) :]
        return page

    def _offset(self, place: tuple[int, ...]) -> int:
        return int(np.ravel_multi_index(place, self.shape)) * self.dtype.itemsize

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unwritable(self._folder, error) from error


def _folder() -> str:
    """Return where temporary files lie on a disk, if any such place is known."""
    folder = tempfile.gettempdir()
    chosen = any(os.environ.get(name) for name in ("TMPDIR", "TEMP", "TMP"))
    other = os.access(_ON_DISK, os.W_OK) and not _in_memory(_ON_DISK)
    return str(_ON_DISK) if not chosen and _in_memory(folder) and other else folder


def _in_memory(folder: str | Path) -> bool:
    place = Path(folder).resolve()
    disks = {Path(one.mountpoint): one for one in psutil.disk_partitions(all=True)}
    here = next((disks[one] for one in (place, *place.parents) if one in disks), None)
    return here is not None and here.fstype in _MEMORY
