"""Means and ratios of scores, which are NaN where they are not defined."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray


def mean(values: ArrayLike, weights: NDArray[np.float64] | None = None) -> float:
    """Return the mean of what is finite, weighted where wanted; NaN of nothing."""
    array = np.asarray(values, float)
    known = np.isfinite(array)
    shares = np.ones(len(array)) if weights is None else weights
    total = float(shares[known].sum())
    return float(shares[known] @ array[known]) / total if total else math.nan


def ratio(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    """Return the shares of parts of a whole; NaN where there is none of it."""
    above, below = np.asarray(part, float), np.asarray(whole, float)
    shares = np.full(above.shape, np.nan)
    np.divide(above, below, out=shares, where=below > 0)
    return shares
