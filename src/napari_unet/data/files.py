"""Files that are either written whole or not at all."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from napari_unet.data.addresses import is_address
from napari_unet.errors import InputError, OutputError

_FULL = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}
# A program of another container may be of the same number: it still writes, then.
_LEFT_SECONDS = 60
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path that takes the place of `path` when the block ends.

    Missing folders are made. The temporary file lies beside the target, so that the
    final rename cannot fail for want of space; it is flushed to disk before, and the
    folder after. When anything goes wrong it is removed, and what was at `path` stays
    as it was; what killed programs left in the folder is removed, too.

    Parameters
    ----------
    path
        File to write. A link is followed; permissions of an existing file are kept.

    Yields
    ------
    Path
        An empty file with the suffix of `path`.

    Raises
    ------
    OutputError
        When the operating system refuses: no space left, no permission, no folder.

    Examples
    --------
    >>> with atomic_write("scores.csv") as temporary:  # doctest: +SKIP
    ...     temporary.write_text("slice,iou", encoding="utf-8")
    """
    target = Path(os.path.realpath(path))
    own = f"{os.getpid()}-{secrets.token_hex(6)}"
    temporary = target.with_name(f"{_of_computer()}{own}{target.suffix}")
    try:
        _prepare(target, temporary)
        _remove_leftovers(target.parent)
        yield temporary
        _finish(target, temporary)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        # A vanished disk refuses this too, and its own error is the better story.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file in UTF-8, as `atomic_write` does.

    Raises
    ------
    OutputError
        When the operating system refuses.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as CSV; what a spreadsheet would compute has a ' in front.

    Names of files and classes can begin like a formula. Numbers stay numbers.
    """
    text = io.StringIO()
    lines = ([_uncomputed(cell) for cell in row] for row in rows)
    csv.writer(text, lineterminator="\n").writerows(lines)
    return text.getvalue()


def _uncomputed(cell: object) -> object:
    if not isinstance(cell, str) or not cell.startswith(_FORMULA):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def unreadable(path: str | Path, error: OSError) -> InputError:
    """Return the error to raise for a file that the operating system keeps back."""
    if is_address(path):
        return InputError(
            f"{path} cannot be reached ({error.strerror or error}): check the address "
            "and the connection."
        )
    if isinstance(error, FileNotFoundError):
        return InputError(f"{path} does not exist: check the path.")
    if isinstance(error, PermissionError):
        return InputError(
            f"{path} cannot be read, permission is denied: change its permissions or "
            "copy it to a folder of your own."
        )
    reason = error.strerror or str(error)
    return InputError(f"{path} cannot be read ({reason}): copy it to another disk.")


def _prepare(target: Path, temporary: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if target.exists() and not os.access(target, os.W_OK):
        # A rename would silently replace a file that its owner has protected.
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary.touch(exist_ok=False)


def _finish(target: Path, temporary: Path) -> None:
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    if target.exists():
        shutil.copymode(target, temporary)
    temporary.replace(target)
    _sync(target.parent)


def flush(files: Iterable[Path]) -> None:
    """Bring files of another library to the disk, but for those that are missing."""
    written = [file for file in files if file.exists()]
    for file in written:
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())
    for folder in {file.parent for file in written}:
        _sync(folder)


def _sync(folder: Path) -> None:
    """Let a rename outlast a power cut, where the system can open folders."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _of_computer() -> str:
    """Return what the temporary files of programs on this computer begin with."""
    return f".unet-{hashlib.sha256(socket.gethostname().encode()).hexdigest()[:6]}-"


def _remove_leftovers(folder: Path) -> None:
    """Remove what programs were writing here when they were killed."""
    ours = _of_computer()
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            number = entry.name.removeprefix(ours).partition("-")[0]
            if not entry.name.startswith(ours) or not number.isdecimal():
                continue
            with suppress(OSError):
                old = time.time() - entry.stat().st_mtime > _LEFT_SECONDS
                if old and not psutil.pid_exists(int(number)):
                    Path(entry).unlink()


def unwritable(path: str | Path, error: OSError) -> OutputError:
    """Return the error to raise for a file that the operating system does not take."""
    # numpy reports a full disk as "100 requested and 50 written", without a number.
    code = error.errno if error.errno is not None else errno.ENOSPC
    advice = "choose another folder"
    if code in _FULL:
        advice = "free some space or choose another folder"
    elif code in _FORBIDDEN:
        advice = "choose a file and a folder that you may write to"
    return OutputError(f"{path} cannot be written: {os.strerror(code)}; {advice}.")
