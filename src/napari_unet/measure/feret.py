"""Feret diameters: the longest and the shortest distance between parallel tangents."""

from __future__ import annotations

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
    apart = scipy.spatial.distance.cdist(middles, middles)
    # Half a pixel is added to either end, along an axis each. `flatnonzero` is several
    # times faster than `nonzero` of a plane.
    near = np.flatnonzero(apart.ravel() >= apart.max() - size.max())
    one, other = np.divmod(near, len(middles))
    along = abs(middles[one] - middles[other]) * size
    halves = np.add.outer(size**2, size**2) / 4 + np.diag(size**2 / 2)
    added = along[:, :, None] + along[:, None, :] + halves
    return float((apart[one, other] ** 2 + added.max(axis=(1, 2))).max() ** 0.5)


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
    found, flat = mask.copy(), padded.ravel()
    steps = np.array(padded.strides)
    for axis in range(mask.ndim):
        before, after = ([slice(1, -1)] * mask.ndim for _ in range(2))
        before[axis], after[axis] = slice(None, -2), slice(2, None)
        found &= ~(padded[tuple(before)] & padded[tuple(after)])
    corners = np.argwhere(found)
    places = (corners + 1) @ steps
    # Few are left to be looked at along the diagonals.
    for step in _diagonals(mask.ndim) @ steps:
        kept = ~(flat[places + step] & flat[places - step])
        corners, places = corners[kept], places[kept]
    return corners.astype(np.float64)


@cache
def _diagonals(ndim: int) -> NDArray[np.intp]:
    """Return the steps to half of the neighbours that do not lie along an axis."""
    ways = [way for way in product((-1, 0, 1), repeat=ndim) if way > (0,) * ndim]
    return np.array([way for way in ways if np.count_nonzero(way) > 1])


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
