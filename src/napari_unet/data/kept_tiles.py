"""A lazy image of which the parts that were read last stay in memory."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from itertools import product
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.boxes import Box, overlap, union, within
from napari_unet.data.crop import Cuttable
from napari_unet.data.stack import ArrayLike

_TILE = (1, 256, 256)
_BYTES = 2**27


def kept(image: ArrayLike) -> Cuttable:
    """Return a (C, Z, Y, X) image to read the same parts of again and again."""
    return image if isinstance(image, np.ndarray) else KeptTiles(image)


class KeptTiles:
    """A lazy (C, Z, Y, X) image that keeps tiles of its slices as they were read.

    Chunks several slices deep are decompressed once for a tile, not for each patch that
    lies on it. May be read from any thread.

    Parameters
    ----------
    image
        The image.
    most
        Bytes that the tiles may take; a box that needs more is read past them.
    """

    def __init__(self, image: ArrayLike, most: int = _BYTES) -> None:
        self.shape = tuple(image.shape)
        self._image, self._lock = image, Lock()
        self._tiles: OrderedDict[tuple[int, ...], NDArray[Any]] = OrderedDict()
        of_tile = self.shape[0] * math.prod(_TILE) * image.dtype.itemsize
        self._most = most // of_tile

    def __getitem__(self, box: tuple[slice, ...]) -> NDArray[Any]:
        """Read a box, given as slices of C, Z, Y and X without steps."""
        box = tuple(
            slice(*side.indices(length)[:2])
            for side, length in zip(box, self.shape, strict=True)
        )
        channels, *zyx = box
        sides = zip(zyx, _TILE, strict=True)
        counts = [range(s.start // step, -(-s.stop // step)) for s, step in sides]
        if math.prod(map(len, counts)) > self._most:
            return np.asarray(self._image[box])
        places = list(product(*counts))
        values = np.empty([side.stop - side.start for side in box], self._image.dtype)
        with self._lock:
            self._fetch([place for place in places if place not in self._tiles])
            for place in places:
                self._tiles.move_to_end(place)
                tile = self._box(place)
                if shared := overlap(tile, tuple(zyx)):
                    part = self._tiles[place][channels, *within(shared, tile)]
                    values[:, *within(shared, tuple(zyx))] = part
            while len(self._tiles) > self._most:
                self._tiles.popitem(last=False)
        return values

    def _fetch(self, places: Sequence[tuple[int, ...]]) -> None:
        """Read tiles, and what lies between them."""
        if not places:
            return
        around = union(map(self._box, places))
        values = np.asarray(self._image[:, *around])
        for place in places:
            tile = within(self._box(place), around)
            self._tiles[place] = values[:, *tile].copy()

    def _box(self, place: tuple[int, ...]) -> Box:
        sides = zip(place, _TILE, self.shape[1:], strict=True)
        return tuple(
            slice(n * step, min(length, (n + 1) * step)) for n, step, length in sides
        )
