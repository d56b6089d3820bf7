"""Who works in a folder now, and who did not come to a good end there."""

from __future__ import annotations

import json
import secrets
import socket
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from napari_unet.config.structured_text import parse_json
from napari_unet.data.files import unwritable, write_text

_PREFIX = "open-"
# A computer that shares the folder is seen only by the marks that it renews.
_FOREIGN_SECONDS = 300
# Clocks of the operating system count the start of a program in hundredths.
_SAME_START = 1.0


class Session:
    """A mark in a folder that lasts from the first write to a clean close.

    A mark whose program has ended tells of a crash. Programs are known by number and
    time of start, since numbers are given again; those of another computer by a mark
    that is not renewed any more.

    Parameters
    ----------
    folder
        Where the marks lie; nothing is written before `mark`.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        start = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
        self.id = f"{start}-{secrets.token_hex(3)}"

    def mark(self) -> None:
        """Mark the folder as worked in, or renew the mark.

        Raises
        ------
        OutputError
            When the folder cannot be written to.
        """
        path = self._path(self.id)
        try:
            if path.exists():
                path.touch()
                return
        except OSError as error:
            raise unwritable(path, error) from error
        me = psutil.Process()
        words = {
            "host": socket.gethostname(),
            "pid": me.pid,
            "started": me.create_time(),
        }
        write_text(path, json.dumps(words))

    def close(self) -> None:
        """Take the mark away: the session came to a good end."""
        self.forget(self.id)

    def forget(self, session: str) -> None:
        """Take the mark of any session away."""
        # A disk that is gone or read-only keeps the mark, and asks again next time.
        with suppress(OSError):
            self._path(session).unlink(missing_ok=True)

    def crashed(self) -> list[str]:
        """Return the sessions that never came to an end, oldest first."""
        return self._marked(living=False)

    def others(self) -> list[str]:
        """Return the sessions that work in the folder now, oldest first."""
        return self._marked(living=True)

    @property
    def is_first(self) -> bool:
        """Whether nobody who works in the folder came before."""
        return all(self.id < other for other in self.others())

    def _path(self, session: str) -> Path:
        return self.folder / f"{_PREFIX}{session}.json"

    def _marked(self, *, living: bool) -> list[str]:
        paths = set(self.folder.glob(f"{_PREFIX}*.json")) - {self._path(self.id)}
        found = [path for path in paths if _lives(path) == living]
        return sorted(path.stem.removeprefix(_PREFIX) for path in found)


def _lives(path: Path) -> bool:
    words = _read(path)
    if words.get("host") != socket.gethostname():
        with suppress(OSError):
            return time.time() - path.stat().st_mtime < _FOREIGN_SECONDS
        return False
    try:
        program = psutil.Process(int(words.get("pid", 0)))
        if program.status() == psutil.STATUS_ZOMBIE:
            return False
        started = float(program.create_time())
        return abs(started - float(words["started"])) < _SAME_START
    except (psutil.Error, ValueError, TypeError, KeyError, OverflowError):
        return False


def _read(path: Path) -> dict[str, Any]:
    try:
        words = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return words if isinstance(words, dict) else {}
