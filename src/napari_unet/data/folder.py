"""Folders of single slices, and single pictures that are not TIFF."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import BmpImagePlugin, JpegImagePlugin, PngImagePlugin

from napari_unet.data.calibration import Calibration
from napari_unet.data.colours import ALPHA, through_palette, without_alpha
from napari_unet.data.dimensions import arrange
from napari_unet.data.file_names import gaps, masks_among
from napari_unet.data.files import unreadable
from napari_unet.data.formats.kinds import read_other
from napari_unet.data.lazy import lazy_pages, memory_limit
from napari_unet.data.open_file import Watched
from napari_unet.data.tiff import Loaded, read_tiff, tiff_header
from napari_unet.data.vendors.sidecars import sidecar
from napari_unet.errors import InputError
from napari_unet.words import reason, sides

# The plugins themselves: Image.open refuses pictures of more than 179 megapixels.
_PLUGINS: dict[str, Any] = {
    ".png": PngImagePlugin.PngImageFile,
    ".jpg": JpegImagePlugin.JpegImageFile,
    ".jpeg": JpegImagePlugin.JpegImageFile,
    ".bmp": BmpImagePlugin.BmpImageFile,
}
PICTURES = tuple(_PLUGINS)
_TIFFS = (".tif", ".tiff")
_CAMERAS = (".dm3", ".dm4", ".mrc")  # as microscopes that cut and scan write a series
_PALETTES = "the palettes of its files differ: read by colour"


def read_folder(path: Path, axes: str | None = None) -> Loaded:
    """Read the slices of a folder in natural order: slice2 comes before slice10.

    TIFF files are taken; where there are none, pictures (PNG, JPEG, BMP), or else DM3,
    DM4 or MRC files. `axes` are those that the user gives, with a letter for the files,
    as `arrange` takes them.

    Raises
    ------
    InputError
        When there are no images, or they differ in shape or type (and which does).
    """
    files = slice_files(path)
    if len(files) == 1:
        return read_image(files[0], axes)
    watched = [Watched(file) for file in files]
    headers = [_header(file) for file in files]
    palettes = {header.palette for header in headers}
    by_colour = len(palettes) > 1 and b"" not in palettes
    first = _without_z(read_image(files[0], by_colour=by_colour))
    page: Any = first.data
    _check_alike(files, [header.kind for header in headers], page, first.axes)
    read = partial(_read_slice, watched, by_colour)
    if page.nbytes * len(files) > memory_limit():
        data = lazy_pages(read, (len(files),), page.shape, page.dtype)
    else:
        data = np.empty((len(files), *page.shape), page.dtype)
        for index in range(len(files)):
            data[index] = read(index)
    named = "Z" + first.axes
    data, named, doubts = arrange(path, data, named, axes)
    palettes_told = [_PALETTES] if by_colour else []
    notes = (*first.notes, *palettes_told, *doubts, *_notes(files))
    return Loaded(data, named, _of_all(files, headers, first.calibration), notes)


def read_image(
    path: Path, axes: str | None = None, *, by_colour: bool = False
) -> Loaded:
    """Read one file that can be a slice: of a camera, a picture, or else a TIFF file.

    The other parameters are those of `read_tiff`.
    """
    other = read_other(path, axes) if path.suffix.lower() in _CAMERAS else None
    if other is not None:
        return other
    if path.suffix.lower() not in PICTURES:
        return read_tiff(path, axes, by_colour=by_colour)
    data, notes = _read_picture(path, by_colour=by_colour)
    found = sidecar(path, data.shape[:2]) or Calibration()
    data, named, _ = arrange(path, data, "YXS"[: data.ndim], axes)
    return Loaded(data, named, found, notes)


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Return what file names are sorted by: numbers by value, words by letter."""
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return tuple(
        (0, int(part), part) if part.isdecimal() else (1, 0, part) for part in parts
    )


def slice_files(path: Path) -> list[Path]:
    """Return the files of a folder that hold its slices, in their order.

    Raises
    ------
    InputError
        When the folder cannot be read, or holds no images.
    """
    try:
        # Hidden files are thumbnails and leftovers of other systems.
        names = [p for p in path.iterdir() if p.name[0] != "." and p.is_file()]
    except OSError as error:
        raise unreadable(path, error) from error
    for suffixes in (_TIFFS, PICTURES, _CAMERAS):
        files = [p for p in names if p.suffix.lower() in suffixes]
        if files:
            return sorted(files, key=natural_key)
    raise InputError(
        f"{path} holds no images: choose a folder with one file for each slice, such "
        "as TIFF, PNG, JPEG, DM4 or MRC."
    )


