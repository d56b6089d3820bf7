"""The U-Net of Ronneberger, Fischer and Brox (2015), in two and three dimensions."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from napari_unet.config import UNetConfig
from napari_unet.errors import InputError

_CONV: dict[int, type[nn.Module]] = {2: nn.Conv2d, 3: nn.Conv3d}
_UP: dict[int, type[nn.Module]] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_POOL: dict[int, type[nn.Module]] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
_BATCH_NORM: dict[int, type[nn.Module]] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_DROPOUT: dict[int, type[nn.Module]] = {2: nn.Dropout2d, 3: nn.Dropout3d}


class _GroupNorm(nn.GroupNorm):
    """Group normalisation that lets a single value pass, which becomes the bias.

    torch's own layer refuses one, and an image as small as the pooling grid has one.
    """

    def forward(self, image: Tensor) -> Tensor:
        return torch.group_norm(
            image, self.num_groups, self.weight, self.bias, self.eps
        )


class _InstanceNorm(nn.InstanceNorm2d):
    """Instance normalisation of any dimensions, with the same leave."""

    def forward(self, image: Tensor) -> Tensor:
        fast = torch.backends.cudnn.enabled
        return torch.instance_norm(
            image, self.weight, self.bias, None, None, True, 0.0, self.eps, fast
        )


class DoubleConv(nn.Sequential):
    """Two 3x3 convolutions, each followed by normalisation and ReLU."""

    def __init__(self, config: UNetConfig, inputs: int, outputs: int) -> None:
        super().__init__(
            *_conv(config, inputs, outputs), *_conv(config, outputs, outputs)
        )


class UNet(nn.Module):
    """Contracting and expanding path with skip connections (paper, figure 1).

    Parameters
    ----------
    config
        Shape of the network.

    Notes
    -----
    Weights start from a zero-mean Gaussian of standard deviation sqrt(2 / N), N the
    connections into a neuron (paper, section 3).
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.base_channels * 2**level for level in range(config.depth + 1)]
        inputs = [config.in_channels, *widths]
        self.encoder = nn.ModuleList(
            DoubleConv(config, a, b) for a, b in zip(inputs[:-1], widths, strict=True)
        )
        self.pool = _POOL[config.ndim](2)
        self.dropout = _DROPOUT[config.ndim](config.dropout)
        self.up = nn.ModuleList(
            _UP[config.ndim](2 * width, width, kernel_size=2, stride=2)
            for width in reversed(widths[:-1])
        )
        self.decoder = nn.ModuleList(
            DoubleConv(config, 2 * width, width) for width in reversed(widths[:-1])
        )
        self.head = _CONV[config.ndim](widths[0], config.num_classes, kernel_size=1)
        self.apply(_initialise)

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to logits (B, num_classes, [Z,] Y, X).

        With `same` padding every side must be a multiple of `multiple`; with `valid`
        padding it must be a `valid_size`, and the output has `output_size`.
        """
        skips = []
        for level, block in enumerate(self.encoder):
            image = block(image)
            if level >= self.config.depth - 1:
                # The paper drops out at the end of the contracting path: the last
                # two levels, as its published network does.
                image = self.dropout(image)
            if level < self.config.depth:
                skips.append(image)
                image = self.pool(image)
        for up, block, skip in zip(self.up, self.decoder, reversed(skips), strict=True):
            image = up(image)
            skip = _centre(skip, image.shape[2:])  # noqa: PLW2901
            image = block(torch.cat([skip, image], dim=1))
        logits: Tensor = self.head(image)
        return logits

    @property
    def multiple(self) -> int:
        """Sides of an input of a `same` network are multiples of this."""
        return int(2**self.config.depth)

    @property
    def receptive_field(self) -> int:
        """Side of the square of input pixels that one output pixel sees."""
        return receptive_field(self.config)

    @property
    def num_parameters(self) -> int:
        """Trained numbers of the network; running statistics are not among them."""
        return sum(parameter.numel() for parameter in self.parameters())


def output_size(config: UNetConfig, size: int) -> int:
    """Return the side of the output for an input of side `size`, in pixels.

    Raises
    ------
    InputError
        When an input of this side does not pass the network, as at a pooling of an
        odd side; the sentence names the next larger side that does.
    """
    out = _output_size(config, size)
    if out is None:
        raise InputError(
            f"An input of {size} pixels does not fit the network: the next side that "
            f"does is {valid_size(config, size)}."
        )
    return out


def valid_size(config: UNetConfig, size: int) -> int:
    """Return the smallest input side >= `size` that passes the network."""
    while _output_size(config, size) is None:
        size += 1
    return size


def input_size(config: UNetConfig, output: int) -> int:
    """Return the smallest input side whose output has at least `output` pixels."""
    size = valid_size(config, output)
    while output_size(config, size) < output:
        size = valid_size(config, size + 1)
    return size


def receptive_field(config: UNetConfig) -> int:
    """Side of the square of input pixels that one output pixel can depend on.

    Where an output pixel lies on the pooling grid changes it by some pixels; this is
    the widest.
    """
    seen = (_seen(config, pixel) for pixel in range(2**config.depth))
    return max(last - first + 1 for first, last in seen)


def reach(config: UNetConfig) -> int:
    """Farthest distance, in pixels, of an input pixel that an output depends on."""
    seen = [_seen(config, pixel) for pixel in range(2**config.depth)]
    offsets = [
        (pixel - first, last - pixel) for pixel, (first, last) in enumerate(seen)
    ]
    return max(max(pair) for pair in offsets)


def _seen(config: UNetConfig, pixel: int) -> tuple[int, int]:
    """First and last input pixel behind output `pixel`, along the deepest path."""
    first = last = pixel
    for _ in range(config.depth):
        # Two 3x3 convolutions, then the up-convolution, back from output to input.
        first, last = (first - 2) // 2, (last + 2) // 2
    first, last = first - 2, last + 2
    for _ in range(config.depth):
        # Pooling, then the two convolutions above it.
        first, last = 2 * first - 2, 2 * last + 1 + 2
    return first, last


def _output_size(config: UNetConfig, size: int) -> int | None:
    shrink = 4 if config.padding == "valid" else 0
    for _ in range(config.depth):
        size -= shrink
        if size <= 0 or size % 2:
            return None
        size //= 2
    size -= shrink
    for _ in range(config.depth):
        size = 2 * size - shrink
    return size if size > 0 else None


def _conv(config: UNetConfig, inputs: int, outputs: int) -> list[nn.Module]:
    padding = 1 if config.padding == "same" else 0
    conv = _CONV[config.ndim](inputs, outputs, kernel_size=3, padding=padding)
    return [conv, *_norm(config, outputs), nn.ReLU(inplace=True)]


def _norm(config: UNetConfig, channels: int) -> list[nn.Module]:
    if config.norm == "batch":
        return [_BATCH_NORM[config.ndim](channels)]
    if config.norm == "instance":
        return [_InstanceNorm(channels, affine=True)]
    if config.norm == "group":
        return [_GroupNorm(math.gcd(8, channels), channels)]
    return []


def _centre(skip: Tensor, size: torch.Size) -> Tensor:
    """Crop the middle of a skip connection, which valid convolutions left larger."""
    box: list[Any] = [slice(None), slice(None)]
    for have, want in zip(skip.shape[2:], size, strict=True):
        start = (have - want) // 2
        box.append(slice(start, start + want))
    return skip[tuple(box)]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.ConvTranspose2d | nn.ConvTranspose3d):
        # Kernel and stride are equal, so each output pixel has one input position.
        fan_in = module.in_channels
    elif isinstance(module, nn.Conv2d | nn.Conv3d):
        fan_in = module.in_channels * math.prod(module.kernel_size)
    else:
        return
    nn.init.normal_(module.weight, std=math.sqrt(2 / fan_in))
    if module.bias is not None:
        nn.init.zeros_(module.bias)
