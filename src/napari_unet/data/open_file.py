"""Files that are read piece by piece, while other programs may write to them."""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.files import unreadable
from napari_unet.errors import InputError


class Watched:
    """A file that must stay as it was found, for as long as it is read.

    Parameters
    ----------
    path
        The file.
    descriptor
        That of the file where it is kept open: a new file of the same name then changes
        nothing.
    """

    def __init__(self, path: Path, descriptor: int | None = None) -> None:
        self.path, self._descriptor = path, descriptor
        self._found = self._look()

    def check(self) -> None:
        """Ask once more, after a piece was read and before it is used.

        Raises
        ------
        InputError
            When its size or its time is another: the piece may be of either state.
        """
        if self._look() != self._found:
            raise InputError(
                f"{self.path} was changed by another program while it was open: open "
                "it again."
            )

    def _look(self) -> tuple[int, int]:
        try:
            kept = self._descriptor
            info = self.path.stat() if kept is None else os.fstat(kept)
        except OSError as error:
            raise unreadable(self.path, error) from error
        return info.st_size, info.st_mtime_ns


class OpenFile:
    """Numbers that lie in a file one after the other, read from any thread.

    The file is never mapped into memory: where another program cut it off, the next
    look at a map would end the process.

    Parameters
    ----------
    path
        The file; it stays open as long as this is used.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        weakref.finalize(self, self._file.close)
        self._watched = Watched(path, self._file.fileno())
        self._lock = threading.Lock()

    def read(
        self, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]
    ) -> NDArray[Any]:
        """Return an array of the machine's byte order.

        Raises
        ------
        InputError
            When the file was changed since it was opened, or cannot be read.
        """
        array = np.empty(shape, dtype)
        try:
            with self._lock:
                self._file.seek(offset)
                self._file.readinto(array.reshape(-1).view(np.uint8).data)
        except OSError as error:
            raise unreadable(self._watched.path, error) from error
        self._watched.check()
        return array.astype(dtype.newbyteorder("="), copy=False)
