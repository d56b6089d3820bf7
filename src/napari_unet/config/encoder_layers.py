"""Layers of encoders, as data: their paths and their modules are made from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from napari_unet.config.layer_path import Path, Window


@dataclass(frozen=True)
class Conv:
    """A convolution with normalisation and ReLU.

    Attributes
    ----------
    channels
        As in the paper, where the first level has `full_channels`.
    kernel
        One number for all axes, or those of Y and X.
    stride, dilation
        As of torch's layers.
    """

    channels: int
    kernel: int | tuple[int, int] = 3
    stride: int = 1
    dilation: int = 1

    def window(self, axis: int, stride: int) -> Window:
        """Return what the layer does along an axis where it strides by `stride`."""
        kernel = self.kernel
        if isinstance(kernel, tuple):
            kernel = kernel[axis]
        return Window(kernel, stride, self.dilation)


@dataclass(frozen=True)
class Pool:
    """A pooling of maxima or, with `average`, of means."""

    kernel: int = 2
    stride: int = 2
    average: bool = False

    def window(self, axis: int, stride: int) -> Window:
        """Return what the layer does along an axis where it strides by `stride`."""
        # A pooling of two leaves an axis alone where it does not stride.
        return Window(self.kernel if self.kernel > 2 else stride, stride)


@dataclass(frozen=True)
class Branches:
    """Chains of layers side by side, whose channels are joined."""

    chains: tuple[Chain, ...]

    @property
    def stride(self) -> int:
        """What a side is divided by, the same in all chains."""
        return math.prod(layer.stride for layer in self.chains[0])


Layer: TypeAlias = Conv | Pool | Branches
Chain: TypeAlias = tuple[Layer, ...]


def path_of(chain: Chain, axis: int, *, flat: bool = False) -> Path:
    """Return the widest way through a chain along an axis.

    In a `flat` level nothing strides along it.
    """
    path: Path = ()
    for layer in chain:
        if isinstance(layer, Branches):
            ways = (path_of(one, axis, flat=flat) for one in layer.chains)
            path += max(ways, key=_width)
        else:
            path += (layer.window(axis, 1 if flat else layer.stride),)
    return path


def _width(path: Path) -> int:
    first, last = 0, 0
    for layer in reversed(path):
        first, last = layer.seen(first, last)
    return last - first
