"""How much goes through a network at once, so that it fits into the memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from napari_unet.config import PredictConfig
from napari_unet.model.device import Device
from napari_unet.model.footprint import LARGEST_TILE, Footprint
from napari_unet.predict.tiles import plan_axes

_LARGEST_BATCH = 16
_TILE = ("tile_size", "tile_slices")
_SHARE = 0.5
"""Of the free memory that a prediction may take."""


@dataclass(frozen=True)
class Capacity:
    """What goes through a network at once, and where.

    Attributes
    ----------
    shape
        (Z, Y, X) of the image.
    network
        What is known of the network.
    config
        Settings, with tile and batch decided.
    device
        Where the network runs.
    """

    shape: tuple[int, ...]
    network: Footprint
    config: PredictConfig
    device: Device

    @property
    def batch_size(self) -> int:
        """Tiles that go through the network together."""
        return self.config.batch_size or 1

    @property
    def window(self) -> tuple[int, ...]:
        """Pixels of Z, Y and X that the network is shown at most for a tile."""
        # A network with 2 dimensions sees one slice of however many.
        deep = self.shape[0] if self.network.ndim == 3 else 1
        axes = plan_axes((deep, *self.shape[1:]), self.network, self.config)
        return tuple(max(span.size for span in spans) for spans in axes)

    @property
    def bytes_taken(self) -> int:
        """Estimate of what a forward pass adds at its peak."""
        return self.network.aside + self.batch_size * self.bytes_of_tile

    @property
    def bytes_of_tile(self) -> int:
        """Estimate of what each tile takes of it."""
        bytes_of_pixel = self.network.bytes_of_pixel(bfloat16=self.device.bfloat16)
        return math.prod(self.window) * bytes_of_pixel

    def reduced(self, wanted: PredictConfig) -> tuple[Capacity, str] | None:
        """Return the next smaller one, with words to the user, once memory is full.

        The batch is halved first, then the tile; then the CPU takes over with what
        was `wanted` in the first place. None where nothing smaller is left.
        """
        full = f"The memory of {self.device.name} is full: "
        if self.batch_size > 1:
            half = self.batch_size // 2
            return self.changed(
                {"batch_size": half}
            ), f"{full}tiles per step now {half}."
        smaller = self.halved()
        if smaller is not None:
            words = f"{full}tiles now of {smaller.config.tile_size} pixels."
            if self.network.ndim == 3:
                words = f"{words[:-1]} and {smaller.config.tile_slices} slices."
            return smaller, words
        cpu = replace(self.device, device=torch.device("cpu"))
        if self.device == cpu:
            return None
        return choose(self.shape, self.network, wanted, cpu), f"{full}the CPU goes on."

    def halved(self, names: Sequence[str] = _TILE) -> Capacity | None:
        """Halve a side of the tile until the network is shown fewer pixels.

        The longer side comes first, of those that are named. None where nothing is
        gained any more.
        """
        sides = dict(zip(_TILE, (max(self.window[1:]), self.window[0]), strict=True))
        for name in sorted(names, key=lambda one: -sides[one]):
            side = min(getattr(self.config, name) or sides[name], sides[name]) // 2
            while side >= self._least(name):
                smaller = self.changed({name: side})
                if math.prod(smaller.window) < math.prod(self.window):
                    return smaller
                side //= 2
        return None

    def _least(self, name: str) -> int:
        least, axis = (16, -1) if name == "tile_size" else (1, -3)
        if self.device.device.type == "cpu":
            return least
        # Smaller than that, a GPU spends its time on surroundings: the CPU is better.
        side = self.network.sides[axis]
        return max(least, side.halo, side.margin)

    def changed(self, changes: dict[str, int]) -> Capacity:
        """Return what goes through once some settings have other values."""
        return replace(self, config=self.config.model_copy(update=changes))


def choose(
    shape: Sequence[int], network: Footprint, wanted: PredictConfig, device: Device
) -> Capacity:
    """Decide on tile and batch from the free memory where `wanted` leaves them open.

    Parameters
    ----------
    shape
        (Z, Y, X) of the image.
    network
        What is known of the network.
    wanted
        Settings; a tile or batch that is given is taken as it is.
    device
        Where the network is to run.
    """
    left_open = [name for name in _TILE if getattr(wanted, name) is None]
    config = wanted.model_copy(update=dict.fromkeys(left_open, LARGEST_TILE))
    capacity = Capacity(tuple(shape), network, config, device)
    budget = int(_SHARE * device.free_memory())
    while capacity.bytes_of_tile > budget:
        smaller = capacity.halved(left_open)
        if smaller is None:
            break
        capacity = smaller
    fitting = budget // capacity.bytes_of_tile
    # A CPU is faster with one slice after the other (benchmarks/prediction.py).
    largest = 1 if device.device.type == "cpu" else _LARGEST_BATCH
    batch = wanted.batch_size or max(1, min(largest, fitting))
    return capacity.changed({"batch_size": batch})
