"""Regions that grow or are split, and are merged with neighbours that look alike."""

from __future__ import annotations

import numpy as np
import scipy
import skimage
from numpy.typing import NDArray

from napari_unet.baselines.planes import Mask, Plane, neighbours
from napari_unet.baselines.thresholds import smooth
from napari_unet.config import BaselineConfig

_UNLIKE = 0.1
_UNEVEN = 0.25
_ROUNDS = 10

Regions = NDArray[np.intp]
"""(Y, X) the region of each pixel, from 1."""


def region_growing(plane: Plane, config: BaselineConfig) -> Mask:
    """Grow regions from even places, and merge those that look alike.

    Every place where edges are weakest is a seed. Seeds grow over the weaker edges
    first until they meet (R. Adams and L. Bischof 1994, IEEE Transactions on Pattern
    Analysis and Machine Intelligence 16:641, in the form of a watershed).
    """
    even = smooth(plane, config.scale)
    grown = skimage.segmentation.watershed(skimage.filters.sobel(even))
    return _bright(even, merge(even, grown, _UNLIKE))


def split_and_merge(plane: Plane, config: BaselineConfig) -> Mask:
    """Split the slice into even squares, and merge those that look alike.

    S. L. Horowitz and T. Pavlidis 1976, Journal of the ACM 23:368: a square whose grey
    values span more than 0.25 of the range is quartered.
    """
    even = smooth(plane, config.scale)
    return _bright(even, merge(even, quadtree(even, _UNEVEN), _UNLIKE))


def quadtree(plane: Plane, span: float) -> Regions:
    """Quarter a slice until the grey values of every square span no more than `span`.

    The first square is the smallest that holds the slice and has a power of two as its
    side.
    """
    low = high = plane
    levels = [(low, high)]
    while low.size > 1:
        low, high = _fours(low).min(axis=(1, 3)), _fours(high).max(axis=(1, 3))
        levels.append((low, high))
    squares = np.zeros((1, 1), np.intp)
    for low, high in reversed(levels):
        rows, columns = low.shape
        squares = squares.repeat(2, axis=0).repeat(2, axis=1)[:rows, :columns]
        even = (squares == 0) & (high - low <= span)
        squares[even] = squares.max() + 1 + np.arange(even.sum())
    return squares


def merge(plane: Plane, regions: Regions, unlike: float) -> Regions:
    """Merge neighbours until their mean grey values differ by `unlike` or more.

    Regions and their neighbours are a graph (region adjacency graph, A. Tremeau and P.
    Colantoni 2000, IEEE Transactions on Image Processing 9:735). The bound rises to
    `unlike` in ten rounds, so that the most alike merge first; in each, regions merge
    with the neighbour that is most like them, and the means are taken anew.
    scikit-image merges one pair after the other, which takes a hundred times longer.
    """
    _, owner = np.unique(regions, return_inverse=True)
    owner = owner.ravel()
    sizes = np.bincount(owner)
    sums = np.bincount(owner, plane.ravel())
    edges = _between(owner[neighbours(plane.shape)])
    for bound in np.linspace(0, unlike, _ROUNDS + 1)[1:]:
        while (joined := _most_alike(edges, sums / sizes, bound)).any():
            shape = (len(sums), len(sums))
            graph = scipy.sparse.coo_array(
                (joined[joined], edges[:, joined]), shape=shape
            )
            _, new = scipy.sparse.csgraph.connected_components(graph, directed=False)
            owner, edges = new[owner], _between(new[edges])
            sizes, sums = np.bincount(new, sizes), np.bincount(new, sums)
    return np.reshape(owner + 1, plane.shape)


def _bright(plane: Plane, regions: Regions) -> Mask:
    """Part regions in two by Otsu's threshold of their mean grey values.

    Where there is but one, nothing is bright.
    """
    sums = np.bincount(regions.ravel(), plane.ravel())
    means = (sums / np.maximum(np.bincount(regions.ravel()), 1))[regions]
    return np.asarray(means > skimage.filters.threshold_otsu(means))


def _most_alike(
    edges: NDArray[np.intp], means: NDArray[np.float64], bound: float
) -> Mask:
    """Return which edges join a region to the neighbour that is most like it."""
    gaps = np.abs(means[edges[0]] - means[edges[1]])
    least = np.full(len(means), bound)
    for ends in edges:
        np.minimum.at(least, ends, gaps)
    return np.asarray((gaps < bound) & (gaps == least[edges]).any(axis=0))


def _between(pairs: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return each pair of two different regions once, (2, N)."""
    pairs = np.sort(pairs[:, pairs[0] != pairs[1]], axis=0).astype(np.int64)
    codes = np.unique(pairs[0] << 32 | pairs[1])
    return np.stack([codes >> 32, codes & 0xFFFFFFFF])


def _fours(plane: Plane) -> Plane:
    """Part a slice into squares of 2 x 2 pixels, the last of which are filled up."""
    whole = np.pad(plane, [(0, side % 2) for side in plane.shape], mode="edge")
    rows, columns = (side // 2 for side in whole.shape)
    return whole.reshape(rows, 2, columns, 2)
