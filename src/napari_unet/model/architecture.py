"""The U-Net of a model of napari-unet for other programs; needs nothing but torch.

A package of a model holds this file beside the weights, for programs that load a
network from its source. Names of the weights are those of napari-unet. The network
gives probabilities: softmax or, of one output, sigmoid is its last layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_CONV: list[type[nn.Module]] = [nn.Conv2d, nn.Conv3d]
_UP: list[type[nn.Module]] = [nn.ConvTranspose2d, nn.ConvTranspose3d]
_POOL: list[type[nn.Module]] = [nn.MaxPool2d, nn.MaxPool3d]
_DROPOUT: list[type[nn.Module]] = [nn.Dropout2d, nn.Dropout3d]
_BATCH_NORM: list[type[nn.Module]] = [nn.BatchNorm2d, nn.BatchNorm3d]
_ACTIVATION: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "silu": nn.SiLU,
}


class UNet(nn.Module):
    """The U-Net of Ronneberger, Fischer and Brox (2015), in two or three dimensions.

    Parameters
    ----------
    ndim
        2 or 3.
    in_channels
        Channels of the image.
    out_channels
        Classes, background included; 1 is foreground alone.
    base_channels
        Channels of the first level, doubled at every level below.
    depth
        Number of poolings.
    padding
        "same" or, as in the paper, "valid".
    norm
        "none", "batch", "instance" or "group": what follows a convolution.
    norm_last
        Whether it follows the last 3x3 convolution, too.
    activation
        "relu", "leaky_relu", "elu" or "silu".
    dropout
        Share of channels that training drops at the end of the contracting path.
    upsampling
        "transposed" (up-convolution) or "linear" (interpolation).
    flat_levels
        Number of first poolings that leave Z alone.
    """

    def __init__(  # noqa: PLR0913
        self,
        ndim: int = 2,
        in_channels: int = 1,
        out_channels: int = 2,
        base_channels: int = 16,
        depth: int = 4,
        padding: str = "same",
        norm: str = "batch",
        norm_last: bool = True,
        activation: str = "relu",
        dropout: float = 0.0,
        upsampling: str = "transposed",
        flat_levels: int = 0,
    ) -> None:
        super().__init__()
        of = ndim - 2
        pad = int(padding == "same")

        def double_conv(inputs: int, outputs: int, last: bool = True) -> nn.Module:
            layers: list[nn.Module] = []
            for entering, is_normed in ((inputs, True), (outputs, last)):
                layers.append(_CONV[of](entering, outputs, kernel_size=3, padding=pad))
                if is_normed and norm != "none":
                    layers.append(norm_layer(norm, of, outputs))
                layers.append(_ACTIVATION[activation]())
            return nn.Sequential(*layers)

        widths = [base_channels * 2**level for level in range(depth + 1)]
        scales = [(1 if level < flat_levels else 2, 2, 2) for level in range(depth)]
        factors = [scale[-ndim:] for scale in scales]
        self.encoder = nn.ModuleList(
            double_conv(a, b)
            for a, b in zip([in_channels, *widths[:-1]], widths, strict=True)
        )
        self.pool = nn.ModuleList(_POOL[of](scale) for scale in factors)
        self.dropout = _DROPOUT[of](dropout)
        up: list[nn.Module] = []
        decoder: list[nn.Module] = []
        for width, scale in zip(widths[-2::-1], factors[::-1], strict=True):
            if upsampling == "linear":
                up.append(LinearUp(width, scale, 1 - pad))
            else:
                up.append(_UP[of](2 * width, width, kernel_size=scale, stride=scale))
            last = norm_last or width > base_channels
            decoder.append(double_conv(2 * width, width, last))
        self.up, self.decoder = nn.ModuleList(up), nn.ModuleList(decoder)
        self.head = _CONV[of](base_channels, out_channels, kernel_size=1)
        self.final = nn.Sigmoid() if out_channels == 1 else nn.Softmax(dim=1)
        self.margins = _margins(factors, upsampling) if pad == 0 else None

    def forward(self, image: Tensor) -> Tensor:
        """Map a normalised (B, C, [Z,] Y, X) image to probabilities."""
        skips = []
        depth = len(self.pool)
        for level, block in enumerate(self.encoder):
            image = block(image)
            if level >= depth - 1:
                image = self.dropout(image)
            if level < depth:
                skips.append(image)
                image = self.pool[level](image)
        for level, (up, block) in enumerate(zip(self.up, self.decoder, strict=True)):
            skip = skips.pop()
            if self.margins is not None:
                skip = _cropped(skip, self.margins[level])
            image = block(torch.cat([skip, up(image)], dim=1))
        probabilities: Tensor = self.final(self.head(image))
        return probabilities


class LinearUp(nn.Module):
    """Linear interpolation with a 1x1 convolution, in place of an up-convolution.

    The convolution, which halves the channels, comes first: both orders give the same
    numbers, and it is cheaper on the small image. `border` pixels are cropped at every
    side that was interpolated: without padding one, which would need a neighbour
    outside of the image.
    """

    def __init__(self, outputs: int, scale: tuple[int, ...], border: int) -> None:
        super().__init__()
        self.conv = _CONV[len(scale) - 2](2 * outputs, outputs, kernel_size=1)
        self.scale = [float(factor) for factor in scale]
        self.mode = "bilinear" if len(scale) == 2 else "trilinear"
        self.border = [border * (factor - 1) for factor in scale]

    def forward(self, image: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to half the channels and larger sides."""
        image = F.interpolate(self.conv(image), scale_factor=self.scale, mode=self.mode)
        return _cropped(image, self.border)


class GroupNorm(nn.GroupNorm):
    """Group normalisation that lets a single value pass, which becomes the bias.

    torch's own layer refuses one, and an image as small as the pooling grid has one; no
    tracer follows its check of sizes either.
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


def norm_layer(norm: str, of: int, channels: int) -> nn.Module:
    """Return what normalises channels, in 2 dimensions (`of` is 0) or 3 (1)."""
    if norm == "batch":
        return _BATCH_NORM[of](channels)
    if norm == "instance":
        return InstanceNorm(channels, affine=True)
    return GroupNorm(math.gcd(8, channels), channels)


def _margins(factors: list[tuple[int, ...]], upsampling: str) -> list[list[int]]:
    """Return how far a skip connection is cropped on every side, the deepest first.

    Without padding two convolutions take 4 pixels of a side, and so does all that lies
    below a pooling, times its factor.
    """
    lost = [4] * len(factors[0])
    margins = []
    for scale in reversed(factors):
        linear = [2 * (factor - 1) * (upsampling == "linear") for factor in scale]
        lost = [f * n + more for f, n, more in zip(scale, lost, linear, strict=True)]
        margins.append([n // 2 for n in lost])
        lost = [n + 8 for n in lost]
    return margins


def _cropped(image: Tensor, margins: list[int]) -> Tensor:
    """Take away as many pixels on both sides of Z, Y and X."""
    for axis, margin in enumerate(margins, start=2):
        if margin > 0:
            image = image.narrow(axis, margin, image.shape[axis] - 2 * margin)
    return image
