"""Annotations kept as they grow: a file for each moment, and few files after all."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AwareDatetime, Field

from napari_unet.config import Settings
from napari_unet.config.structured_text import parse_json
from napari_unet.data.calibration import normal_unit
from napari_unet.data.files import write_text
from napari_unet.data.painted_slices import PaintedSlices
from napari_unet.data.read import read_stack
from napari_unet.data.sessions import Session
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError, OutputError

_NEWEST = 20
_AXES = {2: "YX", 3: "ZYX", 4: "TZYX"}


class JournalEntry(Settings):
    """Annotations of one moment: a TIFF file, and beside it in JSON what TIFF omits.

    Attributes
    ----------
    path
        The TIFF file, which any program opens.
    name
        Name of the layer.
    time
        When it was written, with its time zone.
    pixels
        How many pixels are labelled.
    place
        What places the layer: scale, units and whatever else was given.
    session
        Who wrote it; "" where that is not known.
    shape, dtype, checksum
        Of the labels; () and "" where they are not known.
    slices
        Which slices the file holds, where the others hold nothing; () for all.
    """

    path: Path = Field(exclude=True)
    name: str
    time: AwareDatetime
    pixels: int = Field(0, ge=0)
    place: dict[str, Any] = Field(default_factory=dict)
    session: str = ""
    shape: tuple[int, ...] = ()
    dtype: str = ""
    checksum: str = ""
    slices: tuple[int, ...] = ()


class Journal:
    """A folder of annotations, each moment a compressed TIFF file.

    What did not change since the last time is not written again. The newest 20 of each
    layer stay, before these one for each hour of the last day, and one for each day.

    Parameters
    ----------
    folder
        Where the files lie; it is made with the first of them.
    session
        Who works there; one of its own when left out.
    newest
        Of each layer no more than so many stay; all of the above when left out.
    """

    def __init__(
        self,
        folder: str | Path,
        session: Session | None = None,
        newest: int | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.session = session or Session(folder)
        self._newest = newest
        self._written: dict[str, JournalEntry] = {}
        self._forgotten: set[Path] = set()

    def write(
        self,
        labels: NDArray[np.generic] | PaintedSlices,
        name: str,
        place: dict[str, Any] | None = None,
    ) -> JournalEntry:
        """Keep annotations as they are now.

        Parameters
        ----------
        labels
            Whole numbers (Y, X), (Z, Y, X) or (T, Z, Y, X). Of slices that are
            painted, only these are written.
        name
            Name of the layer; each name has its own history.
        place
            What JSON holds. Of `scale` and `units`, one for each dimension, pixel size
            and unit of the file are taken.

        Returns
        -------
        The entry, or that of before where nothing changed.

        Raises
        ------
        InputError
            When a TIFF file cannot hold the labels.
        OutputError
            When the disk is full or the folder cannot be written to; every older
            entry stays whole.
        """
        place, shape = place or {}, labels.shape
        slices: tuple[int, ...] = ()
        if isinstance(labels, PaintedSlices):
            slices, labels = labels.in_file()
        checksum = _checksum(labels, place, slices)
        before = self.newest(name)
        if before and before.checksum == checksum and before.path.exists():
            return before
        self.session.mark()
        path, now = self._free_path(name)
        entry = JournalEntry(
            path=path,
            name=name,
            time=now,
            pixels=_count(labels),
            place=place,
            session=self.session.id,
            shape=shape,
            dtype=labels.dtype.str,
            checksum=checksum,
            slices=slices,
        )
        self._put(entry, labels)
        self._written[name] = entry
        self._prune()
        return entry

    def entries(self) -> list[JournalEntry]:
        """Return all entries, newest first."""
        # A file with a dot in front was being written when its program was killed.
        found = [_read_entry(path) for path in self.folder.glob("[!.]*.tif")]
        return sorted(found, key=lambda one: (one.time, one.path.name), reverse=True)

    def entry(self, path: str | Path) -> JournalEntry:
        """Return the entry that lies at `path`."""
        return _read_entry(Path(path))

    def read(self, entry: JournalEntry) -> NDArray[np.generic] | PaintedSlices:
        """Return the labels of an entry, in the shape and type that they had.

        Raises
        ------
        InputError
            When the file is gone or damaged.
        """
        data = np.array(read_stack(entry.path).data)
        if not entry.dtype:
            return data
        held = (len(entry.slices), *entry.shape[1:]) if entry.slices else entry.shape
        if data.size != math.prod(held):
            raise _other(entry)
        try:
            labels = data.reshape(held).astype(entry.dtype)
            if not entry.slices:
                return labels
            planes = dict(zip(entry.slices, labels, strict=True))
            return PaintedSlices(entry.shape, labels.dtype, 0, planes)
        except (ValueError, TypeError) as error:
            raise _other(entry) from error

    def after_crash(self) -> list[JournalEntry]:
        """Return what sessions left that never came to a good end, newest first.

        The newest entry of each of their layers; none after a clean close, while
        another program works in the folder, or once `forget` was called for it.
        """
        crashed = self.session.crashed()
        left = _newest_of(self.entries(), crashed) if crashed else []
        return [one for one in left if one.path not in self._forgotten]

    def unsaved(self, entry: JournalEntry) -> int:
        """Return how many pixels a crashed session labelled beyond those before it."""
        crashed = self.session.crashed()
        before = (
            one.pixels
            for one in self.entries()
            if one.name == entry.name and one.session not in crashed
        )
        return max(0, entry.pixels - next(before, 0))

    def forget(self, entry: JournalEntry) -> None:
        """Offer no more what a crash left; the entry stays."""
        self._forgotten.add(entry.path)
        offered = {one.session for one in self.after_crash()}
        for session in self.session.crashed():
            if session not in offered:
                self.session.forget(session)

    def close(self) -> None:
        """End the session in good order."""
        self.session.close()

    def _put(self, entry: JournalEntry, labels: NDArray[np.generic]) -> None:
        try:
            # The image comes last: where there is one, all that belongs to it is there.
            write_text(_card(entry.path), entry.model_dump_json())
            write_labels(entry.path, labels, entry.place)
        except (InputError, OutputError):
            _remove(entry.path)
            raise

    def newest(self, name: str) -> JournalEntry | None:
        """Return the newest entry of a layer, or None."""
        if name not in self._written:
            for entry in self.entries():
                self._written.setdefault(entry.name, entry)
        return self._written.get(name)

    def _free_path(self, name: str) -> tuple[Path, datetime]:
        """Take a file name that no other session can take."""
        now = datetime.now().astimezone()
        plain = plain_name(name) or "annotations"
        stem, number = f"{now:%Y-%m-%d-%H%M%S}-{plain}", 2
        path = self.folder / f"{stem}.tif"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            while True:
                try:
                    _card(path).touch(exist_ok=False)
                    return path, now
                except FileExistsError:
                    path = self.folder / f"{stem}-{number}.tif"
                    number += 1
        except OSError as error:
            raise OutputError(
                f"{path} cannot be written ({error.strerror}): choose another project "
                "folder."
            ) from error

    def _prune(self) -> None:
        entries = self.entries()
        marked = _newest_of(entries, self.session.crashed() + self.session.others())
        kept = {id(one) for one in (*_worth_keeping(entries, self._newest), *marked)}
        for one in entries:
            if id(one) not in kept and one.checksum:
                _remove(one.path)


def plain_name(name: str) -> str:
    """Return a name that every file system takes, of at most 60 letters."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60]


