"""An image in an HDF5 file as a volume, of which everybody reads the box they need."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_unet.data.calibration import Calibration
from napari_unet.data.dimensions import all_letters
from napari_unet.data.formats.hdf5 import find_image
from napari_unet.data.volume import Volume
from napari_unet.errors import InputError


def open_hdf5(path: Path, inside: str = "", axes: str | None = None) -> Volume:
    """Open an image in an HDF5 file without reading a value.

    Parameters
    ----------
    path
        The file.
    inside
        Name or path of the image within it; needed where there are several.
    axes
        A letter for each dimension, as they are stored, where it does not say them.

    Raises
    ------
    InputError
        When the file is broken, holds no image, or several (which), or a series of
        single images, or when h5py is not installed.
    """
    found, chunks = find_image(path, inside)
    if len(found.paths) > 1:
        raise InputError(
            f"{path} holds {len(found.paths)} time points: choose one, as in "
            f"{path}:{found.paths[0]}"
        )
    letters = all_letters(axes or found.axes, found.shape)
    if len(letters) != len(found.shape) or not set(letters) <= set("CTZYX"):
        raise InputError(
            f"{path} has {len(found.shape)} dimensions: say what they mean by --axes, "
            "one of the letters C, T, Z, Y, X for each."
        )
    known = Calibration.of("HDF5 metadata", found.sizes)
    return Volume(
        str(path),
        found.paths[0],
        letters,
        found.shape,
        np.dtype(found.dtype).newbyteorder("="),
        chunks,
        tuple(known.sizes.get(letter, 1.0) for letter in letters),
        known.unit,
        (0.0,) * len(letters),
        unknown_axes=known.unknown_axes(letters),
    )
