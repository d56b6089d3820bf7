"""MRC, CCP4 and IMOD files: images, tilt series and tomograms."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from napari_unet.data.formats.arrange import Held
from napari_unet.data.formats.extra import library
from napari_unet.data.lazy import read_plain
from napari_unet.errors import InputError
from napari_unet.words import reason

_UNREAD = {
    3: "complex numbers (a Fourier transform)",
    4: "complex numbers (a Fourier transform)",
    16: "colours",
    101: "numbers of 4 bits",
}
_IMOD = 1146047817  # "IMOD"
_AGAIN = "save it anew in the program that made it"


def read_mrc(path: Path) -> Held:
    """Read an MRC file: Z, Y, X, with its voxel size in angstrom.

    As its format (MRC2014) and IMOD's description of it say: a voxel has the size
    CELLA / M, and 0 is unknown; bytes are signed or not as IMOD's flags tell, and in
    files without them as their minimum and maximum do.

    Raises
    ------
    InputError
        When the file is no MRC file, cut off, or holds what is no image.
    """
    mrcfile = library("mrcfile", "MRC files")
    header, start = _header(mrcfile, path)
    mode = int(header.mode)
    if mode in _UNREAD:
        raise InputError(
            f"{path} holds {_UNREAD[mode]} (mode {mode}): convert it to bytes, 16-bit "
            "numbers or floats, by IMOD's newstack -mode."
        )
    axes = _axes(header)
    try:
        dtype = mrcfile.utils.data_dtype_from_header(header)
        shape = mrcfile.utils.data_shape_from_header(header)
    except (ValueError, ZeroDivisionError):
        shape = (0,)
    if min(shape) < 1 or set(axes) != set("XYZ"):
        raise InputError(
            f"{path} is not an MRC file, or its header is broken: {_AGAIN}."
        )
    notes: tuple[str, ...] = ()
    if mode == 0 and not _signed(header):
        dtype = np.dtype(np.uint8)
        notes = ("its bytes are read as 0 to 255, as IMOD reads them",)
    sizes = {letter: (_voxel(header, letter), "angstrom") for letter in "XYZ"}
    if {size for size, _ in sizes.values()} == {1.0}:
        notes += (
            "its pixels of exactly 1 angstrom are what programs write where they know "
            "no size: set the pixel size if it is another",
        )
    data = read_plain(path, dtype, start, shape)
    return Held(data, ("T" + axes)[-len(shape) :], "MRC header", sizes, notes)


def _header(mrcfile: Any, path: Path) -> tuple[Any, int]:
    """Return the header, and where the pixels start."""
    with warnings.catch_warnings():
        # Old files lack the stamps that it would like to see.
        warnings.simplefilter("ignore", RuntimeWarning)
        try:
            with mrcfile.open(path, permissive=True, header_only=True) as file:
                header = file.header.copy()
        except ValueError as error:
            raise InputError(
                f"{path} is not an MRC file ({reason(error)}): {_AGAIN}."
            ) from error
    if not 0 <= int(header.mapc) <= 3:
        # Without a stamp, and in mode 0, nothing else tells the order of the bytes.
        header = header.view(header.dtype.newbyteorder())
    return header, 1024 + int(header.nsymbt)


def _axes(header: Any) -> str:
    """Return what sections, rows and columns are; old files leave it open."""
    order = [int(header.maps), int(header.mapr), int(header.mapc)]
    order = order if any(order) else [3, 2, 1]
    return "".join(dict(enumerate("XYZ", 1)).get(axis, "?") for axis in order)


def _voxel(header: Any, letter: str) -> Any:
    """Return the size of a voxel in angstrom; 0 where it is unknown."""
    count = int(header[f"m{letter.lower()}"])
    # One section alone, and a stack of images, have no distance of sections.
    images = int(header.ispg) == 0 or int(header.nz) == 1
    if count < 1 or (letter == "Z" and count == 1 and images):
        return 0.0
    size: np.float32 = np.float32(header.cella[letter.lower()]) / np.float32(count)
    return size


def _signed(header: Any) -> bool:
    flags = header.extra2.tobytes()[40:48]
    stamp, flag = np.frombuffer(flags, header.mode.dtype)
    if stamp == _IMOD:
        return bool(flag & 1)
    low, high = float(header.dmin), float(header.dmax)
    if low < high and (low < 0 or high >= 128):
        return low < 0 and -low > high - 128
    # MRC2014 has signed bytes; before it, there were unsigned ones only.
    return int(header.nversion) >= 20140
