"""Networks for classification, made to answer for every pixel."""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field

from napari_unet.config.encoder_layers import Branches, Chain, Conv, Pool, path_of
from napari_unet.config.layer_path import Enlargement, Path, Window
from napari_unet.config.network import NetworkConfig, Source


class EncoderConfig(NetworkConfig):
    """The layers of a network for classification, and a decoder after them.

    Attributes
    ----------
    levels
        Layers of every level; every level but the first divides the sides.
    fused
        Levels whose answers an FCN-8s adds up, from the bottom.
    norm_eps
        What the variance of a batch is enlarged by, as of the weights in the world.
    head_dilation
        Of the first convolution of a head as of FCN-8s.
    """

    levels: ClassVar[tuple[Chain, ...]]
    fused: ClassVar[int] = 3
    head_dilation: ClassVar[int] = 1
    norm_eps: ClassVar[float] = 1e-5

    decoder: Literal["fcn", "unet"] = Field("fcn", title="Decoder")
    """fcn: the answers of the last three levels are enlarged and added up, as in
    FCN-8s; unet: up-convolutions with skip connections, as in the U-Net."""

    @property
    def poolings(self) -> tuple[int, ...]:
        """What every level divides Y and X by, from the top level down."""
        levels = self.levels[1:]
        return tuple(math.prod(one.stride for one in level) for level in levels)

    def path(self, axis: int) -> Path:
        """Return the layers along the deepest way; -1 is X, -2 is Y, and -3 is Z."""
        factors = self.factors(axis)
        path = path_of(self.levels[0], axis)
        for level, factor in zip(self.levels[1:], factors, strict=True):
            path += path_of(level, axis, flat=factor == 1)
        if self.decoder == "unet":
            for factor in reversed(factors):
                path += (Enlargement(factor), Window(3), Window(3))
            return path
        path += (Window(3, dilation=self.head_dilation),)
        for enlarged in self.enlargements(axis):
            path += (Enlargement(enlarged, linear=True),)
        return path

    def enlargements(self, axis: int) -> list[int]:
        """Return by how much an FCN enlarges what it has added up, step by step."""
        below = self.fused - 1
        factors = self.factors(axis)[::-1]
        return [*factors[:below], math.prod(factors[below:])]


class AlexNetConfig(EncoderConfig):
    """AlexNet, fully convolutional."""

    title: ClassVar[str] = "AlexNet"
    encoder_title: ClassVar[str] = "AlexNet"
    source: ClassVar[Source] = Source(
        "Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep "
        "Convolutional Neural Networks. Communications of the ACM 2017",
        "10.1145/3065386",
    )
    levels: ClassVar[tuple[Chain, ...]] = (
        (),
        (Conv(64, 11, 4),),
        (Pool(3), Conv(192, 5)),
        (Pool(3), Conv(384), Conv(256), Conv(256)),
        (Pool(3),),
    )

    name: Literal["alexnet"] = Field("alexnet", title="Network")
    """Which network it is."""


_VGG = Source(
    "Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image "
    "Recognition. ICLR 2015",
    "10.48550/arXiv.1409.1556",
)


def _vgg(*counts: int) -> tuple[Chain, ...]:
    """Return levels of some 3x3 convolutions each, and the last pooling."""
    widths = (64, 128, 256, 512, 512)
    levels: list[Chain] = [
        (Pool(), *(Conv(width),) * count)
        for width, count in zip(widths, counts, strict=True)
    ]
    return (levels[0][1:], *levels[1:], (Pool(),))


class VGG16Config(EncoderConfig):
    """VGG-16, fully convolutional."""

    title: ClassVar[str] = "VGG-16"
    encoder_title: ClassVar[str] = "VGG-16"
    source: ClassVar[Source] = _VGG
    levels: ClassVar[tuple[Chain, ...]] = _vgg(2, 2, 3, 3, 3)

    name: Literal["vgg16"] = Field("vgg16", title="Network")
    """Which network it is."""


class VGG19Config(EncoderConfig):
    """VGG-19, fully convolutional."""

    title: ClassVar[str] = "VGG-19"
    encoder_title: ClassVar[str] = "VGG-19"
    source: ClassVar[Source] = _VGG
    levels: ClassVar[tuple[Chain, ...]] = _vgg(2, 2, 4, 4, 4)

    name: Literal["vgg19"] = Field("vgg19", title="Network")
    """Which network it is."""


