"""TIFF files of every kind, checked before their pixels are touched."""

from __future__ import annotations

import logging
import math
import struct
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_unet.data.calibration import Calibration
from napari_unet.data.colours import (
    ALPHA,
    inverted,
    is_mask,
    through_palette,
    without_alpha,
)
from napari_unet.data.dimensions import arrange
from napari_unet.data.files import unreadable
from napari_unet.data.lazy import lazy_pages, memory_limit, read_plain
from napari_unet.data.open_file import Watched
from napari_unet.data.vendors.tem_cameras import OLYMPUS
from napari_unet.data.vendors.writers import read_calibration
from napari_unet.errors import InputError
from napari_unet.words import reason, sides

_AGAIN = "copy or export it again"
_MINISWHITE, _PALETTE = 0, 3
_TURNED = "its low values are bright: turned round, so that bright is high"
_IMAGEJ_MASK = "a mask of ImageJ with an inverting LUT: its 255 is foreground"

# Its complaints about broken files are told to the user in our own errors; without a
# handler they would also land on stderr.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


class Loaded(NamedTuple):
    """What a file or a folder holds, before it becomes a `Stack`."""

    data: Any
    axes: str
    calibration: Calibration = Calibration()
    notes: tuple[str, ...] = ()


def read_tiff(
    path: Path, axes: str | None = None, *, by_colour: bool = False
) -> Loaded:
    """Read the first series of a TIFF file, or the image behind a preview.

    `axes` are those that the user gives, as `arrange` takes them; `by_colour` reads
    colours where there is a palette, else its indices.

    Files are read page by page on demand where they are large: uncompressed ones as
    `read_plain` does, others where they exceed `memory_limit`.

    Raises
    ------
    InputError
        When the file is missing, unreadable, broken, cut off or ragged.
    """
    with open_tiff(path) as tif:
        series = _image(tif)
        _check_complete(path, tif, series)
        named = _named_axes(series)
        data, seen = _as_seen(
            tif, series, _load(path, tif, series), by_colour=by_colour
        )
        named += "S" if data.ndim > len(named) else ""
        data, axes, doubts = arrange(path, data, named, axes)
        if _has_alpha(series, axes):
            data, axes = without_alpha(data, axes)
            seen = (*seen, ALPHA)
        notes = (*_notes(tif, series), *seen, *doubts)
        return Loaded(data, axes, read_calibration(path, series), notes)


def tiff_header(
    path: Path,
) -> tuple[tuple[int, ...], np.dtype[Any], bytes, Calibration]:
    """Return shape, dtype, palette and pixel size of what `read_tiff` reads.

    Without a palette, that is b"".
    """
    with open_tiff(path) as tif:
        series = _image(tif)
        colours = series.keyframe.colormap
        palette = b"" if colours is None else colours.tobytes()
        calibration = read_calibration(path, series)
        return tuple(series.shape), np.dtype(series.dtype), palette, calibration


def _image(tif: Any) -> Any:
    """Return the series to read: the first, unless iTEM put a preview there."""
    behind = (one for one in tif.series if OLYMPUS in one.keyframe.tags)
    return next(behind, tif.series[0])


@contextmanager
def open_tiff(path: Path) -> Iterator[Any]:
    """Open a TIFF file; whatever its parser stumbles over becomes an `InputError`."""
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty (0 bytes): {_AGAIN}.")
        with tifffile.TiffFile(path) as tif:
            _check_chain(path, tif)
            _check_pages(path, tif)
            yield tif
    except InputError:
        raise
    except OSError as error:
        raise unreadable(path, error) from error
    except MemoryError:
        raise
    except tifffile.TiffFileError as error:
        raise InputError(
            f"{path} is not a TIFF file, or its header is broken: open it in the "
            "program that made it and save it as TIFF."
        ) from error
    except Exception as error:
        # A broken directory can raise nearly anything in the parser.
        raise InputError(f"{path} is broken ({reason(error)}): {_AGAIN}.") from error


