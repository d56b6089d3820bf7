"""The connected pieces of labels, each with a number of its own."""

from __future__ import annotations

import numpy as np
import skimage
from numpy.typing import NDArray


def connected_pieces(labels: NDArray[np.int32], *, ndim: int = 2) -> NDArray[np.int32]:
    """Give a number of its own to every connected piece of every label, 0 left out.

    Neighbours as in `napari_unet.data.annotation.connected_objects`.
    """
    if ndim == 3:
        return np.asarray(skimage.measure.label(labels, connectivity=1), np.int32)
    pieces = np.zeros_like(labels)
    last = np.int32(0)
    for source, target in zip(labels, pieces, strict=True):
        found = np.asarray(skimage.measure.label(source, connectivity=1), np.int32)
        target[...] = np.where(found > 0, found + last, 0)
        last += found.max(initial=0)
    return pieces
