"""Objects of a volume that is labelled block by block, as if it were labelled whole.

The pieces of every block are found by themselves, those that touch across a face are
joined in a graph, and a second pass writes the numbers of what is joined. Only the
faces and the sizes of the pieces are kept in between.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.data.annotation import connected_objects
from napari_unet.data.files import atomic_write
from napari_unet.predict.blocks import Block, Grid, Written
from napari_unet.predict.volume_image import read_labels, write_block

if TYPE_CHECKING:
    from napari_unet.data.volume import Volume

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
        highest = int(classes.max(initial=0))
        # np.bincount would make 64-bit numbers of all of them.
        present = [one for one in range(1, highest + 1) if (classes == one).any()]
        if len(present) == 1:
            ids = connected_objects(classes, ndim=ndim)
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
        number = len(pieces.classes)
        # Slice by slice, for the same reason as in `Pieces.of`.
        counts = (np.bincount(plane.ravel(), minlength=number) for plane in pieces.ids)
        sizes = sum(counts, np.zeros(number, np.int64))
        kept: dict[str, Any] = {"sizes": sizes, "classes": pieces.classes}
        for axis in range(3 - self.ndim, 3):
            if block.place[axis] > 0:
                kept[f"{axis}first"] = pieces.ids.take(0, axis)
            if block.place[axis] + 1 < self.grid.counts[axis]:
                kept[f"{axis}last"] = pieces.ids.take(-1, axis)
        return kept

    def write(self, block: Block, made: dict[str, Any]) -> Written:
        """Keep them, and return how many pieces there are."""
        with atomic_write(_faces(self.folder, block.index)) as temporary:
            np.savez_compressed(temporary, **made)
        return Written(len(made["classes"]) - 1)


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
        return _looked_up(table, pieces.ids)

    def write(self, block: Block, made: NDArray[np.unsignedinteger]) -> Written:
        """Write a block."""
        write_block(self.objects, block.core, made)
        return Written()


@dataclass(frozen=True)
class ShiftWork:
    """Writes the objects of blocks that share none, by the numbers of `number_slices`.

    Attributes
    ----------
    pieces
        (Z, Y, X): the objects of each block, counted from 1.
    folder
        Where `number_slices` kept how many lie before each block.
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
        before = np.load(self.folder / _OFFSETS, mmap_mode="r")[block.index]
        numbers = read.astype(self.objects.dtype, copy=False)
        np.add(numbers, before, out=numbers, where=read > 0, casting="unsafe")
        return numbers

    def write(self, block: Block, made: NDArray[np.unsignedinteger]) -> Written:
        """Write a block."""
        write_block(self.objects, block.core, made)
        return Written()


