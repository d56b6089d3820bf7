"""Networks for classification as fully convolutional networks.

Either with the answers of several levels added up, as FCN-8s of Long, Shelhamer and
Darrell (2015), or with the decoder of a U-Net.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_unet.config import NetworkConfig
from napari_unet.config.encoder_layers import Branches, Chain, Conv, Pool
from napari_unet.config.encoders import EncoderConfig
from napari_unet.config.layer_path import Window
from napari_unet.model.networks.convolutions import (
    AVERAGE,
    CONV,
    DROPOUT,
    POOL,
    conv_block,
    up_conv,
)
from napari_unet.model.networks.segmentation_network import (
    SegmentationNetwork,
    initialise,
)

_HEAD_CHANNELS = 16
"""Times the channels of the first level; the paper's 4,096 are for 1,000 classes."""
_DECODER_CHANNELS = (1, 2, 4, 8)
"""Of each level from the top, times those of the first; below, as the last."""


class EncoderNetwork(SegmentationNetwork):
    """An encoder, and what makes an answer for every pixel from its levels.

    Parameters
    ----------
    config
        Shape of the network.

    Attributes
    ----------
    widths
        Channels of every level, from the top down.
    """

    config: EncoderConfig

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = encoder_levels(config, config.levels)
        self.widths = widths_of(self.encoder)
        self.dropout = DROPOUT[config.ndim](config.dropout)
        self.decoder: _FullyConvolutional | _Expanding
        if config.decoder == "unet":
            self.decoder = _Expanding(config, self.widths)
        else:
            self.decoder = _FullyConvolutional(config, self.widths)
        self.head = self.decoder.make_head()
        self.apply(initialise)
        for layer in self.encoder.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.eps = config.norm_eps

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to logits (B, num_classes, [Z,] Y, X)."""
        features = []
        for level in self.encoder:
            image = level(image)
            features.append(image)
        features[-1] = self.dropout(features[-1])
        logits: Tensor = self.decoder(features, self.head)
        return logits


class _FullyConvolutional(nn.Module):
    """Answers of the last levels, enlarged and added up."""

    def __init__(self, config: EncoderConfig, widths: list[int]) -> None:
        super().__init__()
        self._config = config
        hidden = _HEAD_CHANNELS * config.base_channels
        self._inputs = [hidden, *widths[::-1][1 : config.fused]]
        self.classifier = nn.Sequential(
            *conv_block(
                config, widths[-1], hidden, Window(3, dilation=config.head_dilation)
            ),
            DROPOUT[config.ndim](config.dropout),
            *conv_block(config, hidden, hidden, Window(1)),
        )
        axes = range(-config.ndim, 0)
        steps = zip(*(config.enlargements(axis) for axis in axes), strict=True)
        self._steps = [[float(factor) for factor in scale] for scale in steps]
        self._mode = "bilinear" if config.ndim == 2 else "trilinear"

    def make_head(self) -> nn.ModuleList:
        """Return what answers for the classes, the deepest level first."""
        conv, classes = CONV[self._config.ndim], self._config.num_classes
        return nn.ModuleList(conv(width, classes, 1) for width in self._inputs)

    def forward(self, features: list[Tensor], head: nn.ModuleList) -> Tensor:
        """Return logits of the size of the first features."""
        answer: Tensor = head[0](self.classifier(features.pop()))
        for scale, above in zip(self._steps[:-1], head[1:], strict=True):
            answer = self._enlarged(answer, scale) + above(features.pop())
        return self._enlarged(answer, self._steps[-1])

    def _enlarged(self, image: Tensor, scale: list[float]) -> Tensor:
        return F.interpolate(image, scale_factor=scale, mode=self._mode)


class _Expanding(nn.Module):
    """The expanding path of a U-Net, with skip connections from every level."""

    def __init__(self, config: EncoderConfig, widths: list[int]) -> None:
        super().__init__()
        self._config = config
        outputs = [
            config.base_channels * _DECODER_CHANNELS[min(level, 3)]
            for level in range(len(widths))
        ]
        ups, blocks, inputs = [], [], widths[-1]
        for level in reversed(range(len(widths) - 1)):
            width = outputs[level]
            ups.append(up_conv(inputs, width, config.scales[level]))
            blocks.append(
                nn.Sequential(
                    *conv_block(config, width + widths[level], width, Window(3)),
                    *conv_block(config, width, width, Window(3)),
                )
            )
            inputs = width
        self.up, self.blocks = nn.ModuleList(ups), nn.ModuleList(blocks)

    def make_head(self) -> nn.Module:
        """Return what answers for the classes."""
        config = self._config
        return CONV[config.ndim](config.base_channels, config.num_classes, 1)

    def forward(self, features: list[Tensor], head: nn.Module) -> Tensor:
        """Return logits of the size of the first features."""
        image = features.pop()
        for up, block in zip(self.up, self.blocks, strict=True):
            image = block(torch.cat([features.pop(), up(image)], dim=1))
        logits: Tensor = head(image)
        return logits


def encoder_levels(config: NetworkConfig, levels: Sequence[Chain]) -> nn.ModuleList:
    """Return an encoder; every level but the first divides the sides."""
    made, channels = [], config.in_channels
    scales = [(1,) * config.ndim, *config.scales]
    for chain, scale in zip(levels, scales, strict=True):
        level = ChainedLayers(config, chain, channels, scale)
        channels = level.channels
        made.append(level)
    return nn.ModuleList(made)


def widths_of(levels: nn.ModuleList) -> list[int]:
    """Return how many channels levels give."""
    return [level.channels for level in levels if isinstance(level, ChainedLayers)]


class ChainedLayers(nn.Sequential):
    """The layers of a chain, in the order in which torchvision has them.

    Attributes
    ----------
    channels
        That it gives.
    """

    channels: int

    def __init__(
        self,
        config: NetworkConfig,
        chain: Chain,
        inputs: int,
        scale: tuple[int, ...],
    ) -> None:
        made: list[nn.Module] = []
        for layer in chain:
            strides = scale if layer.stride > 1 else (1,) * config.ndim
            if isinstance(layer, Branches):
                side_by_side = _Branches(config, layer, inputs, scale)
                inputs = side_by_side.channels
                made.append(side_by_side)
                continue
            axes = range(-config.ndim, 0)
            windows = [layer.window(*one) for one in zip(axes, strides, strict=True)]
            if isinstance(layer, Conv):
                outputs = config.scaled(layer.channels)
                made += conv_block(config, inputs, outputs, *windows)
                inputs = outputs
            else:
                made.append(_pool(layer, windows))
        super().__init__(*made)
        self.channels = inputs


class _Branches(nn.ModuleList):
    """Chains side by side, whose channels are joined."""

    def __init__(
        self,
        config: NetworkConfig,
        branches: Branches,
        inputs: int,
        scale: tuple[int, ...],
    ) -> None:
        chains = [ChainedLayers(config, one, inputs, scale) for one in branches.chains]
        super().__init__(chains)
        self.channels: int = sum(one.channels for one in chains)

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to the channels of all chains."""
        return torch.cat([one(image) for one in self], dim=1)


def _pool(layer: Pool, windows: list[Window]) -> nn.Module:
    kernel = tuple(one.kernel for one in windows)
    stride = tuple(one.stride for one in windows)
    padding = tuple(one.before for one in windows)
    kinds = AVERAGE if layer.average else POOL
    return kinds[len(windows)](kernel, stride, padding)
