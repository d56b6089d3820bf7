"""The U-Net of Ronneberger, Fischer and Brox (2015), in two and three dimensions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_unet.config import UNetConfig
from napari_unet.model.geometry import (
    factors,
    grid,
    input_size,
    output_size,
    reach,
    receptive_field,
    valid_size,
)

__all__ = [
    "UNet",
    "grid",
    "input_size",
    "output_size",
    "reach",
    "receptive_field",
    "valid_size",
]

_CONV: dict[int, type[nn.Module]] = {2: nn.Conv2d, 3: nn.Conv3d}
_UP: dict[int, type[nn.Module]] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_POOL: dict[int, type[nn.Module]] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
_BATCH_NORM: dict[int, type[nn.Module]] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_ACTIVATION: dict[str, Callable[[], nn.Module]] = {
    "relu": partial(nn.ReLU, inplace=True),
    "leaky_relu": partial(nn.LeakyReLU, inplace=True),
    "elu": partial(nn.ELU, inplace=True),
    # Its gradient needs what came in.
    "silu": nn.SiLU,
}
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
    """Two 3x3 convolutions, each followed by normalisation and activation.

    The second goes without normalisation where `norm_last` is off.
    """

    def __init__(
        self, config: UNetConfig, inputs: int, outputs: int, *, norm_last: bool = True
    ) -> None:
        super().__init__(
            *_conv(config, inputs, outputs),
            *_conv(config, outputs, outputs, norm=norm_last),
        )


class LinearUp(nn.Module):
    """Linear interpolation with a 1x1 convolution, in place of an up-convolution.

    The convolution comes first: both orders give the same numbers, and it is cheaper
    on the small image. Valid networks lose a pixel at every side that was
    interpolated, which would need a neighbour outside of the image.
    """

    def __init__(
        self, config: UNetConfig, inputs: int, outputs: int, scale: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.conv = _CONV[config.ndim](inputs, outputs, kernel_size=1)
        self.scale = scale
        self.mode = "bilinear" if config.ndim == 2 else "trilinear"
        self.crop = 1 if config.padding == "valid" else 0

    def forward(self, image: Tensor) -> Tensor:
        scale = [float(factor) for factor in self.scale]
        image = F.interpolate(self.conv(image), scale_factor=scale, mode=self.mode)
        sides = zip(image.shape[2:], self.scale, strict=True)
        return _centre(image, [n - 2 * self.crop * (f > 1) for n, f in sides])


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
        scales = list(_scales(config))
        self.pool = nn.ModuleList(_POOL[config.ndim](scale) for scale in scales)
        self.dropout = _DROPOUT[config.ndim](config.dropout)
        upwards = list(zip(reversed(widths[:-1]), reversed(scales), strict=True))
        self.up = nn.ModuleList(_up(config, *level) for level in upwards)
        self.decoder = nn.ModuleList(
            DoubleConv(
                config,
                2 * width,
                width,
                norm_last=config.norm_last or width > config.base_channels,
            )
            for width, _ in upwards
        )
        self.head = _CONV[config.ndim](widths[0], config.num_classes, kernel_size=1)
        self.apply(_initialise)

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to logits (B, num_classes, [Z,] Y, X).

        Every side must be a `valid_size` along its axis; the output has the
        `output_size`, which with `same` padding is the side of the input.
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
                image = self.pool[level](image)
        for up, block, skip in zip(self.up, self.decoder, reversed(skips), strict=True):
            image = up(image)
            skip = _centre(skip, image.shape[2:])  # noqa: PLW2901
            image = block(torch.cat([skip, image], dim=1))
        logits: Tensor = self.head(image)
        return logits

    @property
    def receptive_field(self) -> int:
        """Side of the square of input pixels that one output pixel sees."""
        return receptive_field(self.config)

    @property
    def num_parameters(self) -> int:
        """Trained numbers of the network; running statistics are not among them."""
        return sum(parameter.numel() for parameter in self.parameters())


def _scales(config: UNetConfig) -> Iterator[tuple[int, ...]]:
    """Give the factors of [Z,] Y and X of every pooling, from the top level down."""
    return zip(*(factors(config, axis) for axis in range(-config.ndim, 0)), strict=True)


def _up(config: UNetConfig, width: int, scale: tuple[int, ...]) -> nn.Module:
    """Return what doubles the sides and halves the channels to `width`."""
    if config.upsampling == "linear":
        return LinearUp(config, 2 * width, width, scale)
    return _UP[config.ndim](2 * width, width, kernel_size=scale, stride=scale)


def _conv(
    config: UNetConfig, inputs: int, outputs: int, *, norm: bool = True
) -> list[nn.Module]:
    padding = 1 if config.padding == "same" else 0
    conv = _CONV[config.ndim](inputs, outputs, kernel_size=3, padding=padding)
    norms = _norm(config, outputs) if norm else []
    return [conv, *norms, _ACTIVATION[config.activation]()]


def _norm(config: UNetConfig, channels: int) -> list[nn.Module]:
    if config.norm == "batch":
        return [_BATCH_NORM[config.ndim](channels)]
    if config.norm == "instance":
        return [_InstanceNorm(channels, affine=True)]
    if config.norm == "group":
        return [_GroupNorm(math.gcd(8, channels), channels)]
    return []


def _centre(image: Tensor, size: Sequence[int]) -> Tensor:
    """Crop the middle, as of a skip connection that valid convolutions left larger."""
    box: list[Any] = [slice(None), slice(None)]
    for have, want in zip(image.shape[2:], size, strict=True):
        start = (have - want) // 2
        box.append(slice(start, start + want))
    return image[tuple(box)]


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
