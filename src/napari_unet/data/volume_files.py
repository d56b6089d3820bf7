"""Volumes on disk by what their files are: OME-Zarr, plain Zarr or HDF5."""

from __future__ import annotations

from pathlib import Path

from napari_unet.data.addresses import is_address, is_zarr
from napari_unet.data.formats.kinds import is_hdf5, within_hdf5
from napari_unet.data.hdf5_volume import open_hdf5
from napari_unet.data.ome_zarr import open_volume
from napari_unet.data.read import one_level
from napari_unet.data.volume import Volume


def holds_volume(path: str | Path) -> bool:
    """Return whether a path is one of a volume, of which boxes are read."""
    return is_zarr(path) or is_hdf5(Path(path))


def volume_at(path: str | Path, level: int = 0, axes: str | None = None) -> Volume:
    """Open a volume, as `open_volume` and `open_hdf5` do.

    Raises
    ------
    InputError
        As they do, and when an HDF5 is to have other levels than 0.
    """
    if is_zarr(path):
        return open_volume(path, level, axes)
    if level:
        raise one_level(path, level)
    return open_hdf5(*within_hdf5(Path(path)), axes)


def place_beside(path: str | Path, name: str) -> Path:
    """Return where a file of another name lies beside a volume."""
    folder = Path() if is_address(path) else within_hdf5(Path(path))[0].parent
    return folder / name