def _check_chain(path: Path, tif: Any) -> None:
    """Follow the chain of directories: tifffile drops what lies beyond the end."""
    if tif.is_ndpi:  # keeps the upper halves of its offsets elsewhere
        return
    file, form = tif.filehandle, tif.tiff
    offset, seen = _first_directory(file, form), set[int]()
    while offset and offset not in seen:
        seen.add(offset)
        file.seek(offset)
        head = file.read(form.tagnosize)
        if len(head) == form.tagnosize:
            entries = struct.unpack(form.tagnoformat, head)[0] * form.tagsize
            file.seek(offset + form.tagnosize + entries)
            tail = file.read(form.offsetsize)
        if len(head) < form.tagnosize or len(tail) < form.offsetsize:
            last = len(seen) - 1
            beyond = _first_beyond(tif.pages[index] for index in range(last))
            raise InputError(_cut_off(path, last if beyond is None else beyond))
        offset = struct.unpack(form.offsetformat, tail)[0]


def _first_directory(file: Any, form: Any) -> int:
    file.seek(8 if form.version == 43 else 4)  # 43 is BigTIFF
    head = file.read(form.offsetsize)
    whole = len(head) == form.offsetsize
    return int(struct.unpack(form.offsetformat, head)[0]) if whole else 0


def _check_pages(path: Path, tif: Any) -> None:
    if not len(tif.pages) or not tif.series:
        raise InputError(f"{path} holds no image: choose another file.")
    series = tif.series[0]
    if series.kind != "generic" or len(tif.series) == 1 or _image(tif) is not series:
        return
    # Only files that describe their series may hold pages of different kinds.
    first = tif.pages.first
    for index, page in enumerate(tif.pages):
        if page.shape != first.shape and not page.is_reduced:
            raise InputError(
                f"{path} holds pages of different shapes: page {index} (counted from "
                f"0) is {sides(page.shape)}, page 0 is {sides(first.shape)}; save the "
                "pages that belong together as a file of their own."
            )


def _check_complete(path: Path, tif: Any, series: Any) -> None:
    pages = list(series.pages)
    beyond = _first_beyond(pages)
    if beyond is not None:
        raise InputError(_cut_off(path, beyond))
    page_bytes = math.prod(series.keyframe.shape) * series.dtype.itemsize
    if series.dataoffset is not None:
        held = (tif.filehandle.size - series.dataoffset) // page_bytes
        if held * page_bytes < series.nbytes:
            raise InputError(_cut_off(path, held))
        return
    # ImageJ states how many images there are; tifffile falls back to those it finds.
    images = int((tif.imagej_metadata or {}).get("images", 1))
    if len(pages) * page_bytes < series.nbytes or (
        series.kind != "imagej" and images > len(tif.pages)
    ):
        raise InputError(_cut_off(path, len(pages)))


def _first_beyond(pages: Iterable[Any]) -> int | None:
    """Return the first page with pixels beyond the end of its file."""
    for index, page in enumerate(pages):
        if page is None:
            continue
        pieces = zip(page.dataoffsets, page.databytecounts, strict=False)
        if max((o + n for o, n in pieces), default=0) > page.parent.filehandle.size:
            return index
    return None


def _cut_off(path: Path, index: int) -> str:
    return (
        f"{path} is cut off: page {index} (counted from 0) lies beyond the end of the "
        f"file; {_AGAIN}."
    )


def _notes(tif: Any, series: Any) -> tuple[str, ...]:
    notes = []
    if series is not tif.series[0]:
        notes.append(
            f"begins with a preview; its image, {sides(series.shape)} {series.dtype}, "
            "was read"
        )
    elif len(tif.series) > 1:
        notes.append(
            f"holds {len(tif.series)} series; the first, {sides(series.shape)} "
            f"{series.dtype}, was read"
        )
    missing = sum(page is None for page in series.pages)
    if missing:
        notes.append(f"{missing} of {len(series.pages)} planes are missing: all 0")
    return tuple(notes)


