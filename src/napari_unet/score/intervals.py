"""How far scores would move with other slices: bootstrap intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.score.means import ratio
from napari_unet.score.objects.partition import Partition

RESAMPLES = 1000
_SEED = 0
_LOW, _HIGH = 2.5, 97.5

Interval = tuple[float, float]


def resamples(num_slices: int, times: int = RESAMPLES) -> NDArray[np.int64]:
    """Draw slices with replacement, as many as there are, again and again.

    Returns
    -------
    (times, num_slices): how often each slice was drawn; the same in every call.
    """
    shares = np.full(num_slices, 1 / num_slices)
    return np.random.default_rng(_SEED).multinomial(num_slices, shares, times)


def interval(values: NDArray[np.float64]) -> Interval | None:
    """Return the middle 95 % of the scores of resamples; None where there are none.

    The percentile bootstrap [1]_. It takes the slices for independent; neighbouring
    slices are alike, so that the true interval is wider.

    References
    ----------
    .. [1] Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return None
    low, high = np.percentile(known, (_LOW, _HIGH))
    return float(low), float(high)


def interval_of_mean(
    values: NDArray[np.float64],
    drawn: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
) -> Interval | None:
    """Return the interval of the mean of the slices' scores.

    Parameters
    ----------
    values
        (S,) score of each slice, NaN where it is not defined.
    drawn
        (B, S) from `resamples`.
    weights
        (S,) how much each slice counts in the mean; alike when left out.
    """
    known = np.isfinite(values)
    if known.sum() < 2:
        return None
    shares = drawn[:, known] if weights is None else (drawn * weights)[:, known]
    return interval(ratio(shares @ values[known], shares.sum(axis=1)))


class DrawnVolume:
    """A volume put together from slices that may be drawn several times.

    Parameters
    ----------
    slices
        Each with the numbers that its objects have in the whole volume.
    """

    def __init__(self, slices: Sequence[Partition]) -> None:
        predicted = _numbered([one.predicted for one in slices])
        truth = _numbered([one.truth for one in slices])
        count = truth.max(initial=0) + 1
        pairs, column = np.unique(predicted * count + truth, return_inverse=True)
        self._predicted, self._truth = np.divmod(pairs, count)
        which = np.repeat(np.arange(len(slices)), [len(one.pixels) for one in slices])
        pixels = np.concatenate([one.pixels for one in slices])
        places, shape = (column, which), (len(pairs), len(slices))
        self._pixels = scipy.sparse.coo_array((pixels, places), shape).tocsr()

    def drawn(self, counts: NDArray[np.int64]) -> Partition:
        """Return the volume with each slice as often as `counts` (S,) says."""
        pixels = np.asarray(self._pixels @ counts)
        there = pixels > 0
        return Partition(self._predicted[there], self._truth[there], pixels[there])


def _numbered(parts: Sequence[NDArray[np.generic]]) -> NDArray[np.int64]:
    """Return the ids of all parts, numbered without gaps; 0 stays background."""
    ids = np.concatenate([np.zeros(1, parts[0].dtype), *parts])
    return np.asarray(np.unique(ids, return_inverse=True)[1][1:], np.int64)
