"""What tells one image from another, whatever its file is called."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from napari_unet.data.slabs import slices_of
from napari_unet.data.sparse_slices import SparseSlices
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


def fingerprint_of_pair(image: ArrayLike, labels: SparseSlices[Any]) -> str:
    """Return 16 digits that belong to the values of an image and of its labels.

    Parameters
    ----------
    image
        (C, Z, Y, X); channel by channel read slab by slab.
    labels
        (Z, Y, X).
    """
    digest = hashlib.sha256()
    for channel in range(image.shape[0]):
        for plane in slices_of(image[channel : channel + 1]):
            digest.update(np.ascontiguousarray(plane).data)
    for z in range(len(labels)):
        digest.update(np.ascontiguousarray(labels[z]).data)
    return digest.hexdigest()[:_DIGITS]