def write_labels(
    path: str | Path, labels: NDArray[np.generic], place: dict[str, Any] | None = None
) -> None:
    """Write labels with the pixel size and unit that `place` states.

    Parameters
    ----------
    path
        A TIFF file.
    labels
        Whole numbers (Y, X), (Z, Y, X) or (T, Z, Y, X).
    place
        With `scale` and `units`, one for each dimension.

    Raises
    ------
    InputError
        When labels have other dimensions.
    OutputError
        When the file cannot be written.
    """
    axes = _AXES.get(labels.ndim)
    if axes is None:
        raise InputError(
            f"Annotations of {labels.ndim} dimensions cannot be kept: a labels layer "
            "has time, slices, Y and X at most."
        )
    place = place or {}
    spatial = min(3, labels.ndim)
    sizes = [abs(float(one)) for one in place.get("scale", ())][-spatial:]
    units = place.get("units") or ("pixel",)
    # A unit that files do not know is no reason to lose what was painted.
    unit = normal_unit(str(units[-1])) or "pixel"
    write_stack(
        path,
        labels,
        axes=axes,
        pixel_size=sizes if len(sizes) == spatial else None,
        unit=unit,
        wide=True,
    )


def _checksum(
    labels: NDArray[np.generic], place: dict[str, Any], slices: tuple[int, ...]
) -> str:
    about = json.dumps([labels.dtype.str, labels.shape, place, *slices], sort_keys=True)
    digest = hashlib.blake2b(about.encode(), digest_size=16)
    digest.update(np.ascontiguousarray(labels).data)
    return digest.hexdigest()


def _count(labels: NDArray[np.generic]) -> int:
    # Slice by slice, for counting keeps every other thread waiting.
    return sum(int(np.count_nonzero(one)) for one in labels)


def _other(entry: JournalEntry) -> InputError:
    return InputError(f"{entry.path} is not what was written: choose an older entry.")


def _card(path: Path) -> Path:
    return path.with_suffix(".json")


def _read_entry(path: Path) -> JournalEntry:
    """Read an entry; a file without its card still holds the annotations."""
    try:
        card = parse_json(_card(path).read_text(encoding="utf-8"))
        return JournalEntry.read({**card, "path": path}, path)
    except (OSError, ValueError, TypeError, InputError):
        seconds = path.stat().st_mtime if path.exists() else 0.0
        time = datetime.fromtimestamp(seconds).astimezone()
        return JournalEntry(path=path, name=path.stem, time=time)


def _worth_keeping(
    entries: Iterable[JournalEntry], newest: int | None
) -> Iterable[JournalEntry]:
    """Yield, of entries with the newest first, those that stay."""
    yesterday = datetime.now().astimezone() - timedelta(days=1)
    counts: dict[str, int] = {}
    seen: set[tuple[str, str]] = set()
    for one in entries:
        counts[one.name] = counts.get(one.name, 0) + 1
        span = "%Y-%m-%d-%H" if one.time > yesterday else "%Y-%m-%d"
        key = (one.name, one.time.strftime(span))
        if counts[one.name] <= (newest or _NEWEST) or (not newest and key not in seen):
            yield one
        seen.add(key)


def _newest_of(
    entries: Iterable[JournalEntry], sessions: Sequence[str]
) -> list[JournalEntry]:
    """Return, of entries with the newest first, each session's newest of each layer."""
    newest: dict[tuple[str, str], JournalEntry] = {}
    for one in entries:
        if one.session in sessions:
            newest.setdefault((one.session, one.name), one)
    return list(newest.values())


def _remove(path: Path) -> None:
    # What cannot be removed is in nobody's way.
    with suppress(OSError):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        _card(path).unlink(missing_ok=True)
