"""A mask with background all around."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def framed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask with one pixel of background on every side.

    `numpy.pad` does the same, and takes ten times as long for what is small.
    """
    padded = np.zeros([length + 2 for length in mask.shape], bool)
    padded[(slice(1, -1),) * mask.ndim] = mask
    return padded
