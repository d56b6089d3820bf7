"""A folder that one program alone writes into."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from napari_unet.data.files import unwritable
from napari_unet.errors import InputError

LOCK = ".lock"
"""Name of the file that stands for the folder."""


@contextmanager
def alone_in(folder: Path, busy: str) -> Iterator[None]:
    """Keep everybody else out of a folder, which is made, while the block lasts.

    The operating system frees what a program held that was killed.

    Raises
    ------
    InputError
        With the words `busy` when another one is in it.
    OutputError
        When the operating system refuses.
    """
    # The thread that ends the block need not be the one that began it.
    lock = FileLock(folder / LOCK, timeout=0, thread_local=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise InputError(busy) from error
    except OSError as error:
        raise unwritable(folder, error) from error
    try:
        yield
    finally:
        lock.release()
