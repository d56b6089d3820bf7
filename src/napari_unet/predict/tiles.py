"""Tiles of an image that together cover every pixel exactly once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from napari_unet.config import PredictConfig, UNetConfig
from napari_unet.model import unet


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
    shape: tuple[int, int, int], network: UNetConfig, config: PredictConfig
) -> list[Tile]:
    """Cut a (Z, Y, X) image into tiles that fit the network.

    Networks with 2 dimensions get single slices. With `same` padding a tile is shown
    its neighbourhood up to the receptive field and aligned to the pooling grid, so
    that tiles give what the whole slice would; with `valid` padding it is the
    overlap-tile of the paper. Networks with instance or group normalisation measure
    every tile by itself, so that their answers do depend on the tile size.
    """
    depth, height, width = shape
    if network.ndim == 2:
        layers = [Span(slice(z, z + 1), z, 1, slice(0, 1)) for z in range(depth)]
    else:
        layers = plan_axis(depth, config.tile_slices, network)
    rows = plan_axis(height, config.tile_size, network)
    columns = plan_axis(width, config.tile_size, network)
    return [Tile(spans) for spans in itertools.product(layers, rows, columns)]


def plan_axis(length: int, tile: int, network: UNetConfig) -> list[Span]:
    """Cut `length` pixels of one axis into spans of about `tile` pixels."""
    if network.padding == "valid":
        return _plan_valid(length, tile, network)
    return _plan_same(length, tile, network)


def _plan_same(length: int, tile: int, network: UNetConfig) -> list[Span]:
    grid = int(2**network.depth)
    padded = _round_up(length, grid)
    core = padded if tile >= length else max(grid, tile // grid * grid)
    halo = _round_up(unet.reach(network), grid)
    spans = []
    for first in range(0, length, core):
        start = max(0, first - halo)
        stop = min(padded, first + core + halo)
        last = min(length, first + core)
        keep = slice(first - start, last - start)
        spans.append(Span(slice(first, last), start, stop - start, keep))
    return spans


def _plan_valid(length: int, tile: int, network: UNetConfig) -> list[Span]:
    grid = int(2**network.depth)
    size = unet.input_size(network, min(max(tile, grid), length))
    output = unet.output_size(network, size)
    margin = (size - output) // 2
    # Tiles that start off the pooling grid would answer otherwise than the whole.
    core = output if output >= length else output // grid * grid
    spans = []
    for first in range(0, length, core):
        last = min(length, first + core)
        keep = slice(0, last - first)
        spans.append(Span(slice(first, last), first - margin, size, keep))
    return spans


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
