"""The networks that there are, each with its settings.

A new one is a class here, added to `NETWORKS`, and its layers in
`napari_unet.model.networks`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Field, SerializeAsAny
from pydantic_core import PydanticCustomError

from napari_unet.config.double_unet import DoubleUNetConfig
from napari_unet.config.encoders import ENCODERS
from napari_unet.config.layer_path import Enlargement, Path, Window
from napari_unet.config.network import NetworkConfig, NetworkSize, Source
from napari_unet.errors import InputError
from napari_unet.words import shortened


class UNetConfig(NetworkConfig):
    """The U-Net (paper, figure 1)."""

    title: ClassVar[str] = "U-Net"
    source: ClassVar[Source] = Source(
        "Ronneberger, Fischer, Brox: U-Net: Convolutional Networks for Biomedical "
        "Image Segmentation. MICCAI 2015",
        "10.1007/978-3-319-24574-4_28",
    )

    name: Literal["unet"] = Field("unet", title="Network")
    """Which network it is."""
    depth: int = Field(4, ge=1, le=7, title="Depth (poolings)")
    """How often the image is halved; the paper has 4. Higher sees more of the
    surroundings of each pixel, and needs larger patches."""
    padding: Literal["same", "valid"] = Field("same", title="Padding")
    """same: the output is as large as the input; valid: as in the paper, the output is
    smaller and the image is mirrored at its border, which is slower."""
    norm_last: bool = Field(True, title="Normalise the last")
    """On: after the last 3x3 convolution too; the study's second experiment leaves it
    out."""
    activation: Literal["relu", "leaky_relu", "elu", "silu"] = Field(
        "relu", title="Activation"
    )
    """What follows every convolution; the paper has relu. The others let a little of
    what is negative through."""
    upsampling: Literal["transposed", "linear"] = Field(
        "transposed", title="Upsampling"
    )
    """transposed: learnt 2x2 up-convolutions, as in the paper; linear: interpolation,
    which cannot leave a chequered pattern."""

    @property
    def poolings(self) -> tuple[int, ...]:
        """What every pooling divides Y and X by, from the top level down."""
        return (2,) * self.depth

    def path(self, axis: int) -> Path:
        """Return the layers along the deepest way; -1 is X, -2 is Y, and -3 is Z."""
        padded, linear = self.padding == "same", self.upsampling == "linear"
        double = (Window(3, padded=padded),) * 2
        path: Path = ()
        for factor in self.factors(axis):
            path += (*double, Window(factor, factor))
        path += double
        for factor in reversed(self.factors(axis)):
            path += (Enlargement(factor, linear, padded), *double)
        return path

    def known_size(self) -> NetworkSize:
        """Return what the network takes as a formula says.

        Kept are ten values for each channel of the first level and pixel, as many at
        all other levels together, and the gradients in hand. While predicting, four
        are held at once, where a skip connection is joined; half a one is a margin.
        """
        kernel, up = (9, 4) if self.ndim == 2 else (27, 8)
        widths = [self.base_channels << level for level in range(self.depth + 1)]
        squares = [width**2 for width in widths]
        down = sum(squares) * kernel * 3 // 2
        parameters = down + sum(squares[:-1]) * (2 * up + 3 * kernel)
        kept, peak = 22 * self.base_channels, 4.5 * self.base_channels
        return NetworkSize(parameters, kept, peak)


class SegNetConfig(NetworkConfig):
    """SegNet: a decoder that puts values back where its poolings found them."""

    title: ClassVar[str] = "SegNet"
    encoder_title: ClassVar[str] = "VGG-16"
    source: ClassVar[Source] = Source(
        "Badrinarayanan, Kendall, Cipolla: SegNet: A Deep Convolutional "
        "Encoder-Decoder Architecture for Image Segmentation. IEEE TPAMI 2017",
        "10.1109/TPAMI.2016.2644615",
    )

    name: Literal["segnet"] = Field("segnet", title="Network")
    """Which network it is."""
    depth: int = Field(5, ge=1, le=5, title="Depth (poolings)")
    """How often the image is halved; the paper has 5, as VGG-16. Higher sees more of
    the surroundings of each pixel, and needs larger patches."""

    @property
    def convolutions(self) -> tuple[int, ...]:
        """3x3 convolutions of every level, from the top level down."""
        return (2, 2, 3, 3, 3)[: self.depth]

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of every level, from the top level down."""
        return tuple(self.base_channels * n for n in (1, 2, 4, 8, 8)[: self.depth])

    @property
    def poolings(self) -> tuple[int, ...]:
        """What every pooling divides Y and X by, from the top level down."""
        return (2,) * self.depth

    def path(self, axis: int) -> Path:
        """Return the layers along the deepest way; -1 is X, -2 is Y, and -3 is Z."""
        levels = list(zip(self.convolutions, self.factors(axis), strict=True))
        path: Path = ()
        for count, factor in levels:
            path += (*(Window(3),) * count, Window(factor, factor))
        for count, factor in reversed(levels):
            path += (Enlargement(factor), *(Window(3),) * count)
        return path


