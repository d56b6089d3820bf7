"""Stacks and labels as TIFF files that Fiji and napari open."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.calibration import checked_unit
from napari_unet.data.files import atomic_write
from napari_unet.errors import InputError, OutputError

if TYPE_CHECKING:
    from napari_unet.data.stack import ArrayLike, Stack

_ORDER = "TZCYXS"
# Offsets of classic TIFF have 32 bits; the rest is room for directories.
_CLASSIC_BYTES = 2**32 - 2**25
_FINEST = 2.0**-31
_PROGRAM = "napari-unet "
_OME_UNITS = {"um": "µm", "angstrom": "Å", "inch": "in"}


def write_stack(
    path: str | Path,
    array: ArrayLike,
    *,
    like: Stack | None = None,
    axes: str | None = None,
    pixel_size: Sequence[float] | None = None,
    unit: str | None = None,
    wide: bool = False,
    made_by: str = "",
) -> None:
    """Write an array as a TIFF file, whole or not at all.

    A name that ends in .ome.tif gives OME-TIFF. Any other gives an ImageJ hyperstack
    for 8- and 16-bit unsigned integers and 32-bit floats; larger integers are stored
    in 16 bits where their values fit. What ImageJ's format does not hold (larger
    labels, negative values, bool, more than 4 GB) is an OME-TIFF under the name that
    was asked for. Integers are compressed without loss; floats, which hardly shrink,
    are not. A dask array is computed page by page.

    Parameters
    ----------
    path
        File to write. Missing folders are made.
    array
        The values, of any number of dimensions that `axes` describes.
    like
        Stack whose axes, pixel size and unit hold where they are not given. An array
        with one dimension more than its slices has its channels first.
    axes
        One of the letters C, T, Z, Y, X, S for each dimension; without `like` "YX",
        "ZYX" or "CZYX".
    pixel_size
        Size along each of the spatial axes ("ZYX") of `axes`, in their order.
    unit
        Unit of the pixel size, such as "nm" or "um".
    wide
        Store whole numbers that take 64 bits, instead of refusing them: such a plain
        TIFF has no pixel size, and Fiji does not open it.
    made_by
        The command that makes the file, for `was_made_by`.

    Raises
    ------
    InputError
        When axes, pixel size or unit do not fit, or a TIFF cannot hold the values.
    OutputError
        When the file cannot be written; one that was there before stays whole.
    """
    axes = axes or _axes_of(array, like)
    sizes = _sizes(axes, like, pixel_size)
    unit = checked_unit(unit if unit is not None else like.unit if like else "pixel")
    _check(path, array, axes)
    data, axes = _ordered(array, axes)
    dtype = _stored_dtype(path, data, ome=_is_ome(path), wide=wide)
    options = _options(path, data, axes, dtype, sizes, unit)

    def pages() -> Iterator[NDArray[Any]]:
        planes = _planes(data, 3 if "S" in axes else 2)
        return (np.ascontiguousarray(plane, dtype) for plane in planes)

    if made_by:
        options["software"] = _mark(made_by, pages())
    import tifffile  # docks that only open need not load it

    with atomic_write(path) as temporary:
        try:
            tifffile.imwrite(temporary, pages(), **options)
        except (ValueError, TypeError) as error:
            raise OutputError(f"{path} cannot be written as TIFF: {error}.") from error


def was_made_by(path: Path, command: str) -> bool:
    """Return whether `write_stack` made a TIFF file for a command, and nobody since.

    Pixels that were changed by hand, and then saved in its place, are not of a command.
    """
    import tifffile

    try:
        with tifffile.TiffFile(path) as tif:
            tag = tif.pages.first.tags.get("Software")
            # Most files end here, before their pixels are read.
            return (
                tag is not None
                and str(tag.value).startswith(_PROGRAM + command)
                and tag.value == _mark(command, (page.asarray() for page in tif.pages))
            )
    except Exception:  # noqa: BLE001 (whatever a file that is none raises)
        return False


def _mark(command: str, pages: Iterable[NDArray[Any]]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for page in pages:
        digest.update(np.ascontiguousarray(page, page.dtype.newbyteorder("=")).data)
    return f"{_PROGRAM}{command} {digest.hexdigest()}"


def _axes_of(array: ArrayLike, like: Stack | None) -> str:
    if like is not None:
        if tuple(array.shape) == like.shape:
            return like.axes
        planes = like.axes.replace("C", "").replace("S", "")
        if array.ndim == len(planes):
            return planes
        if array.ndim == len(planes) + 1:
            return "C" + planes
    return {2: "YX", 3: "ZYX", 4: "CZYX"}.get(array.ndim, "")


def _sizes(
    axes: str, like: Stack | None, pixel_size: Sequence[float] | None
) -> dict[str, float]:
    letters = [letter for letter in axes if letter in "ZYX"]
    if pixel_size is not None:
        if len(pixel_size) != len(letters):
            raise InputError(
                f"{len(pixel_size)} pixel sizes do not fit the axes {axes}: give one "
                f"for each of {', '.join(letters)}."
            )
        known = dict(zip(letters, map(float, pixel_size), strict=True))
    elif like is not None:
        spatial = [letter for letter in like.axes if letter in "ZYX"]
        known = dict(zip(spatial, like.pixel_size, strict=True))
        letters = [letter for letter in letters if letter not in like.unknown_axes]
    else:
        known = {}
    sizes = {letter: known.get(letter, 1.0) for letter in letters}
    if not all(np.isfinite(size) and size > 0 for size in sizes.values()):
        raise InputError(f"pixel sizes {tuple(sizes.values())} must be above 0.")
    return sizes


def _check(path: str | Path, array: ArrayLike, axes: str) -> None:
    fits = len(axes) == array.ndim == len(set(axes)) and {"Y", "X"} <= set(axes)
    if not fits or not set(axes) <= set(_ORDER):
        raise InputError(
            f'{path}: axes "{axes}" do not fit {array.ndim} dimensions: give one of '
            "the letters C, T, Z, Y, X, S for each, Y and X among them."
        )
    if 0 in array.shape:
        raise InputError(f"{path}: an array of shape {tuple(array.shape)} is empty.")


def _is_ome(path: str | Path) -> bool:
    return Path(path).name.lower().endswith((".ome.tif", ".ome.tiff"))


def _ordered(array: ArrayLike, axes: str) -> tuple[Any, str]:
    data: Any = array if hasattr(array, "transpose") else np.asarray(array)
    order = sorted(axes, key=_ORDER.index)
    return data.transpose([axes.index(letter) for letter in order]), "".join(order)


def _stored_dtype(
    path: str | Path, data: Any, *, ome: bool, wide: bool
) -> np.dtype[Any]:
    """Return the type in the file: one that holds the values and that Fiji opens."""
    dtype: np.dtype[Any] = np.dtype(data.dtype).newbyteorder("=")
    if dtype == np.float16:
        return np.dtype(np.float32)
    if dtype.kind == "f" and dtype.itemsize <= 8:
        return dtype
    if dtype.kind == "b" or (dtype.kind in "iu" and dtype.itemsize <= 2):
        return dtype
    if dtype.kind not in "iu":
        raise InputError(f"{path}: TIFF holds no values of type {dtype}.")
    if ome and dtype.itemsize <= 4:
        return dtype
    low, high = _range(data)
    for smaller in (np.uint16, np.int32, np.uint32):
        if np.iinfo(smaller).min <= low and high <= np.iinfo(smaller).max:
            return np.dtype(smaller)
    if wide:
        return dtype
    raise InputError(
        f"{path}: values from {low} to {high} do not fit into 32 bits, the most that "
        "Fiji opens: number the labels anew."
    )


def _range(data: Any) -> tuple[int, int]:
    if isinstance(data, np.ndarray):
        return int(data.min()), int(data.max())
    # Page by page, for a dask array may exceed the memory.
    extremes = [(int(page.min()), int(page.max())) for page in _planes(data, 2)]
    return min(low for low, _ in extremes), max(high for _, high in extremes)


def _planes(data: Any, ndim: int) -> Iterator[NDArray[Any]]:
    """Yield what the last `ndim` dimensions hold, in the order of the others."""
    for index in np.ndindex(tuple(data.shape[: data.ndim - ndim])):
        yield np.asarray(data[index])


def _options(
    path: str | Path,
    data: Any,
    axes: str,
    dtype: np.dtype[Any],
    sizes: dict[str, float],
    unit: str,
) -> dict[str, Any]:
    size = data.size * dtype.itemsize
    small = size < _CLASSIC_BYTES
    grey_or_rgb = "S" not in axes or (data.shape[-1] == 3 and dtype == np.uint8)
    imagej = dtype in (np.uint8, np.uint16, np.float32) and grey_or_rgb and small
    # ImageJ knows the size of pixels in units of length alone, in fractions of 32 bits.
    sized = unit != "pixel" or sizes["X"] == sizes["Y"] == 1
    sized = sized and all(_FINEST < sizes[axis] < 1 / _FINEST for axis in "YX")
    imagej = imagej and sized and not _is_ome(path)
    # OME knows no whole numbers of 64 bits.
    ome = not imagej and not (dtype.kind in "iu" and dtype.itemsize > 4)
    spacing = {"spacing": sizes["Z"]} if "Z" in sizes else {}
    metadata = {"unit": unit, **spacing} if imagej else _ome_metadata(sizes, unit)
    resolution = 1 / sizes["X"], 1 / sizes["Y"]
    colour = "S" in axes and data.shape[-1] in (3, 4)
    return {
        "shape": tuple(data.shape),
        "dtype": dtype,
        "imagej": imagej,
        "ome": ome,
        "bigtiff": not small,
        "photometric": "rgb" if colour else "minisblack",
        "planarconfig": "contig" if "S" in axes else None,
        # Fiji opens masks of one bit only uncompressed.
        "compression": "zlib" if dtype.kind in "iu" else None,
        "resolution": resolution if imagej and unit != "pixel" else None,
        "resolutionunit": 1,
        "metadata": {"axes": axes, **metadata},
    }


def _ome_metadata(sizes: dict[str, float], unit: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if unit == "pixel" and set(sizes.values()) == {1.0}:
        return metadata
    for letter, size in sizes.items():
        metadata[f"PhysicalSize{letter}"] = size
        metadata[f"PhysicalSize{letter}Unit"] = _OME_UNITS.get(unit, unit)
    return metadata
