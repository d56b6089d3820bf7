"""Borders thinned to one pixel, so that their width does not count."""

from __future__ import annotations

import numpy as np
import skimage
from numpy.typing import NDArray

from napari_unet.data.annotation import connected_objects
from napari_unet.errors import InputError


def thin_borders(objects: NDArray[np.generic]) -> NDArray[np.int32]:
    """Grow the objects of each slice until one pixel of background parts them.

    The objects flood the background at the same pace, a watershed of the binary
    border image with 4-neighbours, as in the border thinning of the ISBI 2012
    challenge [1]_. Background that parts no two objects, such as a hole or a spot
    inside a cell, is filled; a slice without objects stays empty (the organisers'
    program makes it one object).

    Parameters
    ----------
    objects
        (Y, X) or (Z, Y, X) ids, 0 is background; or a mask, whose objects are the
        4-connected components of each slice. Objects that touch go on touching.

    Returns
    -------
    The ids of the grown objects, int32 of the same shape.

    Raises
    ------
    InputError
        When `objects` has neither two nor three dimensions.

    References
    ----------
    .. [1] Arganda-Carreras et al. 2015, Frontiers in Neuroanatomy 9:142.
    """
    if objects.ndim not in {2, 3}:
        raise InputError(
            f"Borders of {objects.ndim} dimensions cannot be thinned: give Y and X, or "
            "slices, Y and X."
        )
    stack = objects if objects.ndim == 3 else objects[None]
    ids = connected_objects(stack != 0) if stack.dtype == bool else stack
    flood = skimage.segmentation.watershed
    thinned = [flood(one == 0, one, connectivity=1, watershed_line=True) for one in ids]
    return np.reshape(np.asarray(thinned, np.int32), objects.shape)
