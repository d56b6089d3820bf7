"""NIfTI files, as ITK-SNAP and 3D Slicer write them."""

from __future__ import annotations

import math
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.formats.arrange import Held
from napari_unet.data.formats.extra import library
from napari_unet.data.lazy import lazy_pages, memory_limit, read_plain
from napari_unet.data.open_file import Watched
from napari_unet.errors import InputError
from napari_unet.words import reason, sides

_BROKEN = (OSError, EOFError, ValueError, zlib.error)


def read_nifti(path: Path) -> Held:
    """Read a NIfTI file: the voxels in the order in which they are stored.

    The affine turns nothing: an image and the labels that were made of it stay upon
    each other. Values that the file scales are scaled. A file that is not compressed
    is read slice by slice where it is large.

    Raises
    ------
    InputError
        When the file is broken, compressed and larger than `memory_limit`, or more than
        an image.
    """
    nibabel = library("nibabel", "NIfTI files")
    try:
        image = nibabel.load(path, mmap=False)
        header, stored = image.header, image.dataobj
        zooms, unit = header.get_zooms(), _unit(header)
    except _errors(nibabel) as error:
        raise InputError(
            f"{path} is not a whole NIfTI file ({reason(error)}): export it again."
        ) from error
    shape: tuple[int, ...] = tuple(stored.shape)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if not 2 <= len(shape) <= 5 or min(shape) < 1 or stored.dtype.kind == "c":
        raise InputError(
            f"{path} holds {sides(shape)} {stored.dtype}: export an image or a volume "
            "of real numbers."
        )
    # Stored with X fastest: reversed, the dimensions are numpy's.
    axes = "XYZTC"[: len(shape)][::-1]
    data = _load(path, stored, shape[::-1])
    if data.dtype.names:
        data, axes = data.view(np.uint8).reshape(*data.shape, -1), axes + "S"
    sizes = dict(zip("XYZ", ((zoom, unit) for zoom in zooms), strict=False))
    return Held(data, axes, "NIfTI header", sizes)


def _errors(nibabel: Any) -> tuple[type[Exception], ...]:
    """Return what nibabel raises of files that are broken, or none of its own."""
    header = nibabel.spatialimages.HeaderDataError
    return nibabel.filebasedimages.ImageFileError, header, *_BROKEN


def _unit(header: Any) -> str:
    """Return the unit of lengths; "" where the file states none that there is."""
    try:
        return str(header.get_xyzt_units()[0]).replace("unknown", "")
    except KeyError:
        return ""


def _load(path: Path, stored: Any, shape: tuple[int, ...]) -> Any:
    compressed = path.suffix.lower() == ".gz"
    if not compressed and (stored.slope, stored.inter) == (1.0, 0.0):
        return read_plain(path, stored.dtype, stored.offset, shape)
    dtype: np.dtype[Any] = np.asarray(stored[(slice(1),) * len(stored.shape)]).dtype
    takes = math.prod(shape) * dtype.itemsize
    if takes <= memory_limit():
        try:
            return np.asarray(stored).reshape(shape[::-1], order="F").T
        except _BROKEN as error:
            raise InputError(
                f"{path} is broken or cut off ({reason(error)}): export it again."
            ) from error
    if compressed:
        raise InputError(
            f"{path} takes {takes / 2**30:.0f} GiB unpacked, and a compressed file is "
            "only read as a whole: unpack it to .nii, which is read slice by slice."
        )
    read = partial(_page, Watched(path), stored, shape)
    return lazy_pages(read, shape[:-2], shape[-2:], dtype)


def _page(
    watched: Watched, stored: Any, shape: tuple[int, ...], index: int
) -> NDArray[Any]:
    place = np.unravel_index(index, shape[:-2])[::-1]
    key = (slice(None), slice(None), *(int(i) for i in place))
    more = len(stored.shape) - len(key)
    try:
        return np.asarray(stored[key + (0,) * more]).T
    except _BROKEN as error:
        raise InputError(
            f"{watched.path} is broken or cut off ({reason(error)}): export it again."
        ) from error
    finally:
        watched.check()
