"""Surface of voxels, from the patterns that two by two by two of them make."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import skimage
from numpy.typing import NDArray

from napari_unet.measure.framed import framed

_CORNERS = np.array([(z, y, x) for z in (0, 1) for y in (0, 1) for x in (0, 1)])
_PATTERNS = 2 ** len(_CORNERS)
_PLANES = 600
_UPRIGHT = 3.0
_TRUST = 0.01


def surface_area(mask: NDArray[np.bool_], spacing: tuple[float, float, float]) -> float:
    """Return the area of the surface of a mask, (Z, Y, X), hollows included.

    Each pattern of eight neighbouring voxels stands for an area. As in [1]_ these areas
    are such that planes in all directions come out right on the average; here for
    voxels of any shape, and for planes along the axes first of all. The surface of a
    ball of many voxels comes out within 3 %; the triangles of marching cubes are 9 %
    too large, however fine the voxels, and more for oblong ones.

    Parameters
    ----------
    mask
        What lies outside the array counts as background.
    spacing
        Size of a voxel along each axis.

    Returns
    -------
    In the square of the unit of `spacing`.

    References
    ----------
    .. [1] Lindblad 2005, Surface area estimation of digitized 3D objects using weighted
       local configurations, Image and Vision Computing 23:111.
    """
    padded = framed(mask)
    patterns, steps = padded.ravel().view(np.uint8), padded.strides
    # The last axis has the lowest bit of a corner's place. What goes on in the next row
    # meets the frame there, which holds nothing.
    for step, bits in zip(reversed(steps), (1, 2, 4), strict=True):
        patterns = patterns[:-step] | patterns[step:] << np.uint8(bits)
    counts = np.bincount(patterns, minlength=_PATTERNS)
    return float(counts @ _areas(spacing))


@lru_cache(maxsize=16)
def _areas(spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    """Return the area that each pattern stands for.

    Few patterns decide how a plane comes out, many do not occur in planes: the areas of
    marching cubes are kept as far as planes leave them open.
    """
    triangles = np.array([_triangles(code, spacing) for code in range(_PATTERNS)])
    unit = math.prod(spacing) ** (2 / 3)
    leaning = _met(_directions(), spacing) / math.sqrt(_PLANES)
    upright = _met(np.concatenate([np.eye(3), -np.eye(3)]), spacing) * _UPRIGHT
    known = np.eye(_PATTERNS) * _TRUST / unit
    equations = np.concatenate([leaning, upright, known])
    ones = (
        np.full(len(leaning), 1 / math.sqrt(_PLANES)),
        np.full(len(upright), _UPRIGHT),
    )
    wanted = np.concatenate([*ones, triangles * _TRUST / unit])
    return np.asarray(np.linalg.lstsq(equations, wanted, rcond=None)[0])


def _met(normals: NDArray[np.float64], spacing: Sequence[float]) -> NDArray[np.float64]:
    """Return how often planes meet each pattern, for each unit of their area.

    Each row belongs to a unit normal, (N, 3). A plane that moves through a cell passes
    its corners in turn, and meets a pattern as often as its corners lie apart.
    """
    heights = normals @ (_CORNERS * np.asarray(spacing)).T
    order = np.argsort(heights, axis=1, kind="stable")
    apart = np.diff(np.take_along_axis(heights, order, axis=1), axis=1)
    codes = np.cumsum(1 << order[:, :-1], axis=1)
    met = np.zeros((len(normals), _PATTERNS))
    rows = np.arange(len(normals))[:, None]
    np.add.at(met, (rows, codes), apart / math.prod(spacing))
    return met


def _directions() -> NDArray[np.float64]:
    """Return unit vectors that are spread evenly over a sphere, along a spiral."""
    heights = 1 - (2 * np.arange(_PLANES) + 1) / _PLANES
    turns = math.pi * (1 + math.sqrt(5)) * np.arange(_PLANES)
    radius = np.sqrt(1 - heights**2)
    return np.stack([heights, radius * np.cos(turns), radius * np.sin(turns)], axis=1)


def _triangles(code: int, spacing: tuple[float, float, float]) -> float:
    """Return the area of the triangles that marching cubes puts into a pattern."""
    if code in (0, _PATTERNS - 1):
        return 0.0
    cell = np.array([code >> bit & 1 for bit in range(len(_CORNERS))], np.float32)
    corners, faces, *_ = skimage.measure.marching_cubes(
        cell.reshape(2, 2, 2), 0.5, spacing=spacing
    )
    return float(skimage.measure.mesh_surface_area(corners, faces))
