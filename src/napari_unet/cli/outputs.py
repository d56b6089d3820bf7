"""Which files a command may write; asked before any work is done."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from napari_unet.data.files import unwritable
from napari_unet.data.write import was_made_by
from napari_unet.errors import InputError

_HEAD_BYTES = 512


def check_outputs(inputs: Sequence[Path], *outputs: Path | None) -> None:
    """Refuse what would write over an input, or twice to a file, or cannot be written.

    Parameters
    ----------
    inputs
        Files that are read, and folders of which every picture is a slice.
    outputs
        Files to write; None for one that is not wanted.

    Raises
    ------
    InputError
        Naming the file.
    OutputError
        When the operating system would refuse it.
    """
    taken = {Path(os.path.realpath(path)) for path in inputs}
    for path in outputs:
        if path is None:
            continue
        place = Path(os.path.realpath(path))
        if place in taken:
            raise InputError(
                f"{path} is read or written already: choose another name for the "
                "result, so that nothing is lost."
            )
        _check_writable(path)
        if place.parent in taken:
            raise InputError(
                f"{path} would lie among the slices that are read: choose another "
                "folder for the result, so that nothing is lost."
            )
        taken.add(place)


def check_replaced(
    command: str,
    *outputs: Path | None,
    overwrite: bool,
    heads: Sequence[str] = (),
    is_own: Callable[[Path], bool] = lambda _: False,
) -> None:
    """Refuse to replace what an earlier run of a command did not make.

    Parameters
    ----------
    command
        Its name.
    outputs
        Files to write; None for one that is not wanted.
    overwrite
        Whether the user allows it.
    heads
        What stands in the head of texts that the command writes.
    is_own
        Knows other files that the command writes.

    Raises
    ------
    InputError
        Naming the file.
    """
    for path in outputs:
        if path is None or overwrite or not path.exists():
            continue
        made = _heads(path, heads) or was_made_by(path, command) or is_own(path)
        if not made:
            raise InputError(
                f"{path} is there already, and is not what napari-unet {command} made: "
                "choose another name, or have it replaced by --overwrite."
            )


def _heads(path: Path, texts: Sequence[str]) -> bool:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    # In an empty list, nothing can be lost.
    return head == b"[]" or any(text.encode() in head for text in texts)


def check_tiff(*outputs: Path | None) -> None:
    """Refuse names that promise another format than the TIFF that is written.

    Raises
    ------
    InputError
        Naming the file.
    """
    for path in outputs:
        if path is not None and path.suffix.lower() not in (".tif", ".tiff"):
            raise InputError(f"{path}: results are TIFF files, end the name in .tif.")


def _check_writable(path: Path) -> None:
    """Refuse now what would only be noticed when the result is there to be written."""
    # Missing folders are made, as far up as there are none.
    folder = next(one for one in path.absolute().parents if os.access(one, os.F_OK))
    if not folder.is_dir():
        raise unwritable(path, OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)))
    closed = not os.access(folder, os.W_OK | os.X_OK)
    if closed or (path.exists() and not os.access(path, os.W_OK)):
        raise unwritable(path, OSError(errno.EACCES, os.strerror(errno.EACCES)))
    if path.is_dir():
        raise InputError(f"{path} is a folder: give the name of a file in it.")
