"""What fits a network and what it sees, computed from its settings alone.

Spatial axes are counted from the end: -1 is X, -2 is Y, and -3 is Z in 3D. They
differ only where the first poolings leave Z alone (`NetworkConfig.flat_levels`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from napari_unet.config import NetworkConfig
from napari_unet.errors import InputError


def grid(config: NetworkConfig, axis: int = -1) -> int:
    """Return what the sides of an input of a `same` network are multiples of."""
    scale = step = 1
    for layer in config.path(axis):
        scale = scale * layer.stride // layer.factor
        step = math.lcm(step, scale)
    return step


def is_cropped(config: NetworkConfig, axis: int = -1) -> bool:
    """Return whether an output is smaller than its input."""
    return any(layer.lost for layer in config.path(axis))


def valid_size(config: NetworkConfig, size: int, axis: int = -1) -> int:
    """Return the smallest input side >= `size` that passes the network."""
    while _output_size(config, size, axis) is None:
        size += 1
    return size


def output_size(config: NetworkConfig, size: int, axis: int = -1) -> int:
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


def input_size(config: NetworkConfig, output: int, axis: int = -1) -> int:
    """Return the smallest input side whose output has at least `output` pixels."""
    size = valid_size(config, output, axis)
    while output_size(config, size, axis) < output:
        size = valid_size(config, size + 1, axis)
    return size


def patch_size(config: NetworkConfig, size: int, axis: int = -1) -> int:
    """Return the side of a patch that is to have `size` pixels and fits the network.

    It is smaller where the network takes its time over every pixel that it answers for.
    """
    if config.most_answers is not None:
        size = min(size, input_size(config, config.most_answers, axis))
    return valid_size(config, size, axis)


def receptive_field(config: NetworkConfig, axis: int = -1) -> int:
    """Side of the square of input pixels that one output pixel can depend on.

    Where an output pixel lies on the pooling grid changes it by some pixels; this is
    the widest.
    """
    return max(last - first + 1 for _, first, last in _seen(config, axis))


def reach(config: NetworkConfig, axis: int = -1) -> int:
    """Farthest distance, in pixels, of an input pixel that an output depends on."""
    seen = _seen(config, axis)
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


def _seen(config: NetworkConfig, axis: int) -> Iterator[tuple[int, int, int]]:
    """Give every output pixel of the grid, and first and last input pixel behind it."""
    path = config.path(axis)
    for pixel in range(grid(config, axis)):
        first = last = pixel
        for layer in reversed(path):
            first, last = layer.seen(first, last)
        yield pixel, first, last


def _output_size(config: NetworkConfig, size: int, axis: int) -> int | None:
    side: int | None = size
    for layer in config.path(axis):
        if side is None:
            break
        side = layer.output(side)
    return side
