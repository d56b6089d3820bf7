"""Layers that networks are made of, by their number of dimensions."""

from __future__ import annotations

from torch import nn

from napari_unet.config import NetworkConfig
from napari_unet.config.layer_path import Window
from napari_unet.model.architecture import norm_layer
from napari_unet.model.layers import UpConv2d

CONV: dict[int, type[nn.Module]] = {2: nn.Conv2d, 3: nn.Conv3d}
POOL: dict[int, type[nn.Module]] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
AVERAGE: dict[int, type[nn.Module]] = {
    # As torchvision's Inception-v3, whose means count the zeros beyond the border.
    2: nn.AvgPool2d,
    3: nn.AvgPool3d,
}
DROPOUT: dict[int, type[nn.Module]] = {2: nn.Dropout2d, 3: nn.Dropout3d}
_UP: dict[int, type[nn.Module]] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


def up_conv(inputs: int, outputs: int, scale: tuple[int, ...]) -> nn.Module:
    """Return a learnt up-convolution by the factors of the axes."""
    made = UpConv2d if scale == (2, 2) else _UP[len(scale)]
    return made(inputs, outputs, kernel_size=scale, stride=scale)


def conv_block(
    config: NetworkConfig, inputs: int, outputs: int, *windows: Window
) -> list[nn.Module]:
    """Return a convolution, its normalisation and a ReLU.

    Give one window for all axes, or one for each.
    """
    if len(windows) == 1:
        windows *= config.ndim
    conv = CONV[config.ndim](
        inputs,
        outputs,
        tuple(one.kernel for one in windows),
        tuple(one.stride for one in windows),
        tuple(one.before for one in windows),
        tuple(one.dilation for one in windows),
    )
    layers: list[nn.Module] = [conv]
    if config.norm != "none":
        layers.append(norm_layer(config.norm, config.ndim - 2, outputs))
    return [*layers, nn.ReLU(inplace=True)]
