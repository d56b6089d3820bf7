"""What a prediction has to know of a network, whatever kind of network it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from napari_unet.config import NetworkConfig
from napari_unet.model import geometry
from napari_unet.model.size import size_of

LARGEST_TILE = 2048
"""Side of the largest tile that is chosen: 5 % of it is surroundings on each side."""
_ASIDE, _ASIDE_OF_VALUE = 45_000_000, 290_000
"""Bytes that a first forward pass takes beside the values, and for each value a pixel:
weights laid out anew, and room that threads compute in; as measured on a CPU."""


@dataclass(frozen=True)
class Side:
    """What fits a network along one axis, in pixels.

    Attributes
    ----------
    least, step
        An input has `least` pixels, or any number of `step` more.
    halo
        Farthest distance of an input pixel that an output depends on, where the output
        is as large as the input and reaches up to its border.
    margin
        Pixels that the output lacks at either end.
    cropped
        Whether every output is `margin` away from the border of the input, and an
        image is therefore mirrored there.
    most
        Largest input; None where any is taken.
    """

    least: int = 1
    step: int = 1
    halo: int = 0
    margin: int = 0
    cropped: bool = False
    most: int | None = None

    def input_for(self, output: int) -> int:
        """Return the smallest input whose output has at least `output` pixels."""
        more = max(0, output + 2 * self.margin - self.least)
        return self.least + -(-more // self.step) * self.step


@dataclass(frozen=True)
class Footprint:
    """What a prediction has to know of a network.

    Attributes
    ----------
    ndim
        2 for single slices, 3 for volumes.
    in_channels
        Channels of the image.
    num_classes
        Channels of the probabilities, background and every class.
    values
        Values held at once for each pixel, by which memory is estimated.
    sides
        What fits along Z, Y and X; networks with 2 dimensions take one slice.
    """

    ndim: int
    in_channels: int
    num_classes: int
    values: float
    sides: tuple[Side, Side, Side]

    def bytes_of_pixel(self, *, bfloat16: bool) -> int:
        """Estimate the bytes that a forward pass holds at its peak for every pixel."""
        outside = 4 * (self.in_channels + 2 * self.num_classes)
        return int(self.values * (2 if bfloat16 else 4) + outside)

    @property
    def aside(self) -> int:
        """Estimate the bytes that a forward pass takes whatever the pixels."""
        return int(_ASIDE + _ASIDE_OF_VALUE * self.values)

    @property
    def largest_window(self) -> int:
        """Pixels of Y and X that the largest tile has with what is seen around it."""
        side = self.sides[-1]
        most = LARGEST_TILE + 2 * max(side.halo, side.margin)
        return (most if side.most is None else min(most, side.most)) ** 2


@lru_cache(maxsize=64)
def footprint_of(config: NetworkConfig) -> Footprint:
    """Return what a prediction has to know of a network of ours."""
    z = Side() if config.ndim == 2 else side_of(config, -3)
    return Footprint(
        config.ndim,
        config.in_channels,
        max(2, config.num_classes),
        size_of(config).peak,
        (z, side_of(config, -2), side_of(config, -1)),
    )


def side_of(config: NetworkConfig, axis: int = -1) -> Side:
    """Return what fits a network along an axis: -1 is X, -2 is Y, and -3 is Z."""
    step = geometry.grid(config, axis)
    if not geometry.is_cropped(config, axis):
        return Side(step, step, halo=geometry.reach(config, axis))
    least = geometry.valid_size(config, 1, axis)
    # As much is lost of any input that fits.
    lost = least - geometry.output_size(config, least, axis)
    most = config.most_answers
    largest = None if most is None else geometry.input_size(config, most, axis)
    return Side(least, step, margin=lost // 2, cropped=True, most=largest)