def _load(path: Path, tif: Any, series: Any) -> Any:
    if series.dataoffset is not None and not series.is_multifile:
        dtype = series.dtype.newbyteorder(tif.byteorder)
        page = len(series.keyframe.shape)
        return read_plain(path, dtype, series.dataoffset, series.shape, page_ndim=page)
    if series.nbytes > memory_limit():
        reader, page = _Reader(path), series.keyframe
        before = series.shape[: len(series.shape) - len(page.shape)]
        if math.prod(before) != len(series.pages):
            before = (len(series.pages),)
        data = lazy_pages(reader, before, page.shape, series.dtype)
        return data if data.shape == series.shape else data.reshape(series.shape)
    try:
        return _native(series.asarray())
    except MemoryError:
        raise
    except Exception as error:
        # Decoders raise errors of their own; one page after the other finds which.
        for index, page in enumerate(series.pages):
            _decode(path, page, index)
        raise InputError(
            f"{path} cannot be decoded ({reason(error)}): {_AGAIN}."
        ) from error


def _native(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _decode(path: Path, page: Any, index: int) -> NDArray[Any]:
    try:
        return _native(page.asarray()).reshape(page.keyframe.shape)
    except MemoryError:
        raise
    except Exception as error:
        raise InputError(
            f"{path} is broken: page {index} (counted from 0) cannot be decoded "
            f"({reason(error)}); {_AGAIN}."
        ) from error


class _Reader:
    """Decodes single pages of a file that it keeps open, from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = tifffile.TiffFile(path)
        self._file.filehandle.set_lock(True)
        self._watched = Watched(path, self._file.filehandle.fileno())
        series = _image(self._file)
        self._pages, self._keyframe = list(series.pages), series.keyframe
        self._lock = threading.Lock()
        weakref.finalize(self, self._file.close)

    def __call__(self, index: int) -> NDArray[Any]:
        page, shape = self._pages[index], self._keyframe.shape
        if page is None:
            return np.zeros(shape, self._keyframe.dtype)
        if page.parent is self._file:
            try:
                return _decode(self._path, page, index).reshape(shape)
            finally:
                # What a changed file gives is no page, and its error not the reason.
                self._watched.check()
        # Further files of an OME series are closed until one of their pages is read.
        with self._lock:
            page.parent.filehandle.open()
            try:
                return _decode(self._path, page, index).reshape(shape)
            finally:
                page.parent.filehandle.close()


def _named_axes(series: Any) -> str:
    axes: str = series.axes
    if series.kind == "shaped" and axes == "SYX":
        # What tifffile made of three or four slices that were saved without axes.
        return "QYX"
    if len(set(axes)) < len(axes):
        # Sides of one pixel are X to it.
        return "Q" * (len(axes) - 2) + "YX"
    return axes


def _as_seen(
    tif: Any, series: Any, data: Any, *, by_colour: bool
) -> tuple[Any, tuple[str, ...]]:
    """Return values as the eye sees them, and what was changed for that."""
    page = series.keyframe
    if page.photometric == _PALETTE and page.colormap is not None:
        return through_palette(data, page.colormap, by_colour=by_colour)
    # Floats have no end to count from.
    if page.photometric != _MINISWHITE or data.dtype.kind == "f":
        return data, ()
    if tif.is_imagej and is_mask(data):
        return data, (_IMAGEJ_MASK,)
    # What Python writes of true and false is called so, and is not meant so.
    if series.kind == "shaped" and data.dtype == bool:
        return data, ()
    return inverted(data, page.bitspersample), (_TURNED,)


def _has_alpha(series: Any, axes: str) -> bool:
    samples = [int(one) for one in series.keyframe.extrasamples]
    return axes[-1] == "S" and samples[-1:] in ([1], [2])
