"""Layers of the network that torch does not have as they are needed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class GroupNorm(nn.GroupNorm):
    """Group normalisation that lets a single value pass, which becomes the bias.

    torch's own layer refuses one, and an image as small as the pooling grid has one.
    """

    def forward(self, image: Tensor) -> Tensor:
        """Normalise (B, C, [Z,] Y, X)."""
        return torch.group_norm(
            image, self.num_groups, self.weight, self.bias, self.eps
        )


class InstanceNorm(nn.InstanceNorm2d):
    """Instance normalisation of any dimensions, with the same leave."""

    def forward(self, image: Tensor) -> Tensor:
        """Normalise (B, C, [Z,] Y, X)."""
        fast = torch.backends.cudnn.enabled
        return torch.instance_norm(
            image, self.weight, self.bias, None, None, True, 0.0, self.eps, fast
        )


class UpConv2d(nn.ConvTranspose2d):
    """Up-convolution, 2x2 with a stride of 2 (paper, figure 1)."""

    def forward(self, image: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Map (B, C, Y, X) to (B, C / 2, 2 Y, 2 X)."""
        on_cpu = image.device.type == "cpu" and image.dtype == torch.bfloat16
        if on_cpu and torch.is_grad_enabled():
            return _fill_blocks(image, self.weight, self.bias)
        return super().forward(image, output_size)


class LinearUp(nn.Module):
    """Linear interpolation with a 1x1 convolution, in place of an up-convolution.

    The convolution comes first: both orders give the same numbers, and it is cheaper
    on the small image. With `crop` a pixel is lost at every side that was
    interpolated, which would need a neighbour outside of the image.
    """

    def __init__(
        self, inputs: int, outputs: int, scale: tuple[int, ...], *, crop: bool
    ) -> None:
        super().__init__()
        conv = nn.Conv2d if len(scale) == 2 else nn.Conv3d
        self.conv = conv(inputs, outputs, kernel_size=1)
        self.scale = scale
        self.mode = "bilinear" if len(scale) == 2 else "trilinear"
        self.crop = crop

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to half the channels and larger sides."""
        scale = [float(factor) for factor in self.scale]
        image = F.interpolate(self.conv(image), scale_factor=scale, mode=self.mode)
        sides = zip(image.shape[2:], self.scale, strict=True)
        return centre(image, [n - 2 * self.crop * (f > 1) for n, f in sides])


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
