"""Where an object lies, how long it is, and which way it points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROUNDING = 1e-9
_PART = 2**22


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


@dataclass(frozen=True)
class Sums:
    """What adds up over the parts of an object.

    Attributes
    ----------
    count
        Pixels.
    first, second
        Places of the pixels added up, and their products, (ndim,) and (ndim, ndim).
    """

    count: int
    first: NDArray[np.float64]
    second: NDArray[np.float64]

    def __add__(self, other: Sums) -> Sums:
        """Return those of two parts together."""
        first, second = self.first + other.first, self.second + other.second
        return Sums(self.count + other.count, first, second)

    def moved(self, by: NDArray[np.float64]) -> Sums:
        """Return those of the same pixels elsewhere."""
        across = np.outer(by, self.first)
        second = self.second + across + across.T + self.count * np.outer(by, by)
        return Sums(self.count, self.first + self.count * by, second)

    def moments(self) -> Moments:
        """Return middle and axes."""
        centroid = self.first / self.count
        spread = self.second / self.count - np.outer(centroid, centroid)
        values, vectors = np.linalg.eigh(spread)
        # A disc of radius r has second moments of r^2 / 4, a ball of r^2 / 5.
        axes = 2 * np.sqrt((len(centroid) + 2) * np.clip(values[::-1], 0, None))
        return Moments(self.count, centroid, axes, vectors[:, -1])


def sums_of(mask: NDArray[np.bool_], spacing: Sequence[float]) -> Sums:
    """Return the sums of a mask, (Y, X) or (Z, Y, X), in the unit of the spacing.

    Pixels count as points in their middles, as in skimage.measure.regionprops.
    """
    ndim, size = mask.ndim, np.asarray(spacing, np.float64)
    places = [
        np.arange(length) * step for length, step in zip(mask.shape, size, strict=True)
    ]
    *outer, across = places
    powers = np.ones_like(across), across, across**2
    # Of each row its pixels, their places added up, and the squares of these.
    parts = (_row_sums(part, powers) for part in _parts(mask))
    rows = np.concatenate(list(parts))
    second = np.empty((ndim, ndim))
    first = np.empty(ndim)
    first[-1], second[-1, -1] = rows[..., 1].sum(), rows[..., 2].sum()
    for axis, here in enumerate(outer):
        rest = tuple(one for one in range(ndim - 1) if one != axis)
        counts, sums = (rows[..., power].sum(axis=rest) for power in (0, 1))
        first[axis], second[axis, axis] = here @ counts, here**2 @ counts
        second[axis, -1] = second[-1, axis] = here @ sums
    if ndim == 3:
        second[0, 1] = second[1, 0] = outer[0] @ rows[..., 0] @ outer[1]
    return Sums(int(rows[..., 0].sum()), first, second)


def moments(mask: NDArray[np.bool_], spacing: Sequence[float]) -> Moments:
    """Return the moments of a mask with at least one pixel, as `sums_of` takes it."""
    return sums_of(mask, spacing).moments()


def _row_sums(
    mask: NDArray[np.bool_], powers: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return what each row of a mask holds of each of the powers."""
    solid = mask.astype(np.float64)
    # Not `@`: for so little, the threads of BLAS cost several times what they save.
    sums = [np.einsum("...x,x->...", solid, power) for power in powers]
    return np.stack(sums, axis=-1)


def _parts(mask: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """Cut a large mask into parts that take little memory as floats."""
    length = max(1, _PART // math.prod(mask.shape[1:]))
    for start in range(0, len(mask), length):
        yield mask[start : start + length]
