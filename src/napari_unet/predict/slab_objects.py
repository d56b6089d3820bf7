"""Objects that go on through slices, numbered some slices at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.data.annotation import connected_objects

_AT_ONCE = 2**18
"""Pixels that are looked at together, or one slice, at some 20 bytes each."""


def number_through(
    mask: NDArray[np.uint8], min_size: int
) -> NDArray[np.unsignedinteger]:
    """Give numbers to what touches through the slices, with little beside the result.

    Parameters
    ----------
    mask
        (Z, Y, X), 0 is background.
    min_size
        Objects with fewer pixels become background.

    Returns
    -------
    (Z, Y, X) uint16, or uint32 where there are more than 65,535, in the order of
    their first pixels.
    """
    out: NDArray[np.unsignedinteger] = np.zeros(mask.shape, np.uint16)
    area = mask.shape[1] * mask.shape[2]
    depth = max(1, _AT_ONCE // max(1, area))
    sizes, pairs = [np.zeros(1, np.int32)], [np.zeros((2, 0), np.int32)]
    ends = [0]
    for z in range(0, len(mask), depth):
        found = connected_objects(mask[z : z + depth] > 0, ndim=3)
        pixels = np.bincount(found.ravel(), minlength=1)[1:].astype(np.int32)
        # Each slab counts its own pieces, so that 16 bits hold them for long.
        if len(pixels) > np.iinfo(out.dtype).max:
            out = out.astype(np.uint32)
        out[z : z + depth] = found
        if z:
            before = np.array(ends[-2:], np.int32)[:, None]
            pairs.append(_touching(out[z - 1], out[z]) + before)
        sizes.append(pixels)
        ends.append(ends[-1] + len(pixels))
    numbers = _joined(np.concatenate(pairs, 1), np.concatenate(sizes), min_size)
    few = numbers.max(initial=0) < 2**16
    out = out if few else out.astype(np.uint32, copy=False)
    for slab, (first, end) in enumerate(pairwise(ends)):
        of_piece = np.concatenate([numbers[:1], numbers[first + 1 : end + 1]])
        for plane in out[slab * depth : (slab + 1) * depth]:
            plane[...] = of_piece[plane]
    return out.astype(np.uint16, copy=False) if few else out


def _touching(
    above: NDArray[np.unsignedinteger], below: NDArray[np.unsignedinteger]
) -> NDArray[np.int32]:
    """Return the pairs of pieces of two slices that lie over each other, (2, N)."""
    both = (above > 0) & (below > 0)
    pairs = np.stack([above[both], below[both]]).astype(np.int32)
    # Along a row they repeat: what is left is soon sorted.
    new = np.ones(pairs.shape[1], bool)
    new[1:] = (pairs[:, 1:] != pairs[:, :-1]).any(0)
    return np.unique(pairs[:, new], axis=1)


def _joined(
    pairs: NDArray[np.int32], sizes: NDArray[np.int32], min_size: int
) -> NDArray[np.unsignedinteger]:
    """Return the number of the object that each piece is of.

    Parameters
    ----------
    pairs
        (2, N): pieces that touch.
    sizes
        Pixels of each piece, with 0 for the background, the first.
    min_size
        Objects with fewer get the number 0.
    """
    edges = (np.ones(pairs.shape[1], bool), tuple(pairs))
    graph = scipy.sparse.coo_array(edges, (len(sizes), len(sizes)))
    count, object_of = scipy.sparse.csgraph.connected_components(graph, directed=False)
    del edges, graph
    pixels = np.bincount(object_of, sizes)
    first = np.zeros(count, np.int32)
    first[object_of[::-1]] = np.arange(len(sizes) - 1, -1, -1, dtype=np.int32)
    begins = np.zeros(len(sizes), bool)
    begins[first[pixels >= max(1, min_size)]] = True
    numbers = np.cumsum(begins, dtype=np.uint32) * begins
    return np.asarray(numbers[first[object_of]])
