"""SegNet of Badrinarayanan, Kendall and Cipolla (2017), in two and three dimensions."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from napari_unet.config import SegNetConfig
from napari_unet.config.layer_path import Window
from napari_unet.model.networks.convolutions import CONV, DROPOUT, POOL, conv_block
from napari_unet.model.networks.segmentation_network import (
    SegmentationNetwork,
    initialise,
)


class SegNet(SegmentationNetwork):
    """The convolutions of VGG-16 and, after them, their mirror image (figure 2).

    Nothing goes from one side to the other but the indices of the poolings: the decoder
    puts each value back where the maximum was, with zeros beside it.

    Parameters
    ----------
    config
        Shape of the network.
    """

    def __init__(self, config: SegNetConfig) -> None:
        super().__init__()
        self.config = config
        of, widths = config.ndim, config.widths
        inputs = (config.in_channels, *widths[:-1])
        levels = list(zip(inputs, widths, config.convolutions, strict=True))
        self.encoder = nn.ModuleList(
            _level([a, *[b] * count], config) for a, b, count in levels
        )
        self.pool = nn.ModuleList(
            POOL[of](scale, return_indices=True) for scale in config.scales
        )
        self.dropout = DROPOUT[of](config.dropout)
        # The paper's decoder keeps the channels of a level until its last convolution.
        outputs = (widths[0], *widths[:-1])
        self.decoder = nn.ModuleList(
            _level([*[b] * count, a], config)
            for a, b, count in zip(
                reversed(outputs),
                reversed(widths),
                reversed(config.convolutions),
                strict=True,
            )
        )
        self.head = CONV[of](widths[0], config.num_classes, kernel_size=1)
        self.apply(initialise)

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to logits (B, num_classes, [Z,] Y, X)."""
        places = []
        for block, pool in zip(self.encoder, self.pool, strict=True):
            image = block(image)
            shape = image.shape
            image, indices = pool(image)
            places.append((indices, shape))
        image = self.dropout(image)
        for block in self.decoder:
            image = block(unpool(image, *places.pop()))
        logits: Tensor = self.head(image)
        return logits


def unpool(image: Tensor, indices: Tensor, shape: torch.Size) -> Tensor:
    """Put values back where their maxima were in `shape`, with zeros elsewhere.

    torch's own unpooling is unknown to ONNX.
    """
    empty = image.new_zeros(shape).flatten(2)
    full = empty.scatter(2, indices.flatten(2), image.flatten(2))
    return full.view(shape)


def _level(channels: list[int], config: SegNetConfig) -> nn.Sequential:
    """Return 3x3 convolutions through some numbers of channels."""
    blocks = [conv_block(config, a, b, Window(3)) for a, b in pairwise(channels)]
    return nn.Sequential(*(layer for block in blocks for layer in block))
