"""What tells one image from another, whatever its file is called."""

from __future__ import annotations

import hashlib

import numpy as np

from napari_unet.data.slabs import slices_of
from napari_unet.data.stack import ArrayLike

_DIGITS = 16


def fingerprint(image: ArrayLike) -> str:
    """Return 16 digits that belong to the values of an image, and to no other's.

    Parameters
    ----------
    image
        (C, Z, Y, X), as `Stack.as_czyx` gives it; read slab by slab.
    """
    digest = hashlib.sha256(str(tuple(image.shape)).encode())
    for plane in slices_of(image):
        digest.update(np.ascontiguousarray(plane).data)
    return digest.hexdigest()[:_DIGITS]
