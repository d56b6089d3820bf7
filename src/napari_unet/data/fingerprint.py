"""What tells one image from another, whatever its file is called."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.slabs import slices_of
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.stack import ArrayLike

_DIGITS = 16
_LARGE = 2**32
"""Values of an image of which only samples are read: 4 GB of 8 bits."""
_SAMPLES, _SIDE = (4, 4, 4), 64


def fingerprint(image: ArrayLike) -> str:
    """Return 16 digits that belong to the values of an image, and to no other's.

    Of one with more than 4 thousand million values they belong to 64 samples of 64 x 64
    pixels, spread over it.

    Parameters
    ----------
    image
        (C, Z, Y, X), as `Stack.as_czyx` gives it; read slab by slab.
    """
    digest = hashlib.sha256(str(tuple(image.shape)).encode())
    for values in _samples(image) if _is_large(image) else slices_of(image):
        digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()[:_DIGITS]


def fingerprint_of_pair(image: ArrayLike, labels: SparseSlices[Any]) -> str:
    """Return 16 digits that belong to the values of an image and of its labels.

    Of a large image, as `fingerprint` has it, to its samples and what is labelled.

    Parameters
    ----------
    image
        (C, Z, Y, X); channel by channel read slab by slab.
    labels
        (Z, Y, X).
    """
    digest = hashlib.sha256()
    if _is_large(image):
        digest.update(fingerprint(image).encode())
        for z, plane in labels.planes():
            digest.update(str(z).encode())
            digest.update(np.ascontiguousarray(plane).data)
        return digest.hexdigest()[:_DIGITS]
    for channel in range(image.shape[0]):
        for plane in slices_of(image[channel : channel + 1]):
            digest.update(np.ascontiguousarray(plane).data)
    for z in range(len(labels)):
        digest.update(np.ascontiguousarray(labels[z]).data)
    return digest.hexdigest()[:_DIGITS]


def _is_large(image: ArrayLike) -> bool:
    return math.prod(image.shape) > _LARGE


def _samples(image: ArrayLike) -> Iterator[NDArray[Any]]:
    """Yield parts of a (C, Z, Y, X) image that are spread evenly over it."""
    places = (
        np.linspace(0, max(0, length - side), count).astype(int)
        for length, side, count in zip(
            image.shape[1:], (1, _SIDE, _SIDE), _SAMPLES, strict=True
        )
    )
    for z, y, x in itertools.product(*places):
        yield np.asarray(image[:, z : z + 1, y : y + _SIDE, x : x + _SIDE])
