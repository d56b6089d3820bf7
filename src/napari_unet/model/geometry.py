"""What fits a network and what it sees, computed from its settings alone.

Spatial axes are counted from the end: -1 is X, -2 is Y, and -3 is Z in 3D. They
differ only where the first poolings leave Z alone (`UNetConfig.flat_levels`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari_unet.config import UNetConfig
from napari_unet.errors import InputError


def factors(config: UNetConfig, axis: int = -1) -> tuple[int, ...]:
    """Return what every pooling divides `axis` by, 1 or 2, from the top level down."""
    flat = min(config.flat_levels or 0, config.depth) if axis == -3 else 0
    return (1,) * flat + (2,) * (config.depth - flat)


def grid(config: UNetConfig, axis: int = -1) -> int:
    """Return what the sides of an input of a `same` network are multiples of."""
    return math.prod(factors(config, axis))


def valid_size(config: UNetConfig, size: int, axis: int = -1) -> int:
    """Return the smallest input side >= `size` that passes the network."""
    while _output_size(config, size, axis) is None:
        size += 1
    return size


def output_size(config: UNetConfig, size: int, axis: int = -1) -> int:
    """Return the side of the output for an input of side `size`, in pixels.

    Raises
    ------
    InputError
        When an input of this side does not pass the network, as at a pooling of an
        odd side; the sentence names the next larger side that does.
    """
    out = _output_size(config, size, axis)
    if out is None:
        unit = "slices" if axis == -3 else "pixels"
        raise InputError(
            f"An input of {size} {unit} does not fit the network: the next side that "
            f"does is {valid_size(config, size, axis)}."
        )
    return out


def input_size(config: UNetConfig, output: int, axis: int = -1) -> int:
    """Return the smallest input side whose output has at least `output` pixels."""
    size = valid_size(config, output, axis)
    while output_size(config, size, axis) < output:
        size = valid_size(config, size + 1, axis)
    return size


def receptive_field(config: UNetConfig, axis: int = -1) -> int:
    """Side of the square of input pixels that one output pixel can depend on.

    Where an output pixel lies on the pooling grid changes it by some pixels; this is
    the widest.
    """
    seen = (_seen(config, pixel, axis) for pixel in range(grid(config, axis)))
    return max(last - first + 1 for first, last in seen)


def reach(config: UNetConfig, axis: int = -1) -> int:
    """Farthest distance, in pixels, of an input pixel that an output depends on."""
    pixels = range(grid(config, axis))
    seen = [(pixel, *_seen(config, pixel, axis)) for pixel in pixels]
    return max(max(pixel - first, last - pixel) for pixel, first, last in seen)


def choose_flat_levels(pixel_size: Sequence[float], depth: int) -> int:
    """Return how many poolings leave Z alone until voxels are about cubic.

    Parameters
    ----------
    pixel_size
        Of Z, Y and X, in one unit.
    depth
        Number of poolings of the network.

    Returns
    -------
    0 to `depth`; 0 where slices are no thicker than 1.4 pixels. Each pooling in the
    plane halves the ratio of Z to the plane, and the one nearest to 1 is taken.
    """
    z, y, x = pixel_size
    return min(depth, max(0, round(math.log2(z / math.sqrt(y * x)))))


def _seen(config: UNetConfig, pixel: int, axis: int) -> tuple[int, int]:
    """First and last input pixel behind output `pixel`, along the deepest path."""
    first = last = pixel
    for factor in factors(config, axis):
        # Back from output to input: two 3x3 convolutions, then the upsampling, which
        # looks at a neighbour on either side where it interpolates.
        beside = int(_interpolates(config, factor))
        first = (first - 2 - beside) // factor
        last = (last + 2 + beside) // factor
    first, last = first - 2, last + 2
    for factor in reversed(factors(config, axis)):
        # Pooling, then the two convolutions above it.
        first, last = factor * first - 2, factor * last + (factor - 1) + 2
    return first, last


def _output_size(config: UNetConfig, size: int, axis: int) -> int | None:
    valid = config.padding == "valid"
    shrink = 4 if valid else 0
    steps = factors(config, axis)
    for factor in steps:
        size -= shrink
        if size <= 0 or size % factor:
            return None
        size //= factor
    size -= shrink
    for factor in reversed(steps):
        beside = 2 if valid and _interpolates(config, factor) else 0
        size = factor * size - beside - shrink
    return size if size > 0 else None


def _interpolates(config: UNetConfig, factor: int) -> bool:
    return config.upsampling == "linear" and factor > 1
