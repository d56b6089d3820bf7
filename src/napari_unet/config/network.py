"""What the settings of all networks have in common."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field

from napari_unet.config.base import Settings
from napari_unet.config.layer_path import Path


class Source(NamedTuple):
    """The paper that a network is from, with its DOI or, where it has none, address."""

    text: str
    doi: str = ""
    url: str = ""

    @property
    def citation(self) -> dict[str, str]:
        """What is known of it, by name."""
        return {name: value for name, value in self._asdict().items() if value}


@dataclass(frozen=True)
class NetworkSize:
    """What a network takes.

    Attributes
    ----------
    parameters
        Trained numbers.
    kept
        Values kept for the way back, for each pixel of a patch.
    peak
        Values held at once while predicting, for each pixel of a tile.
    """

    parameters: int
    kept: float
    peak: float


class NetworkConfig(Settings):
    """Shape of a network; one class for each kind, all with these fields.

    Attributes
    ----------
    title
        What the network is called.
    source
        Where it is from.
    full_channels
        What `base_channels` is in there.
    encoder_title
        Network for photographs whose weights the encoder can start from; "" where
        there is none.
    """

    title: ClassVar[str]
    source: ClassVar[Source]
    full_channels: ClassVar[int] = 64
    encoder_title: ClassVar[str] = ""

    name: str = Field("", title="Network")
    """Which network it is."""
    ndim: Literal[2, 3] = Field(2, title="Dimensions")
    """2 takes every slice by itself. 3 sees neighbouring slices: better where cells are
    followed through thin slices, and several times slower."""
    in_channels: int = Field(1, ge=1, le=64, title="Image channels")
    """Channels of the image."""
    num_classes: int = Field(2, ge=1, le=254, title="Classes")
    """Classes, background included; 1 is a single sigmoid output for foreground against
    background."""
    base_channels: int = Field(16, ge=1, le=256, title="Network size (channels)")
    """Channels of the first level, by which those of all others grow; the papers have
    64. Higher can learn more, is slower and takes more memory: twice the channels, four
    times the weights."""
    norm: Literal["none", "batch", "instance", "group"] = Field(
        "batch", title="Normalisation"
    )
    """What keeps the values in range after every convolution; the paper has none, and
    then learns more slowly. Each image alone (instance) and groups of
    channels (group) suit single patches per step."""
    dropout: float = Field(0.0, ge=0, lt=1, title="Dropout (share)")
    """Share of the channels switched off at random at the end of the contracting path
    while training. Higher: learns less by heart and more slowly; helps where little is
    annotated."""
    flat_levels: int | None = Field(None, ge=0, le=7, title="Flat levels")
    """Number of first poolings that leave the slices alone, for networks with 3
    dimensions whose slices are thicker than their pixels. Higher: for thicker slices;
    chosen from the pixel size when left out."""

    @property
    @abstractmethod
    def poolings(self) -> tuple[int, ...]:
        """What every pooling divides Y and X by, from the top level down."""

    @property
    def most_answers(self) -> int | None:
        """Side of what is answered for at once at most, in pixels; None for any."""
        return None

    @abstractmethod
    def path(self, axis: int) -> Path:
        """Return the layers along the deepest way; -1 is X, -2 is Y, and -3 is Z."""

    def known_size(self) -> NetworkSize | None:
        """Return what the network takes as a formula says; None to have it measured."""
        return None

    @property
    def num_levels(self) -> int:
        """Levels of the contracting path, the bottom included."""
        return len(self.poolings) + 1

    def scaled(self, channels: int) -> int:
        """Return how many channels a layer has, of as many at full width."""
        return max(1, round(channels * self.base_channels / self.full_channels))

    def factors(self, axis: int = -1) -> tuple[int, ...]:
        """Return what every pooling divides `axis` by, from the top level down."""
        flat = min(self.flat_levels or 0, len(self.poolings)) if axis == -3 else 0
        return (1,) * flat + self.poolings[flat:]

    @property
    def scales(self) -> list[tuple[int, ...]]:
        """Factors of [Z,] Y and X of every pooling, from the top level down."""
        axes = range(-self.ndim, 0)
        return list(zip(*(self.factors(axis) for axis in axes), strict=True))
