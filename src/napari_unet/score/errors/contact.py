"""Where parts of one object meet: the place of a merge, or of a cut."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

Key = tuple[int, int]
"""An object, and one of its parts."""


@dataclass(frozen=True, eq=False)
class Contact:
    """Where a part of an object hangs on the rest of it.

    Attributes
    ----------
    neighbour
        The part that it hangs on, one step nearer to the largest.
    points
        (N, 3) pixels on either side of the place where the two meet.
    """

    neighbour: int
    points: NDArray[np.intp]


def contacts(
    inside: NDArray[np.int32], parts: NDArray[np.int32], largest: dict[int, int]
) -> dict[Key, Contact]:
    """Find where the parts of each object meet, one place for each but the largest.

    The parts grow at the same pace through what is left of their object, so that two
    that are joined by a hole in a wall meet in that hole. Of all places where parts
    meet, those are kept over which every part is reached from the largest, wide ones
    before narrow ones (a maximum spanning tree).

    Parameters
    ----------
    inside
        (Z, Y, X) ids of the objects, 0 is none.
    parts
        (Z, Y, X) ids of the parts, 0 where it is open to which part a pixel belongs.
    largest
        The largest part of each object that is of interest.

    Returns
    -------
    The contact of a part, by object and part; a part that cannot be reached within
    its object has none.
    """
    if not largest:
        return {}
    framed = _framed(inside, largest)
    grown = np.where(framed, np.pad(parts, 1), 0)
    _grow(framed.ravel(), grown.ravel(), _steps(framed.shape))
    here, there = _meetings(framed, grown)
    if not here.size:
        return {}
    objects = framed.ravel()[here].astype(np.int64) << 32
    # A node is a part of an object, by both numbers in one.
    ends = np.stack([objects | grown.ravel()[here], objects | grown.ravel()[there]])
    nodes, edges = np.unique(ends, return_inverse=True)
    edges = np.sort(edges.reshape(ends.shape), axis=0)
    roots = np.isin(nodes, [whole << 32 | part for whole, part in largest.items()])
    above = _above(edges, np.flatnonzero(roots), len(nodes))
    pairs = np.stack([here, there], axis=1)
    places = grouped(edges[0] * len(nodes) + edges[1], pairs)
    found = {}
    for node, up in enumerate(above.tolist()):
        if 0 <= up < len(nodes):
            pixels = places[min(node, up) * len(nodes) + max(node, up)].T.ravel()
            points = np.stack(np.unravel_index(pixels, framed.shape), axis=1) - 1
            found[_key(nodes[node])] = Contact(_key(nodes[up])[1], points)
    return found


def grouped(codes: NDArray[Any], values: NDArray[np.intp]) -> dict[int, NDArray[Any]]:
    """Return which of the (N, ...) values have each of the (N,) codes."""
    order = np.argsort(codes, kind="stable")
    found, starts = np.unique(codes[order], return_index=True)
    return dict(zip(found.tolist(), np.split(values[order], starts)[1:], strict=True))


def middle(points: NDArray[np.intp]) -> tuple[int, int, int]:
    """Return one of (N, 3) pixels: the most central of the slice with most of them."""
    slices, counts = np.unique(points[:, 0], return_counts=True)
    most = np.flatnonzero(counts == counts.max())
    # Of several such slices, that in the middle.
    level = points[points[:, 0] == slices[most[len(most) // 2]]]
    away = np.square(level - level.mean(axis=0)).sum(axis=1)
    z, y, x = level[np.argmin(away)]
    return int(z), int(y), int(x)


def _framed(ids: NDArray[np.int32], wanted: Iterable[int]) -> NDArray[np.int32]:
    """Put a frame of 0 around some ids, so that every pixel has all its neighbours."""
    kept = np.zeros(int(ids.max()) + 1, np.int32)
    kept[list(wanted)] = list(wanted)
    return np.pad(kept[ids], 1)


def _grow(
    ids: NDArray[np.int32], parts: NDArray[np.int32], steps: tuple[int, ...]
) -> None:
    """Give every open pixel, in place, the part that reaches it first."""
    wave = np.flatnonzero((ids != 0) & (parts == 0))
    near = np.zeros(wave.size, np.int32)
    for step in steps:
        beside = np.where(ids[wave + step] == ids[wave], parts[wave + step], 0)
        np.copyto(near, beside, where=near == 0)
    wave, near = wave[near != 0], near[near != 0]
    parts[wave] = near
    while wave.size:
        reached = []
        for step in steps:
            # What one step has filled is closed to the next: no pixel comes twice.
            ahead = wave + step
            free = (parts[ahead] == 0) & (ids[ahead] == ids[wave])
            parts[ahead[free]] = parts[wave[free]]
            reached.append(ahead[free])
        wave = np.concatenate(reached)


def _steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the way to the six neighbours, in a flat array."""
    rows, columns = shape[1] * shape[2], shape[2]
    return rows, -rows, columns, -columns, 1, -1


def _meetings(
    inside: NDArray[np.int32], grown: NDArray[np.int32]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return neighbouring pixels of two parts of one object, as flat indices."""
    ids, parts = inside.ravel(), grown.ravel()
    here, there = [], []
    for step in (one for one in _steps(inside.shape) if one > 0):
        meet = (parts[:-step] != parts[step:]) & (ids[:-step] == ids[step:])
        places = np.flatnonzero(meet & (parts[:-step] != 0) & (parts[step:] != 0))
        here.append(places)
        there.append(places + step)
    return np.concatenate(here), np.concatenate(there)


def _key(code: np.int64) -> Key:
    return int(code) >> 32, int(code) & 0xFFFFFFFF


def _above(
    edges: NDArray[np.intp], roots: NDArray[np.intp], count: int
) -> NDArray[np.int32]:
    """Return the next node on the way to a root: `count` for one, else below 0."""
    ones = np.ones(edges.shape[1])
    widths = scipy.sparse.coo_array((ones, tuple(edges)), (count, count)).tocsr()
    widths.data = 1 / widths.data
    tree = scipy.sparse.csgraph.minimum_spanning_tree(widths).tolil()
    # One more node, above all the largest parts, is where every way ends.
    tree.resize((count + 1, count + 1))
    tree[roots, count] = 1
    _, above = scipy.sparse.csgraph.breadth_first_order(
        tree.tocsr(), count, directed=False
    )
    return np.asarray(above[:count])
