"""Stacks from files and folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_unet.data.addresses import is_zarr, location
from napari_unet.data.calibration import Calibration
from napari_unet.data.files import unreadable
from napari_unet.data.stack import ArrayLike, Stack
from napari_unet.errors import InputError, memory_told

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_unet.data.tiff import Loaded

_INFO_BAR = (
    "its info bar, {} rows at the bottom, is neither trained on, predicted nor scored: "
    "if it is none, --info-bar 0 (or Info bar in the Load tab)"
)


@memory_told()
def read_stack(
    path: str | Path,
    calibration: Calibration | None = None,
    *,
    axes: str | None = None,
    info_bar: int | None = None,
    level: int = 0,
) -> Stack:
    """Read an image stack or labels, with values as the eye sees them.

    Values are those of the file, and never scaled: where the file says that low ones
    are bright they are turned round, three equal colours become grey, and transparency
    is left out.

    TIFF files of any kind (ImageJ, OME, BigTIFF, tiled, compressed), a PNG, JPEG or BMP
    picture, a folder with one file for each slice, or what stands in the room
    `formats`: MRC, HDF5 (`file.h5:name` where it holds several images), NIfTI, NRRD,
    DM3 and DM4; or OME-Zarr and Zarr: a folder, an image or labels within it
    (`cells.ome.zarr/labels/mito`), or an address. Dimensions come in the order C, T, Z,
    Y, X, S. Zarr, a packed file that takes more than a quarter of the free memory, and
    a plain one of more than 64 MiB, become a dask array that reads what is needed of
    it; the rest is read into memory. A page of a file that another program changed
    meanwhile raises `InputError`.

    Parameters
    ----------
    path
        File or folder.
    calibration
        Pixel size and unit that count instead of those of the file.
    axes
        A letter for each dimension as it is stored, such as "ZCYX", where the file
        does not say it, or not rightly.
    info_bar
        Rows at the bottom that hold writing, 0 for none; when left out what the file
        says.
    level
        Resolution of an OME-Zarr, 0 the finest.

    Returns
    -------
    Stack
        With pixel size and unit where the file states them.

    Raises
    ------
    InputError
        When nothing usable is there: missing, empty, broken, cut off (which page),
        slices of different shapes (which one), or not an image.
    """
    # What reads files takes a while to load; docks that only open need not wait.
    from napari_unet.data.colours import without_colours

    path = Path(path)
    try:
        loaded = _load(path, axes, level)
    except OSError as error:
        raise unreadable(path, error) from error
    data, axes = without_colours(loaded.data, loaded.axes)
    bar = loaded.calibration.info_bar if info_bar is None else info_bar
    told = (_INFO_BAR.format(bar),) if bar and info_bar is None else ()
    if calibration is not None:
        axes = calibration.axes_of(axes)
    calibration = calibration or loaded.calibration
    return Stack(
        data=data,
        axes=axes,
        pixel_size=calibration.pixel_size(axes),
        unit=calibration.unit,
        source=location(path),
        notes=loaded.notes + calibration.notes(axes) + told,
        calibration_source=calibration.source,
        unknown_axes=calibration.unknown_axes(axes),
        info_bar=bar,
    )


def as_stack(
    data: Stack | ArrayLike | npt.ArrayLike | Path, name: str = "image"
) -> Stack:
    """Return a stack as it is, read from its file or folder, or made of an array.

    Parameters
    ----------
    data
        An array is (Y, X), (Z, Y, X) or (C, Z, Y, X), and has no pixel size.
    name
        What an array is called in words to the user.

    Raises
    ------
    InputError
        As `read_stack` does, or when an array has other dimensions.
    """
    if isinstance(data, Stack):
        return data
    if isinstance(data, str | Path):
        return read_stack(data)
    # An array that reads when it is asked to stays so.
    values: Any = data if hasattr(data, "ndim") else np.asarray(data)
    if not 2 <= values.ndim <= 4:
        raise InputError(
            f"The {name} has {values.ndim} dimensions: give (Y, X), (Z, Y, X) or "
            "(C, Z, Y, X)."
        )
    sizes = (1.0,) * min(3, values.ndim)
    return Stack(values, "CZYX"[-values.ndim :], sizes, "pixel", name)


def read_labels(
    path: str | Path,
    image: Stack | None,
    calibration: Calibration | None = None,
    *,
    axes: str | None = None,
) -> Stack:
    """Read labels of an image, as `read_stack` does.

    Of an OME-Zarr they are those that lie in it, as `labels_in` finds them, and the
    level that has the size of the image, else the finest.
    """
    from napari_unet.data.ome_zarr import labels_in, level_of_size

    path, level = labels_in(path), 0
    if image is not None and is_zarr(path):
        level = level_of_size(path, image.as_czyx().shape[1:], axes) or 0
    return read_stack(path, calibration, axes=axes, level=level)


def coarser_levels(path: str | Path, level: int, axes: str | None) -> list[Any]:
    """Return the lower resolutions of an OME-Zarr, lazily; of other files none."""
    if not is_zarr(path):
        return []
    from napari_unet.data.formats.arrange import arranged
    from napari_unet.data.ome_zarr import open_zarr

    coarser = open_zarr(path, axes).levels[level + 1 :]
    return [arranged(Path(path), one.held()).data for one in coarser]


def _load(path: Path, axes: str | None, level: int) -> Loaded:
    from napari_unet.data.folder import read_folder, read_image
    from napari_unet.data.formats.arrange import arranged
    from napari_unet.data.formats.kinds import read_other
    from napari_unet.data.ome_zarr import open_volume

    if is_zarr(path):
        return arranged(path, open_volume(path, level, axes).held())
    if level:
        raise one_level(path, level)
    read = read_folder if path.is_dir() else read_image
    return read_other(path, axes) or read(path, axes)


def one_level(path: str | Path, level: int) -> InputError:
    """Return the error to raise for another level than 0 of what has no others."""
    return InputError(
        f"{path} has no level {level}: only OME-Zarr holds several resolutions."
    )