def join_pieces(folder: Path, grid: Grid, min_size: int = 0) -> int:
    """Join the pieces that touch across faces, and number what they make up.

    Only what touches is held in memory; all others are numbered block by block.

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
    counts = [len(_load(folder, index, "sizes")) - 1 for index in range(len(grid))]
    offsets = np.cumsum([0, *counts])
    joined = _Joined.of(folder, grid, offsets)
    total, last = int(offsets[-1]), 0
    dtype = np.dtype(np.uint32 if total < 2**32 else np.uint64)
    _keep(folder / _OFFSETS, offsets[:-1])
    with atomic_write(folder / _NUMBERS) as temporary, temporary.open("wb") as stream:
        header = {"descr": dtype.str, "fortran_order": False, "shape": (total,)}
        np.lib.format.write_array_header_1_0(stream, header)
        for index, first in enumerate(offsets[:-1]):
            sizes = _load(folder, index, "sizes")[1:]
            numbers = joined.number(int(first), sizes, min_size, last)
            last = max(last, int(numbers.max(initial=0)))
            stream.write(numbers.astype(dtype).tobytes())
    return last


class _Joined:
    """What the pieces make up that touch others, each known by its number in all.

    Parameters
    ----------
    pieces
        Their numbers, in order.
    object_of
        Which object each is of; objects in the order of their first piece.
    voxels
        Size of each object.
    """

    def __init__(
        self,
        pieces: NDArray[np.int64],
        object_of: NDArray[np.int32],
        voxels: NDArray[np.int64],
    ) -> None:
        self._pieces, self._object_of, self._voxels = pieces, object_of, voxels
        self._numbers = np.zeros(len(voxels), np.int64)
        self._starts = np.zeros(len(pieces), bool)
        self._starts[np.unique(object_of, return_index=True)[1]] = True

    @classmethod
    def of(cls, folder: Path, grid: Grid, offsets: NDArray[np.int64]) -> _Joined:
        """Read the faces of all blocks, and join the pieces that touch across them."""
        touching = [np.empty((0, 2), np.int64), *_touching(folder, grid, offsets)]
        pairs = np.concatenate(touching)
        pieces, ends = np.unique(pairs, return_inverse=True)
        ends, number = ends.reshape(-1, 2), len(pieces)
        edges = (np.ones(len(ends), bool), (ends[:, 0], ends[:, 1]))
        graph = scipy.sparse.coo_array(edges, (number, number))
        count, object_of = scipy.sparse.csgraph.connected_components(
            graph, directed=False
        )
        voxels = np.zeros(count, np.int64)
        for index, (first, end) in enumerate(itertools.pairwise(offsets)):
            mine = slice(*np.searchsorted(pieces, (first, end)))
            sizes = _load(folder, index, "sizes")[1:]
            np.add.at(voxels, object_of[mine], sizes[pieces[mine] - first])
        return cls(pieces, object_of, voxels)

    def number(
        self, first: int, sizes: NDArray[np.int64], min_size: int, last: int
    ) -> NDArray[np.int64]:
        """Return the numbers of a block's pieces, after those of the blocks before it.

        Parameters
        ----------
        first
            Number in all of the block's first piece; blocks come in their order.
        sizes
            Voxels of its pieces.
        min_size
            Objects with fewer get the number 0.
        last
            Number of the last object so far.
        """
        mine = slice(*np.searchsorted(self._pieces, (first, first + len(sizes))))
        here, objects = self._pieces[mine] - first, self._object_of[mine]
        begins = sizes >= min_size
        begins[here] = self._starts[mine] & (self._voxels[objects] >= min_size)
        numbers = np.where(begins, last + np.cumsum(begins), 0)
        starting = self._starts[mine]
        self._numbers[objects[starting]] = numbers[here[starting]]
        numbers[here] = self._numbers[objects]
        return numbers


def _looked_up(
    table: NDArray[np.unsignedinteger], ids: NDArray[np.int32]
) -> NDArray[np.unsignedinteger]:
    """Return `table[ids]`, in the memory of (Z, Y, X) `ids` where it fits in there."""
    fits = table.itemsize == ids.itemsize
    found = ids.view(table.dtype) if fits else np.empty(ids.shape, table.dtype)
    for plane, out in zip(ids, found, strict=True):
        out[...] = table[plane]
    return found


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
    for axis, block, beyond in grid.neighbours():
        here = _load(folder, block.index, f"{axis}last")
        there = _load(folder, beyond.index, f"{axis}first")
        both = (here > 0) & (there > 0)
        # One number for each pair: rows are slow to compare.
        among = int(there.max(initial=0)) + 1
        joined = np.unique(here[both].astype(np.int64) * among + there[both])
        pairs = np.stack(np.divmod(joined, among), 1)
        classes = [_load(folder, one.index, "classes") for one in (block, beyond)]
        same = classes[0][pairs[:, 0]] == classes[1][pairs[:, 1]]
        before = offsets[[block.index, beyond.index]]
        yield pairs[same].astype(np.int64) - 1 + before


def _load(folder: Path, index: int, name: str) -> NDArray[Any]:
    """Read one of the arrays that `FacesWork` kept of a block."""
    with np.load(_faces(folder, index)) as kept:
        return np.asarray(kept.get(name, np.empty(0, np.int32)))


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
        Where it is kept how many lie before each block.
    counts
        Objects of each block.

    Returns
    -------
    The number of objects.
    """
    ends = np.cumsum([0, *(counts[index] for index in sorted(counts))])
    _keep(folder / _OFFSETS, ends[:-1])
    return int(ends[-1])