class DilatedVGGConfig(EncoderConfig):
    """VGG-16 whose last two poolings became dilated convolutions."""

    title: ClassVar[str] = "dilated VGG-16"
    encoder_title: ClassVar[str] = "VGG-16"
    source: ClassVar[Source] = Source(
        "Yu, Koltun: Multi-Scale Context Aggregation by Dilated Convolutions. "
        "ICLR 2016",
        "10.48550/arXiv.1511.07122",
    )
    levels: ClassVar[tuple[Chain, ...]] = (
        *_vgg(2, 2, 3, 3, 3)[:3],
        (Pool(), *(Conv(512),) * 3, *(Conv(512, dilation=2),) * 3),
    )
    fused: ClassVar[int] = 1
    head_dilation: ClassVar[int] = 4

    name: Literal["vgg16-dilated"] = Field("vgg16-dilated", title="Network")
    """Which network it is."""


def _inception_a(pooled: int) -> Branches:
    return Branches(
        (
            (Conv(64, 1),),
            (Conv(48, 1), Conv(64, 5)),
            (Conv(64, 1), Conv(96), Conv(96)),
            (Pool(3, 1, average=True), Conv(pooled, 1)),
        )
    )


def _inception_b() -> Branches:
    return Branches(
        (
            (Conv(384, 3, 2),),
            (Conv(64, 1), Conv(96), Conv(96, 3, 2)),
            (Pool(3),),
        )
    )


def _inception_c(inner: int) -> Branches:
    wide, high = (1, 7), (7, 1)
    return Branches(
        (
            (Conv(192, 1),),
            (Conv(inner, 1), Conv(inner, wide), Conv(192, high)),
            (
                *(Conv(inner, 1), Conv(inner, high), Conv(inner, wide)),
                *(Conv(inner, high), Conv(192, wide)),
            ),
            (Pool(3, 1, average=True), Conv(192, 1)),
        )
    )


def _inception_d() -> Branches:
    return Branches(
        (
            (Conv(192, 1), Conv(320, 3, 2)),
            (Conv(192, 1), Conv(192, (1, 7)), Conv(192, (7, 1)), Conv(192, 3, 2)),
            (Pool(3),),
        )
    )


def _inception_e() -> Branches:
    split = Branches(((Conv(384, (1, 3)),), (Conv(384, (3, 1)),)))
    return Branches(
        (
            (Conv(320, 1),),
            (Conv(384, 1), split),
            (Conv(448, 1), Conv(384), split),
            (Pool(3, 1, average=True), Conv(192, 1)),
        )
    )


class InceptionConfig(EncoderConfig):
    """Inception-v3, fully convolutional."""

    title: ClassVar[str] = "Inception-v3"
    encoder_title: ClassVar[str] = "Inception-v3"
    source: ClassVar[Source] = Source(
        "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna: Rethinking the Inception "
        "Architecture for Computer Vision. CVPR 2016",
        "10.1109/CVPR.2016.308",
    )
    full_channels: ClassVar[int] = 32
    norm_eps: ClassVar[float] = 1e-3
    levels: ClassVar[tuple[Chain, ...]] = (
        (),
        (Conv(32, 3, 2), Conv(32), Conv(64)),
        (Pool(3), Conv(80, 1), Conv(192)),
        (Pool(3), _inception_a(32), _inception_a(64), _inception_a(64)),
        (_inception_b(), *map(_inception_c, (128, 160, 160, 192))),
        (_inception_d(), _inception_e(), _inception_e()),
    )

    name: Literal["inception3"] = Field("inception3", title="Network")
    """Which network it is."""
    ndim: Literal[2] = Field(2, title="Dimensions")
    """Every slice is taken by itself: its kernels of 1x7 and 7x1 lie in a plane."""


ENCODERS: tuple[type[EncoderConfig], ...] = (
    AlexNetConfig,
    VGG16Config,
    VGG19Config,
    DilatedVGGConfig,
    InceptionConfig,
)
