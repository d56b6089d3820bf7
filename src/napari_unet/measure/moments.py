"""Where an object lies, how long it is, and which way it points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Moments:
    """Middle and second moments of an object, in the unit of the spacing.

    Attributes
    ----------
    count
        Pixels.
    centroid
        Middle, along each axis, from the middle of the mask's first pixel.
    axes
        Lengths of the axes of the ellipse or ellipsoid with the same second moments,
        the longest first.
    long_axis
        Unit vector along the longest axis, (Y, X) or (Z, Y, X).
    """

    count: int
    centroid: NDArray[np.float64]
    axes: NDArray[np.float64]
    long_axis: NDArray[np.float64]

    @property
    def orientation(self) -> float:
        """Angle of the long axis to the rows, in degrees from 0 to 180.

        Counted anticlockwise, as the image is shown; NaN where the object has no long
        axis, or none that is not along Z.
        """
        y, x = self.long_axis[-2:]
        if not self._is_long or np.hypot(y, x) < _ROUNDING:
            return float("nan")
        return float(np.degrees(np.arctan2(-y, x)) % 180)

    @property
    def tilt(self) -> float:
        """Angle of the long axis to the slices, in degrees from 0 to 90."""
        if not self._is_long:
            return float("nan")
        return float(np.degrees(np.arcsin(min(1.0, abs(self.long_axis[0])))))

    @property
    def _is_long(self) -> bool:
        return bool(self.axes[0] - self.axes[1] > _ROUNDING * max(self.axes[0], 1e-300))


def moments(mask: NDArray[np.bool_], spacing: Sequence[float]) -> Moments:
    """Return the moments of a mask, (Y, X) or (Z, Y, X), with at least one pixel.

    Pixels count as points in their middles, as in skimage.measure.regionprops.
    """
    ndim, size = mask.ndim, np.asarray(spacing, np.float64)
    places = [
        np.arange(length) * step for length, step in zip(mask.shape, size, strict=True)
    ]
    second = np.empty((ndim, ndim))
    first, count = np.empty(ndim), 0
    # Sums of floats take a fifth of the time; below 2^24 they are exact.
    solid = mask.astype(np.float32)
    for one, other in _pairs(ndim):
        # The pixels counted along what is neither of both axes.
        rest = tuple(axis for axis in range(ndim) if axis not in (one, other))
        counts = solid.sum(axis=rest).astype(np.float64)
        rows, columns = counts.sum(axis=1), counts.sum(axis=0)
        count = int(rows.sum())
        first[one], first[other] = rows @ places[one], columns @ places[other]
        second[one, one] = rows @ places[one] ** 2
        second[other, other] = columns @ places[other] ** 2
        second[one, other] = second[other, one] = places[one] @ counts @ places[other]
    centroid = first / count
    spread = second / count - np.outer(centroid, centroid)
    values, vectors = np.linalg.eigh(spread)
    # A disc of radius r has second moments of r^2 / 4, a ball of r^2 / 5.
    axes = 2 * np.sqrt((ndim + 2) * np.clip(values[::-1], 0, None))
    return Moments(count, centroid, axes, vectors[:, -1])


def _pairs(ndim: int) -> list[tuple[int, int]]:
    return [(0, 1)] if ndim == 2 else [(0, 1), (0, 2), (1, 2)]
