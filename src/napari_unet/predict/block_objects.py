"""Objects of a volume that is labelled block by block, as if it were labelled whole.

The pieces of every block are found by themselves, those that touch across a face are
joined in a graph, and a second pass writes the numbers of what is joined. Only the
faces and the sizes of the pieces are kept in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.data.annotation import connected_objects
from napari_unet.data.files import atomic_write
from napari_unet.predict.blocks import Block, Grid
from napari_unet.predict.volume_image import read_labels, write_block

if TYPE_CHECKING:
    from napari_unet.data.volume import Volume

_KEPT = 64
"""Faces of so many blocks are kept in memory while they are joined."""
_NUMBERS = "numbers.npy"
_OFFSETS = "offsets.npy"


@dataclass(frozen=True, eq=False)
class Pieces:
    """The connected pieces of a block.

    Attributes
    ----------
    ids
        (Z, Y, X) int32: 0 is background.
    classes
        (number of pieces + 1,) uint8: the class of each, 0 first.
    """

    ids: NDArray[np.int32]
    classes: NDArray[np.uint8]

    @classmethod
    def of(cls, classes: NDArray[np.unsignedinteger], ndim: int) -> Pieces:
        """Find what touches and is of one class, through slices with `ndim` 3."""
        present = np.flatnonzero(np.bincount(classes.ravel(), minlength=1)[1:]) + 1
        if len(present) == 1:
            ids = connected_objects(classes > 0, ndim=ndim)
            number = int(ids.max(initial=0))
            return cls(ids, np.array([0, *[present[0]] * number], np.uint8))
        ids, of_piece = np.zeros(classes.shape, np.int32), [0]
        for value in present:
            found = connected_objects(classes == value, ndim=ndim)
            number = int(found.max(initial=0))
            found[found > 0] += len(of_piece) - 1
            ids += found
            of_piece += [int(value)] * number
        return cls(ids, np.array(of_piece, np.uint8))


@dataclass(frozen=True)
class FacesWork:
    """First pass: finds the pieces of a block, and keeps their sizes and its faces.

    Attributes
    ----------
    classes
        (Z, Y, X) class indices, which are read.
    folder
        Where the faces are kept.
    grid
        The blocks.
    ndim
        3 where objects go on through the slices, else 2.
    """

    classes: Volume
    folder: Path
    grid: Grid
    ndim: int

    def read(self, block: Block) -> NDArray[np.unsignedinteger]:
        """Read the classes of a block."""
        return read_labels(self.classes, block.core)

    def compute(
        self, block: Block, read: NDArray[np.unsignedinteger], stop: Event
    ) -> dict[str, Any] | None:
        """Find sizes, classes and faces; the faces by axis and side, as "z0"."""
        if stop.is_set():
            return None
        pieces = Pieces.of(read, self.ndim)
        sizes = np.bincount(pieces.ids.ravel(), minlength=len(pieces.classes))
        kept: dict[str, Any] = {"sizes": sizes, "classes": pieces.classes}
        for axis in range(3 - self.ndim, 3):
            if block.place[axis] > 0:
                kept[f"{axis}first"] = pieces.ids.take(0, axis)
            if block.place[axis] + 1 < self.grid.counts[axis]:
                kept[f"{axis}last"] = pieces.ids.take(-1, axis)
        return kept

    def write(self, block: Block, made: dict[str, Any]) -> int:
        """Keep them, and return how many pieces there are."""
        with atomic_write(_faces(self.folder, block.index)) as temporary:
            np.savez_compressed(temporary, **made)
        return len(made["classes"]) - 1


@dataclass(frozen=True)
class NumbersWork:
    """Second pass: finds the pieces anew and writes the numbers of their objects.

    Attributes
    ----------
    classes, ndim
        As in `FacesWork`.
    folder
        Where `join_pieces` kept the numbers.
    objects
        Where the numbers, or the classes of what has a number, are written.
    numbered
        Whether it is numbers that are written.
    """

    classes: Volume
    folder: Path
    ndim: int
    objects: Volume
    numbered: bool = True

    def read(self, block: Block) -> NDArray[np.unsignedinteger]:
        """Read the classes of a block."""
        return read_labels(self.classes, block.core)

    def compute(
        self, block: Block, read: NDArray[np.unsignedinteger], stop: Event
    ) -> NDArray[np.unsignedinteger] | None:
        """Return what is to be written."""
        if stop.is_set():
            return None
        pieces = Pieces.of(read, self.ndim)
        numbers = _numbers(self.folder, block, len(pieces.classes) - 1)
        table = numbers if self.numbered else pieces.classes * (numbers > 0)
        return np.asarray(table[pieces.ids])

    def write(self, block: Block, made: NDArray[np.unsignedinteger]) -> int:
        """Write a block."""
        write_block(self.objects, block.core, made)
        return 0


@dataclass(frozen=True)
class ShiftWork:
    """Writes the objects of blocks that share none, by the numbers of `number_slices`.

    Attributes
    ----------
    pieces
        (Z, Y, X): the objects of each block, counted from 1.
    folder
        Where the numbers are kept.
    objects
        Where they are written.
    """

    pieces: Volume
    folder: Path
    objects: Volume

    def read(self, block: Block) -> NDArray[np.unsignedinteger]:
        """Read the objects of a block."""
        return read_labels(self.pieces, block.core)

    def compute(
        self, block: Block, read: NDArray[np.unsignedinteger], stop: Event
    ) -> NDArray[np.unsignedinteger] | None:
        """Return what is to be written."""
        if stop.is_set():
            return None
        numbers = _numbers(self.folder, block, int(read.max(initial=0)))
        return np.asarray(numbers[read])

    def write(self, block: Block, made: NDArray[np.unsignedinteger]) -> int:
        """Write a block."""
        write_block(self.objects, block.core, made)
        return 0


def join_pieces(folder: Path, grid: Grid, min_size: int = 0) -> int:
    """Join the pieces that touch across faces, and number what they make up.

    Parameters
    ----------
    folder
        Where `FacesWork` kept the faces of every block, and the numbers are kept.
    grid
        The blocks.
    min_size
        Objects with fewer voxels get the number 0.

    Returns
    -------
    The number of objects.
    """
    sizes, counts = [], []
    for index in range(len(grid)):
        with np.load(_faces(folder, index)) as kept:
            sizes.append(kept["sizes"][1:])
        counts.append(len(sizes[-1]))
    offsets = np.cumsum([0, *counts])
    pairs = [np.empty((0, 2), np.int64), *_touching(folder, grid, offsets)]
    joined, total = np.concatenate(pairs), int(offsets[-1])
    graph = scipy.sparse.coo_array(
        (np.ones(len(joined), bool), (joined[:, 0], joined[:, 1])), (total, total)
    )
    number, object_of = scipy.sparse.csgraph.connected_components(graph, directed=False)
    voxels = np.zeros(number, np.int64)
    np.add.at(voxels, object_of, np.concatenate([np.empty(0, np.int64), *sizes]))
    large = voxels >= min_size
    numbers = np.cumsum(large) * large
    last = int(numbers.max(initial=0))
    dtype = np.uint32 if last < 2**32 else np.uint64
    _keep(folder / _OFFSETS, offsets[:-1])
    _keep(folder / _NUMBERS, numbers[object_of].astype(dtype))
    return last


def _numbers(folder: Path, block: Block, count: int) -> NDArray[np.unsignedinteger]:
    """Return the numbers of the pieces of a block, 0 first."""
    first = int(np.load(folder / _OFFSETS, mmap_mode="r")[block.index])
    every = np.load(folder / _NUMBERS, mmap_mode="r")
    numbers = np.zeros(count + 1, every.dtype)
    numbers[1:] = every[first : first + count]
    return numbers


def _touching(
    folder: Path, grid: Grid, offsets: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """Yield the pairs of pieces of one class that touch, face by face."""
    faces = lru_cache(_KEPT)(lambda index: _load(folder, index))
    for axis, block, beyond in grid.neighbours():
        here, there = faces(block.index), faces(beyond.index)
        if f"{axis}last" not in here:
            continue
        a, b = here[f"{axis}last"].ravel(), there[f"{axis}first"].ravel()
        both = (a > 0) & (b > 0)
        a, b = a[both], b[both]
        same = here["classes"][a] == there["classes"][b]
        pairs = np.unique(np.stack([a[same], b[same]], 1), axis=0).astype(np.int64)
        before = offsets[[block.index, beyond.index]]
        yield pairs - 1 + before


def _load(folder: Path, index: int) -> dict[str, NDArray[Any]]:
    with np.load(_faces(folder, index)) as kept:
        return dict(kept)


def _faces(folder: Path, index: int) -> Path:
    return folder / f"faces-{index}.npz"


def _keep(path: Path, values: NDArray[Any]) -> None:
    with atomic_write(path) as temporary:
        np.save(temporary, values)


def number_slices(folder: Path, counts: dict[int, int]) -> int:
    """Give numbers to the objects of blocks that share none, block after block.

    Parameters
    ----------
    folder
        Where the numbers are kept.
    counts
        Objects of each block.

    Returns
    -------
    The number of objects.
    """
    each = [counts[index] for index in sorted(counts)]
    last = int(sum(each))
    dtype = np.uint32 if last < 2**32 else np.uint64
    _keep(folder / _OFFSETS, np.cumsum([0, *each])[:-1])
    _keep(folder / _NUMBERS, np.arange(1, last + 1, dtype=dtype))
    return last
