"""Perimeter, from how often lines in four directions cross a boundary."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_STEPS = (0, 1), (1, 1), (1, 0), (1, -1)


def perimeter(mask: NDArray[np.bool_], spacing: tuple[float, float]) -> float:
    """Return the length of the boundary of a mask, (Y, X), holes included.

    By Crofton's formula: half the number of crossings with all lines of the plane. Each
    line stands for the directions that are nearest to its own, so that pixels may be
    oblong; of square ones it is skimage.measure.perimeter_crofton. It comes to the true
    length of a disc; of a square along the rows it is 5 % too small.

    Parameters
    ----------
    mask
        What lies outside the array counts as background.
    spacing
        Height and width of a pixel.

    Returns
    -------
    In the unit of `spacing`.
    """
    inside = np.count_nonzero(mask)
    total = 0.0
    for (down, right), boundary in zip(_STEPS, _weights(spacing), strict=True):
        ahead = mask[down:, max(0, right) : mask.shape[1] + min(0, right)]
        behind = mask[
            : len(mask) - down, max(0, -right) : mask.shape[1] - max(0, right)
        ]
        # Of the steps that begin inside these end outside; as many come back in.
        leaving = inside - np.count_nonzero(ahead & behind)
        total += 2 * leaving * boundary
    return total


@lru_cache(maxsize=64)
def _weights(spacing: tuple[float, float]) -> tuple[float, ...]:
    """Return how much boundary a crossing stands for, in each direction."""
    ways = np.array(_STEPS) * np.array(spacing)
    angles = np.arctan2(ways[:, 0], ways[:, 1])
    gaps = np.diff(angles, append=math.pi)
    nearest = (gaps + np.roll(gaps, 1)) / 2
    # The lines lie as far apart as a pixel is large, across the step.
    apart = math.prod(spacing) / np.linalg.norm(ways, axis=1)
    return tuple((nearest * apart / 2).tolist())
