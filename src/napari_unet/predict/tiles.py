"""Tiles of an image that together cover every pixel exactly once."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from napari_unet.config import PredictConfig
from napari_unet.model.footprint import Footprint, Side


@dataclass(frozen=True)
class Span:
    """One tile along one axis.

    Attributes
    ----------
    core
        Pixels of the image that this tile answers for.
    start, size
        First pixel and number of pixels that the network is shown; they may lie
        outside the image, which is mirrored there.
    keep
        Part of the network's output that belongs to `core`.
    """

    core: slice
    start: int
    size: int
    keep: slice


@dataclass(frozen=True)
class Tile:
    """A tile: one span for each of Z, Y and X."""

    spans: tuple[Span, ...]

    @property
    def core(self) -> tuple[slice, ...]:
        """Pixels of the image that the tile answers for, (Z, Y, X)."""
        return tuple(span.core for span in self.spans)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Pixels that the network is shown along Z, Y and X."""
        return tuple(span.size for span in self.spans)


def plan_tiles(
    shape: Sequence[int],
    network: Footprint,
    config: PredictConfig,
    within: Sequence[slice] | None = None,
) -> list[Tile]:
    """Cut a (Z, Y, X) image into tiles that fit the network.

    Networks with 2 dimensions get single slices. With `same` padding a tile is shown
    its neighbourhood up to the receptive field and aligned to the pooling grid, so
    that tiles give what the whole slice would; with `valid` padding it is the
    overlap-tile of the paper (figure 2). Networks with instance or group
    normalisation measure every tile by itself, so that their answers do depend on the
    tile size. `within` cuts only that box, the core of a tile that is too large.
    """
    return [
        Tile(spans)
        for spans in itertools.product(*plan_axes(shape, network, config, within))
    ]


def align(box: Sequence[slice], network: Footprint) -> list[slice]:
    """Move the starts of a (Z, Y, X) box down to the pooling grid of a network."""
    return [
        slice(part.start // side.step * side.step, part.stop)
        for part, side in zip(box, network.sides, strict=True)
    ]


def from_middle(tiles: Sequence[Tile], box: Sequence[slice]) -> list[Tile]:
    """Put the tiles that lie nearest to the middle of a (Z, Y, X) box first."""

    def distance(tile: Tile) -> float:
        parts = zip(tile.core, box, strict=True)
        return math.hypot(*(_centre(core) - _centre(part) for core, part in parts))

    return sorted(tiles, key=distance)


def _centre(part: slice) -> float:
    return float(part.start + part.stop) / 2


def plan_axes(
    shape: Sequence[int],
    network: Footprint,
    config: PredictConfig,
    within: Sequence[slice] | None = None,
) -> list[list[Span]]:
    """Return the spans along Z, Y and X that `plan_tiles` combines."""
    depth, height, width = shape
    layers, rows, columns = within or (slice(0, length) for length in shape)
    if network.ndim == 2:
        slices = range(layers.start, layers.stop)
        along_z = [Span(slice(z, z + 1), z, 1, slice(0, 1)) for z in slices]
    else:
        along_z = plan_axis(depth, config.tile_slices, network.sides[0], layers)
    return [
        along_z,
        plan_axis(height, config.tile_size, network.sides[1], rows),
        plan_axis(width, config.tile_size, network.sides[2], columns),
    ]


def plan_axis(
    length: int, tile: int | None, side: Side, part: slice | None = None
) -> list[Span]:
    """Cut `length` pixels of one axis into spans.

    Parameters
    ----------
    length
        Pixels of the image.
    tile
        Pixels of a tile that has neighbours on both sides, without its surroundings;
        all of them when left out.
    side
        What the tiles are to fit.
    part
        Only this part of the axis, such as the core of another span; it starts on
        the pooling grid. Without any pixel it has no spans.
    """
    part = part or slice(0, length)
    if part.start >= part.stop:
        return []
    tile = max(tile or length, side.step)
    if side.cropped:
        return _plan_valid(tile, side, part)
    return _plan_same(length, tile, side, part)


def _plan_same(length: int, tile: int, side: Side, part: slice) -> list[Span]:
    """Lay windows of equal size, so that they can go through the network together.

    A window at the border of the image needs no surroundings there, and answers for
    more pixels instead.
    """
    grid = side.step
    halo = _round_up(side.halo, grid)
    low = max(0, part.start - halo)
    high = min(_round_up(length, grid), _round_up(part.stop, grid) + halo)
    inner = high - low - 2 * halo
    count = max(1, -(-inner // (tile // grid * grid)))
    step = _round_up(-(-inner // count), grid)
    size = high - low if count == 1 else step + 2 * halo
    starts = [min(low + n * step, high - size) for n in range(count)]
    firsts = [part.start, *(start + halo for start in starts[1:])]
    lasts = [*firsts[1:], part.stop]
    return [
        Span(slice(first, last), start, size, slice(first - start, last - start))
        for first, last, start in zip(firsts, lasts, starts, strict=True)
    ]


def _plan_valid(tile: int, side: Side, part: slice) -> list[Span]:
    grid, margin = side.step, side.margin
    wanted = part.stop - part.start
    if side.most is not None:
        tile = min(tile, side.most - 2 * margin)
    # As many tiles as are needed, but no larger than they have to be.
    tile = -(-wanted // -(-wanted // tile))
    size = side.input_for(max(tile, grid))
    output = size - 2 * margin
    # Tiles that start off the pooling grid would answer otherwise than the whole.
    core = output if output >= wanted else output // grid * grid
    spans = []
    for first in range(part.start, part.stop, core):
        last = min(part.stop, first + core)
        spans.append(
            Span(slice(first, last), first - margin, size, slice(0, last - first))
        )
    return spans


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
