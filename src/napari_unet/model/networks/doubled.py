"""DoubleU-Net of Jha et al. (2020), in two and three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_unet.config.double_unet import DoubleUNetConfig
from napari_unet.config.layer_path import Window
from napari_unet.model.networks.convolutions import CONV, DROPOUT, conv_block
from napari_unet.model.networks.encoder_network import (
    ChainedLayers,
    encoder_levels,
    widths_of,
)
from napari_unet.model.networks.segmentation_network import (
    SegmentationNetwork,
    initialise,
)


class DoubleUNet(SegmentationNetwork):
    """Two U-Nets: the second is shown the image where the first found something.

    Its decoder gets skip connections of both encoders, and the answers are added up
    (the paper keeps both). Squeeze-and-excitation and the pooling of the whole image
    are left out: with them an answer would depend on where a tile is cut.

    Parameters
    ----------
    config
        Shape of the network.
    """

    config: DoubleUNetConfig
    head: nn.ModuleList

    def __init__(self, config: DoubleUNetConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder_levels(config, config.levels)
        self.second_encoder = encoder_levels(config, config.second_levels)
        widths = [widths_of(one) for one in (self.encoder, self.second_encoder)]
        flat = (1,) * config.ndim
        self.context = nn.ModuleList(
            ChainedLayers(config, config.context, own[-1], flat) for own in widths
        )
        below = widths_of(self.context)
        skips = [widths[0], [a + b for a, b in zip(*widths, strict=True)]]
        self.decoders = nn.ModuleList(
            _Decoder(config, *one) for one in zip(below, skips, strict=True)
        )
        self.dropout = DROPOUT[config.ndim](config.dropout)
        width = config.scaled(config.decoded[0])
        conv, classes = CONV[config.ndim], config.num_classes
        self.head = nn.ModuleList(conv(width, classes, 1) for _ in range(2))
        self.apply(initialise)

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to logits (B, num_classes, [Z,] Y, X)."""
        features = _features(self.encoder, image)
        bottom = self.context[0](self.dropout(features.pop()))
        first: Tensor = self.head[0](self.decoders[0](bottom, features))
        again = _features(self.second_encoder, image * self._found(first))
        bottom = self.context[1](self.dropout(again.pop()))
        both = [torch.cat(pair, dim=1) for pair in zip(features, again, strict=True)]
        second: Tensor = self.head[1](self.decoders[1](bottom, both))
        return first + second

    def _found(self, logits: Tensor) -> Tensor:
        """Return the probability of anything but background, (B, 1, [Z,] Y, X)."""
        if self.config.num_classes == 1:
            return logits.sigmoid()
        return 1 - logits.softmax(dim=1)[:, :1]


class _Decoder(nn.Module):
    """Interpolation, skip connection and two convolutions, level by level."""

    def __init__(
        self, config: DoubleUNetConfig, inputs: int, skips: Sequence[int]
    ) -> None:
        super().__init__()
        blocks = []
        for level in reversed(range(len(config.decoded))):
            width = config.scaled(config.decoded[level])
            first = conv_block(config, inputs + skips[level], width, Window(3))
            second = conv_block(config, width, width, Window(3))
            blocks.append(nn.Sequential(*first, *second))
            inputs = width
        self.blocks = nn.ModuleList(blocks)
        self._scales = [[float(n) for n in one] for one in reversed(config.scales)]
        self._mode = "bilinear" if config.ndim == 2 else "trilinear"

    def forward(self, image: Tensor, skips: Sequence[Tensor]) -> Tensor:
        """Return what the top level makes of the bottom and of skip connections."""
        levels = zip(self.blocks, self._scales, reversed(skips), strict=True)
        for block, scale, skip in levels:
            image = F.interpolate(image, scale_factor=scale, mode=self._mode)
            image = block(torch.cat([skip, image], dim=1))
        return image


def _features(encoder: nn.ModuleList, image: Tensor) -> list[Tensor]:
    found = []
    for level in encoder:
        image = level(image)
        found.append(image)
    return found
