"""The U-Net of Ronneberger, Fischer and Brox (2015), in two and three dimensions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from napari_unet.config import UNetConfig
from napari_unet.model.architecture import LinearUp, norm_layer
from napari_unet.model.layers import centre
from napari_unet.model.networks.convolutions import CONV, DROPOUT, POOL, up_conv
from napari_unet.model.networks.segmentation_network import (
    Architecture,
    SegmentationNetwork,
    initialise,
)

_ACTIVATION: dict[str, Callable[[], nn.Module]] = {
    "relu": partial(nn.ReLU, inplace=True),
    "leaky_relu": partial(nn.LeakyReLU, inplace=True),
    "elu": partial(nn.ELU, inplace=True),
    # Its gradient needs what came in.
    "silu": nn.SiLU,
}


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


class UNet(SegmentationNetwork):
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

    config: UNetConfig

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.base_channels * 2**level for level in range(config.depth + 1)]
        inputs = [config.in_channels, *widths]
        self.encoder = nn.ModuleList(
            DoubleConv(config, a, b) for a, b in zip(inputs[:-1], widths, strict=True)
        )
        scales = config.scales
        self.pool = nn.ModuleList(POOL[config.ndim](scale) for scale in scales)
        self.dropout = DROPOUT[config.ndim](config.dropout)
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
        self.head = CONV[config.ndim](widths[0], config.num_classes, kernel_size=1)
        self.apply(initialise)

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
        for up, block in zip(self.up, self.decoder, strict=True):
            image = up(image)
            image = torch.cat([centre(skips.pop(), image.shape[2:]), image], dim=1)
            # Layer by layer: a block would hold what comes in to its end.
            for layer in block.children():
                image = layer(image)
        logits: Tensor = self.head(image)
        return logits

    @property
    def architecture(self) -> Architecture:
        """What other programs build the network from."""
        return architecture_of(self.config)


def architecture_of(config: UNetConfig) -> Architecture:
    """Return what other programs build a U-Net from."""
    kwargs = config.model_dump(exclude={"name", "num_classes"})
    kwargs |= {
        "out_channels": config.num_classes,
        "flat_levels": config.flat_levels or 0,
    }
    return Architecture("napari_unet.model.architecture", "UNet", kwargs)


def _up(config: UNetConfig, width: int, scale: tuple[int, ...]) -> nn.Module:
    """Return what doubles the sides and halves the channels to `width`."""
    if config.upsampling == "linear":
        return LinearUp(width, scale, int(config.padding == "valid"))
    return up_conv(2 * width, width, scale)


def _conv(
    config: UNetConfig, inputs: int, outputs: int, *, norm: bool = True
) -> list[nn.Module]:
    padding = 1 if config.padding == "same" else 0
    conv = CONV[config.ndim](inputs, outputs, kernel_size=3, padding=padding)
    layers: list[nn.Module] = [conv]
    if norm and config.norm != "none":
        layers.append(norm_layer(config.norm, config.ndim - 2, outputs))
    return [*layers, _ACTIVATION[config.activation]()]
