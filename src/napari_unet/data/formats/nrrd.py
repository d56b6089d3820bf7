"""NRRD files, as 3D Slicer and Fiji write them."""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from napari_unet.data.colours import ALPHA, without_alpha
from napari_unet.data.formats.arrange import Held
from napari_unet.data.formats.extra import library
from napari_unet.data.lazy import memory_limit, read_plain
from napari_unet.errors import InputError
from napari_unet.words import reason, sides

_NAMES = {
    "i1": "signed char, int8, int8_t",
    "u1": "uchar, unsigned char, uint8, uint8_t",
    "i2": "short, short int, signed short, signed short int, int16, int16_t",
    "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "i4": "int, signed int, int32, int32_t",
    "u4": "uint, unsigned int, uint32, uint32_t",
    "i8": "longlong, long long, long long int, signed long long, int64, int64_t",
    "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "f4": "float",
    "f8": "double",
}
_CODES = {name: code for code, names in _NAMES.items() for name in names.split(", ")}
_LETTERS = {
    "time": "T",
    **dict.fromkeys(("list", "vector", "2-vector", "3-vector", "4-vector"), "C"),
    **dict.fromkeys(("covariant-vector", "3-gradient", "3-normal"), "C"),
    **dict.fromkeys(("rgb-color", "hsv-color", "xyz-color", "3-color"), "S"),
    **dict.fromkeys(("rgba-color", "4-color"), "S"),
}
_PLACES = {"domain", "space", "???", "none", ""}
"""Kinds of dimensions along which pixels lie side by side, or may."""


def read_nrrd(path: Path) -> Held:
    """Read a NRRD file; without compression, page by page where it is large.

    Raises
    ------
    InputError
        When the file is broken, compressed and larger than `memory_limit`, or more than
        an image.
    """
    nrrd = library("nrrd", "NRRD files")
    try:
        with path.open("rb") as file:
            header = nrrd.read_header(file)
            data = _load(nrrd, path, file, header)
        axes = _axes(path, header)
        held = Held(data, axes[::-1], "NRRD header", _sizes(header, axes))
    except KeyError as error:
        raise InputError(
            f"{path} is not a whole NRRD file (it states no {error.args[0]}): export "
            "it again."
        ) from error
    except (nrrd.NRRDError, ValueError, IndexError, zlib.error) as error:
        raise InputError(
            f"{path} is not a whole NRRD file ({reason(error)}): export it again."
        ) from error
    if "rgba-color" in map(str.lower, header.get("kinds", ())) and held.axes[-1] == "S":
        data, axes = without_alpha(held.data, held.axes)
        held = held._replace(data=data, axes=axes, notes=(ALPHA,))
    return held


def _load(nrrd: Any, path: Path, file: Any, header: Any) -> Any:
    shape = tuple(int(side) for side in header["sizes"])[::-1]
    code = _CODES.get(header["type"])
    if code is None or min(shape) < 1:
        raise InputError(
            f'{path} holds {sides(shape)} of the type "{header["type"]}": export an '
            "image of numbers."
        )
    order = ">" if header.get("endian") == "big" else "<"
    skips = {"line skip", "lineskip", "byte skip", "byteskip", "data file", "datafile"}
    if header["encoding"] == "raw" and not skips & set(header):
        colours = str((header.get("kinds") or [""])[0]).lower() in _LETTERS
        page_ndim = 3 if colours else 2
        dtype = np.dtype(order + code)
        return read_plain(path, dtype, file.tell(), shape, page_ndim=page_ndim)
    takes = math.prod(shape) * np.dtype(code).itemsize
    if takes > memory_limit():
        raise InputError(
            f"{path} takes {takes / 2**30:.0f} GiB unpacked, and such a file is only "
            "read as a whole: save it without compression, as one .nrrd."
        )
    data = nrrd.read_data(header, file, str(path), index_order="C")
    return data.astype(code, copy=False)


def _axes(path: Path, header: Any) -> str:
    """Name the dimensions, the fastest first."""
    kinds = header.get("kinds", ["domain"] * len(header["sizes"]))
    space = iter("XYZ")
    axes = "".join(
        _LETTERS.get(kind, next(space, "?") if kind in _PLACES else "?")
        for kind in (str(one).lower() for one in kinds)
    )
    unique = len(set(axes)) == len(axes) == len(header["sizes"])
    if "?" in axes or not unique or not {"X", "Y"} <= set(axes):
        raise InputError(
            f"{path} has the dimensions {sides(header['sizes'])} of the kinds "
            f"{', '.join(kinds)}: export an image or a volume."
        )
    return axes


def _sizes(header: Any, axes: str) -> dict[str, tuple[float, str]]:
    spacings = header.get("spacings")
    directions = header.get("space directions")
    if directions is not None:
        spacings = [math.hypot(*row) if row is not None else 0 for row in directions]
    units = header.get("units", [""] * len(axes))
    if "space units" in header:
        names = iter(header["space units"])
        units = [next(names, "") if letter in "XYZ" else "" for letter in axes]
    if spacings is None:
        return {}
    return {
        letter: (float(size), str(unit).strip('"'))
        for letter, size, unit in zip(axes, spacings, units, strict=True)
    }
