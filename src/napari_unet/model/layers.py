"""Layers of the network that torch does not have as they are needed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UpConv2d(nn.ConvTranspose2d):
    """Up-convolution, 2x2 with a stride of 2 (paper, figure 1)."""

    def forward(self, image: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (B, C, Y, X) to (B, C / 2, 2 Y, 2 X)."""
        on_cpu = image.device.type == "cpu" and image.dtype == torch.bfloat16
        if on_cpu and torch.is_grad_enabled():
            return _fill_blocks(image, self.weight, self.bias)
        return super().forward(image, output_size)


def centre(image: Tensor, size: Sequence[int]) -> Tensor:
    """Crop the middle, as of a skip connection that valid convolutions left larger."""
    box: list[Any] = [slice(None), slice(None)]
    for have, want in zip(image.shape[2:], size, strict=True):
        start = (have - want) // 2
        box.append(slice(start, start + want))
    return image[tuple(box)]


def _fill_blocks(image: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Up-convolve as a linear layer: every input pixel fills 2x2 pixels by itself.

    On the CPU the gradient of torch's own layer is slower in bfloat16
    (benchmarks/network.py).
    """
    inputs, outputs = weight.shape[:2]
    rows = weight.permute(2, 3, 1, 0).reshape(-1, inputs)
    offsets = None if bias is None else bias.repeat(4)
    blocks = F.linear(image.permute(0, 2, 3, 1), rows, offsets)
    batch, height, width, _ = blocks.shape
    blocks = blocks.view(batch, height, width, 2, 2, outputs).transpose(2, 3)
    larger = blocks.reshape(batch, 2 * height, 2 * width, outputs)
    return larger.permute(0, 3, 1, 2)
