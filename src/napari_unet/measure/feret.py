"""Feret diameters: the longest and the shortest distance between parallel tangents."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.measure.framed import framed

_MANY = 800
_ROUNDING = 1e-9


def longest(mask: NDArray[np.bool_], spacing: Sequence[float]) -> float:
    """Return the largest distance between two points of an object's outline.

    Parameters
    ----------
    mask
        (Y, X) or (Z, Y, X), with at least one pixel.
    spacing
        Size of a pixel along each axis.

    Returns
    -------
    In the unit of `spacing`. The outline runs through the middles of the sides of the
    pixels, as that of skimage.measure.regionprops does.
    """
    size = np.asarray(spacing, np.float64)
    middles = _far_out(_corners(mask) * size, size.max())
    if len(middles) > _MANY:
        middles = middles[scipy.spatial.ConvexHull(middles).vertices]
    apart = scipy.spatial.distance.pdist(middles, "sqeuclidean")
    # Half a pixel is added to either end, along an axis each.
    least = max(0.0, math.sqrt(apart.max(initial=0.0)) - size.max()) ** 2
    near = np.flatnonzero(apart >= least * (1 - _ROUNDING))
    ends = np.cumsum(np.arange(len(middles) - 1, 0, -1))
    one = np.searchsorted(ends, near, side="right")
    other = near - ends[one] + len(middles)
    along = abs(middles[one] - middles[other]) * size
    halves = np.add.outer(size**2, size**2) / 4 + np.diag(size**2 / 2)
    added = along[:, :, None] + along[:, None, :] + halves
    farthest = (apart[near] + added.max(axis=(1, 2))).max(initial=0.0)
    # The two sides of one pixel may be farther apart than two pixels are.
    return float(max(math.sqrt(farthest), size.max()))


def longest_and_shortest(
    mask: NDArray[np.bool_], spacing: Sequence[float]
) -> tuple[float, float]:
    """Return both Feret diameters of a mask (Y, X); as `longest` does.

    The shortest is the width of the narrowest slit that lets the object through.
    """
    size = np.asarray(spacing, np.float64)
    points = _sides(_corners(mask) * size, size)
    corners = points[scipy.spatial.ConvexHull(points).vertices]
    sides = np.roll(corners, -1, axis=0) - corners
    across = np.stack([-sides[:, 1], sides[:, 0]]) / np.linalg.norm(sides, axis=1)
    # One of the two tangents of the narrowest slit runs along a side of the hull.
    widths = np.ptp(corners @ across, axis=0)
    far = scipy.spatial.distance.pdist(corners, "sqeuclidean").max() ** 0.5
    return float(far), float(widths.min())


def _corners(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the pixels that no line through their neighbours passes, (N, ndim).

    One in the middle between two pixels of the object is no corner of its convex hull.
    """
    padded = framed(mask)
    flat, steps = padded.ravel(), np.array(padded.strides)
    kept = flat.copy()
    for step in (_ways(mask.ndim) @ steps).tolist():
        between = flat[2 * step :] & flat[: -2 * step]
        inner = kept[step:-step]
        np.greater(inner, between, out=inner)  # inner, and not between
    places = np.unravel_index(np.flatnonzero(kept), padded.shape)
    return np.stack(places, axis=1).astype(np.float64) - 1


@cache
def _ways(ndim: int) -> NDArray[np.intp]:
    """Return the steps to half of a pixel's neighbours, those that lead forwards."""
    ways = product((-1, 0, 1), repeat=ndim)
    return np.array([way for way in ways if way > (0,) * ndim])


def _sides(
    middles: NDArray[np.float64], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the middles of the sides of pixels, given their own middles."""
    halves = np.diag(size / 2)
    return np.concatenate([middles + step for step in (*halves, *-halves)])


def _far_out(points: NDArray[np.float64], slack: float) -> NDArray[np.float64]:
    """Leave out points that cannot be an end of the longest distance.

    `slack` is by how much that may be longer than the distance of two points.
    """
    one = points[_away(points, points[0]).argmax()]
    far = _away(points, one)
    other = points[far.argmax()]
    radius = _away(points, (one + other) / 2)
    # No point is farther from one at radius r than r and the largest radius together.
    return np.asarray(points[radius >= far.max() - radius.max() - slack - _ROUNDING])


def _away(
    points: NDArray[np.float64], place: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.asarray(np.sqrt(np.square(points - place).sum(axis=1)))