class SlidingWindowConfig(NetworkConfig):
    """A window around every pixel: what won the challenge before the U-Net."""

    title: ClassVar[str] = "Sliding window"
    source: ClassVar[Source] = Source(
        "Ciresan, Giusti, Gambardella, Schmidhuber: Deep Neural Networks Segment "
        "Neuronal Membranes in Electron Microscopy Images. NIPS 2012",
        url="https://papers.nips.cc/paper/4741-deep-neural-networks-segment-neuronal-"
        "membranes-in-electron-microscopy-images",
    )
    full_channels: ClassVar[int] = 48

    name: Literal["sliding-window"] = Field("sliding-window", title="Network")
    """Which network it is."""
    ndim: Literal[2] = Field(2, title="Dimensions")
    """It takes every slice by itself."""
    window: Literal[65, 95] = Field(65, title="Window (pixels)")
    """Side of the square around a pixel from which its class is told; the paper has
    both. Larger sees more of the surroundings, and is slower."""
    foveation: bool = Field(False, title="Foveation")
    """On: the outer half of the window is blurred, the more the farther out, so that
    only the centre shows fine detail. Every window is then computed by itself, which
    takes hundreds of times as long: minutes for a slice, and for a preview."""
    nonuniform: bool = Field(False, title="Non-uniform sampling")
    """On: the outer half of the window takes fewer pixels, up to every third, so that
    it sees half as far again. Every window is then computed by itself, as with
    foveation."""

    @property
    def uniform(self) -> bool:
        """Whether all of a window is seen alike, so that windows share their work."""
        return not (self.foveation or self.nonuniform)

    @property
    def places(self) -> tuple[int, ...]:
        """Pixels that a row of the window is made of, counted from the centre.

        From half-way out on, their distance grows evenly from 1 to 3.
        """
        rim = self.window // 2
        inner = rim // 2
        found = []
        for place in range(-rim, rim + 1):
            beyond = max(0, abs(place) - inner) if self.nonuniform else 0
            more = round(beyond**2 / inner)
            found.append(place + (more if place > 0 else -more))
        return tuple(found)

    @property
    def blur(self) -> int:
        """Radius of the disc that the rim of the window is blurred with, in pixels."""
        return self.window // 16 if self.foveation else 0

    @property
    def most_answers(self) -> int | None:
        """Side of what is answered for at once at most, in pixels; None for any."""
        return None if self.uniform else 16

    @property
    def kernels(self) -> tuple[int, ...]:
        """Sides of the convolutions, each of which is followed by a pooling.

        Those of 95 are the paper's; for 65, of which it has no table, the middle two
        are exchanged so that every pooling halves an even side.
        """
        return (4, 5, 4, 4) if self.window == 95 else (4, 4, 5, 4)

    @property
    def left(self) -> int:
        """Side of what the last pooling leaves of a window, in pixels."""
        side: int = self.window
        for kernel in self.kernels:
            side = (side - kernel + 1) // 2
        return side

    @property
    def hidden(self) -> int:
        """Neurons of the fully connected layer; the paper has 200 after 48 channels."""
        return max(1, round(self.base_channels * 200 / self.full_channels))

    @property
    def poolings(self) -> tuple[int, ...]:
        """What every pooling divides Y and X by: nothing, as every pixel is kept."""
        return ()

    @property
    def num_levels(self) -> int:
        """Convolutions before the fully connected layers."""
        return len(self.kernels)

    def path(self, axis: int) -> Path:
        """Return the layers along the deepest way: in all, one window."""
        seen = 2 * (self.places[-1] + self.blur) + 1
        return (Window(seen, padded=False),)


_KINDS: tuple[type[NetworkConfig], ...] = (
    UNetConfig,
    SegNetConfig,
    *ENCODERS,
    SlidingWindowConfig,
    DoubleUNetConfig,
)
NETWORKS: dict[str, type[NetworkConfig]] = {
    kind.model_fields["name"].default: kind for kind in _KINDS
}
"""Settings of every network, by its name."""


def network_of(settings: Any) -> Any:
    """Return the settings of the network that is named; a U-Net where none is.

    A name alone stands for the network with all its defaults.

    Raises
    ------
    PydanticCustomError
        When there is no network of that name; else as pydantic raises it.
    """
    if isinstance(settings, str):
        settings = {"name": settings}
    if not isinstance(settings, dict):
        return settings
    name = settings.get("name", UNetConfig().name)
    if name not in NETWORKS:
        raise PydanticCustomError("network", "{why}", {"why": _unknown(name)})
    return NETWORKS[name].model_validate(settings)


_KEPT = {"ndim", "in_channels", "num_classes", "base_channels"}


def other_network(name: str, like: NetworkConfig) -> NetworkConfig:
    """Return the settings of another network, of the same data and size.

    One that takes slices alone has 2 dimensions.

    Raises
    ------
    InputError
        When there is no network of that name.
    """
    if name == like.name:
        return like
    if name not in NETWORKS:
        raise InputError(f"{_unknown(name).capitalize()}.")
    kept = like.model_dump(include=_KEPT)
    if kept["ndim"] not in get_args(NETWORKS[name].model_fields["ndim"].annotation):
        del kept["ndim"]
    return NETWORKS[name].read(kept, NETWORKS[name].title)


def _unknown(name: object) -> str:
    return f"there is no network {shortened(repr(name))}: choose {', '.join(NETWORKS)}"


AnyNetwork = Annotated[SerializeAsAny[NetworkConfig], BeforeValidator(network_of)]
"""The settings of one of the networks, as a field of other settings."""
