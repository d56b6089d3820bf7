"""DoubleU-Net: a U-Net whose answer a second one looks at."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from napari_unet.config.encoder_layers import Branches, Chain, Conv, Pool, path_of
from napari_unet.config.encoders import VGG19Config
from napari_unet.config.layer_path import Enlargement, Path, Window
from napari_unet.config.network import NetworkConfig, Source


class DoubleUNetConfig(NetworkConfig):
    """DoubleU-Net, without what averages over the whole image.

    Attributes
    ----------
    levels, second_levels
        Layers of both encoders.
    context
        Dilated convolutions side by side, at the bottom of both.
    decoded
        Channels of the decoders, from the top down.
    """

    title: ClassVar[str] = "DoubleU-Net"
    encoder_title: ClassVar[str] = "VGG-19"
    source: ClassVar[Source] = Source(
        "Jha, Riegler, Johansen, Halvorsen, Johansen: DoubleU-Net: A Deep "
        "Convolutional Neural Network for Medical Image Segmentation. CBMS 2020",
        "10.1109/CBMS49503.2020.00111",
    )
    levels: ClassVar[tuple[Chain, ...]] = VGG19Config.levels[:5]
    second_levels: ClassVar[tuple[Chain, ...]] = (
        (Conv(32), Conv(32)),
        *((Pool(), Conv(width), Conv(width)) for width in (64, 128, 256)),
        (Pool(),),
    )
    context: ClassVar[Chain] = (
        Branches(
            ((Conv(64, 1),), *((Conv(64, 3, 1, rate),) for rate in (6, 12, 18))),
        ),
        Conv(64, 1),
    )
    decoded: ClassVar[tuple[int, ...]] = (32, 64, 128, 256)

    name: Literal["doubleunet"] = Field("doubleunet", title="Network")
    """Which network it is."""

    @property
    def poolings(self) -> tuple[int, ...]:
        """What every pooling divides Y and X by, from the top level down."""
        return (2,) * 4

    def path(self, axis: int) -> Path:
        """Return the layers along the deepest way; -1 is X, -2 is Y, and -3 is Z."""
        return self._half(self.levels, axis) + self._half(self.second_levels, axis)

    def _half(self, levels: tuple[Chain, ...], axis: int) -> Path:
        factors = self.factors(axis)
        path = path_of(levels[0], axis)
        for level, factor in zip(levels[1:], factors, strict=True):
            path += path_of(level, axis, flat=factor == 1)
        path += path_of(self.context, axis)
        for factor in reversed(factors):
            path += (Enlargement(factor, linear=True), Window(3), Window(3))
        return path