def _notes(files: Sequence[Path]) -> tuple[str, ...]:
    notes = []
    if masks := masks_among(files):
        named = f"{len(masks)} of {len(files)} files are named like masks"
        notes.append(f"{named}, such as {masks[0].name}: they are read as slices")
    if open_ := gaps(files):
        before, after = open_[0]
        notes.append(
            f"the numbers of its files leave some out, first between {before.name} and "
            f"{after.name}: what is left is read as slices that lie side by side"
        )
    return tuple(notes)


def _without_z(loaded: Loaded) -> Loaded:
    """Take a stack of one slice, as `imwrite` makes of `stack[z : z + 1]`, as it."""
    if loaded.axes[0] != "Z" or loaded.data.shape[0] != 1:
        return loaded
    return loaded._replace(data=loaded.data[0], axes=loaded.axes[1:])


def _check_alike(files: list[Path], kinds: list[str], page: Any, axes: str) -> None:
    if axes not in ("YX", "YXS"):
        raise InputError(
            f"{files[0]} is not a single slice but holds "
            f"{sides(page.shape)} ({axes}): open that file itself, or leave single "
            "slices in the folder."
        )
    for index, (file, kind) in enumerate(zip(files, kinds, strict=True)):
        if kind != kinds[0]:
            raise InputError(
                f"{file} does not fit the stack: slice {index} (counted from 0) is "
                f"{kind}, {files[0].name} is {kinds[0]}; convert or remove it."
            )


def _of_all(
    files: list[Path], headers: list[_Header], first: Calibration
) -> Calibration:
    """Return the pixel size of the first slice, with a doubt where another differs."""
    for index, (file, header) in enumerate(zip(files, headers, strict=True)):
        if not header.calibration.agrees(first):
            return replace(
                first,
                doubt=f"slice {index} ({file.name}) has pixels of another size than "
                f"{files[0].name}, whose size counts",
            )
    return first


class _Header(NamedTuple):
    """Of a slice: size and type in words, palette (b"" for none), and pixel size."""

    kind: str
    palette: bytes
    calibration: Calibration


def _header(file: Path) -> _Header:
    if file.suffix.lower() in _CAMERAS:
        slice_ = _without_z(read_image(file))
        kind = f"{sides(slice_.data.shape)} {slice_.data.dtype}"
        return _Header(kind, b"", slice_.calibration)
    if file.suffix.lower() not in PICTURES:
        shape, dtype, palette, calibration = tiff_header(file)
        return _Header(f"{sides(shape)} {dtype}", palette, calibration)
    with _open_picture(file) as picture:
        bits = ", 16 bits" if _is_deep(file) else ""
        kind = f"{picture.height} x {picture.width} {picture.mode}{bits}"
        found = sidecar(file, (picture.height, picture.width)) or Calibration()
        return _Header(kind, bytes(picture.getpalette() or b""), found)


def _read_slice(files: list[Watched], by_colour: bool, index: int) -> NDArray[Any]:
    file = files[index]
    try:
        loaded = read_image(file.path, by_colour=by_colour)
        return np.asarray(_without_z(loaded).data)
    finally:
        # What a changed file gives is no slice, and its error not the reason.
        file.check()


def _open_picture(path: Path) -> Any:
    plugin = _PLUGINS[path.suffix.lower()]
    try:
        return plugin(str(path))
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable(path, error) from error
        raise InputError(
            f"{path} is not a whole {plugin.format} file: copy or export it again."
        ) from error


def _is_deep(path: Path) -> bool:
    """Return whether a PNG has 16 bits for each of several samples.

    Pillow reads eight of them.
    """
    with path.open("rb") as file:
        head = file.read(26)
    return head[12:16] == b"IHDR" and head[24] == 16 and head[25] in (2, 4, 6)


def _deep(path: Path) -> NDArray[Any]:
    from imagecodecs import png_decode

    return np.asarray(png_decode(path.read_bytes()))


def _read_picture(
    path: Path, *, by_colour: bool
) -> tuple[NDArray[Any], tuple[str, ...]]:
    with _open_picture(path) as picture:
        try:
            # Of a picture with a palette this is the index.
            data = _deep(path) if _is_deep(path) else np.array(picture)
        except (OSError, SyntaxError, ValueError, RuntimeError) as error:
            raise InputError(
                f"{path} is broken or cut off ({reason(error)}): copy or export it "
                "again."
            ) from error
        # Older versions of Pillow widen 16-bit PNG to 32 bits.
        wide = picture.mode == "I" and path.suffix.lower() == ".png"
        palette = picture.getpalette() if picture.mode == "P" else None
        alpha = picture.mode in ("LA", "RGBA")
    notes: tuple[str, ...] = ()
    if palette:
        table = 257 * np.array(palette, np.uint16).reshape(-1, 3).T
        data, notes = through_palette(data, table, by_colour=by_colour)
    if alpha:
        data, _ = without_alpha(data, "YXS")
        notes = (*notes, ALPHA)
    return data.astype(np.uint16) if wide else data, notes
