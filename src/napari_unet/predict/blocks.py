"""Blocks that cover a volume: each is read, predicted and written by itself."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.crop import Cuttable
from napari_unet.model.footprint import Footprint, Side

BLOCK_VOXELS = 2**25
"""About as many as a block has where none is asked for: 32 MB of grey values."""
_WIDE = 2048
_FLAT, _CUBE = (8, 512, 512), (64, 128, 128)

Box = tuple[slice, ...]


@dataclass(frozen=True)
class Block:
    """A part of a volume.

    Attributes
    ----------
    index
        Its number.
    place
        How many blocks lie before it along Z, Y and X.
    core
        (Z, Y, X) of what it answers for.
    halo
        (Z, Y, X) of what is read for it.
    """

    index: int
    place: tuple[int, ...]
    core: Box
    halo: Box

    @property
    def shape(self) -> tuple[int, ...]:
        """Sides of its core."""
        return tuple(part.stop - part.start for part in self.core)


@dataclass(frozen=True)
class Written:
    """What is told of a block once it is written, from whichever process.

    Attributes
    ----------
    value
        A number that is kept of the block.
    message
        Lines to the user on what had to be changed, or "".
    device
        What computed it, in words, where that is of interest.
    """

    value: int = 0
    message: str = ""
    device: str = ""


@dataclass(frozen=True)
class Grid:
    """How a volume is cut into blocks.

    Attributes
    ----------
    shape
        (Z, Y, X) of the volume.
    block
        Sides of a block; those at the end may be smaller.
    margin, step
        What is read around a block along Z, Y and X, from the pooling grid on.
    """

    shape: tuple[int, ...]
    block: tuple[int, ...]
    margin: tuple[int, ...] = (0, 0, 0)
    step: tuple[int, ...] = (1, 1, 1)

    @property
    def counts(self) -> tuple[int, ...]:
        """Blocks along Z, Y and X."""
        pairs = zip(self.shape, self.block, strict=True)
        return tuple(-(-length // side) for length, side in pairs)

    def __len__(self) -> int:
        return math.prod(self.counts)

    def __iter__(self) -> Iterator[Block]:
        return map(self.at, itertools.product(*map(range, self.counts)))

    def at(self, place: Sequence[int]) -> Block:
        """Return the block with so many blocks before it along Z, Y and X."""
        core, halo = [], []
        sides = zip(place, self.shape, self.block, self.margin, self.step, strict=True)
        for number, length, side, margin, step in sides:
            part = slice(number * side, min(length, (number + 1) * side))
            first = part.start // step * step - margin
            last = -(-part.stop // step) * step + margin
            core.append(part)
            halo.append(slice(max(0, first), min(length, last)))
        index = int(np.ravel_multi_index(tuple(place), self.counts))
        return Block(index, tuple(place), tuple(core), tuple(halo))

    def neighbours(self) -> list[tuple[int, Block, Block]]:
        """Return the pairs of blocks that share a face, with the axis across it."""
        pairs = []
        for block, axis in itertools.product(self, range(3)):
            beyond = [*block.place]
            beyond[axis] += 1
            if beyond[axis] < self.counts[axis]:
                pairs.append((axis, block, self.at(beyond)))
        return pairs


def grid_for(
    shape: Sequence[int],
    network: Footprint,
    chunks: Sequence[int],
    block: Sequence[int] | None = None,
) -> Grid:
    """Cut a volume into blocks of whole chunks, with what a network sees around them.

    Parameters
    ----------
    shape
        (Z, Y, X) of the volume.
    network
        What predicts it.
    chunks
        Sides of what is written as one; two blocks never share any.
    block
        Wanted sides, which are rounded up to whole chunks; when left out some 32
        million voxels, flat for a network of 2 dimensions and else like a cube.
    """
    wanted = block or _usual(shape, network)
    sides = tuple(
        min(-(-length // chunk), -(-side // chunk)) * chunk
        for side, chunk, length in zip(wanted, chunks, shape, strict=True)
    )
    margin = tuple(map(_margin, network.sides))
    step = tuple(side.step for side in network.sides)
    return Grid(tuple(shape), sides, margin, step)


def chunks_for(
    shape: Sequence[int], network: Footprint, block: Sequence[int] | None = None
) -> tuple[int, ...]:
    """Return the (Z, Y, X) chunks of a result; networks of 2 dimensions write flat.

    They are not larger than a wanted `block`.
    """
    usual = _FLAT if network.ndim == 2 else _CUBE
    return tuple(map(min, shape, usual, block or usual))


def _usual(shape: Sequence[int], network: Footprint) -> tuple[int, ...]:
    if network.ndim == 2:
        rows, columns = (min(_WIDE, length) for length in shape[1:])
        return max(1, BLOCK_VOXELS // (rows * columns)), rows, columns
    depth = min(shape[0], round(BLOCK_VOXELS ** (1 / 3)))
    wide = math.isqrt(BLOCK_VOXELS // depth)
    return depth, wide, wide


def _margin(side: Side) -> int:
    """Return what tiles of a block reach beyond it at most."""
    halo = -(-side.halo // side.step) * side.step
    return side.margin + side.step if side.cropped else halo


class HeldBox:
    """A (C, Z, Y, X) image of which one box is in memory already.

    Parameters
    ----------
    image
        The whole image, which is read where something else is asked for.
    box
        Slices of Z, Y and X.
    values
        (C, z, y, x): what `image` holds there; of a grey image that poses as one of
        several colours, all of these.
    """

    def __init__(self, image: Cuttable, box: Box, values: NDArray[Any]) -> None:
        self._image, self._box, self._values = image, box, values

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, Z, Y, X) of the whole image."""
        return (len(self._values), *self._image.shape[1:])

    def __getitem__(self, key: tuple[slice, ...]) -> NDArray[Any]:
        """Return all channels of a box, given as slices of C, Z, Y and X."""
        parts = list(zip(key[1:], self._box, strict=True))
        if any(one.start < held.start or one.stop > held.stop for one, held in parts):
            read = np.asarray(self._image[key])
            return np.broadcast_to(read, (len(self._values), *read.shape[1:]))
        inside = (
            slice(one.start - held.start, one.stop - held.start) for one, held in parts
        )
        return self._values[(slice(None), *inside)]
