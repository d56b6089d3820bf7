"""What all networks of ours have in common."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from typing import Any

from torch import Tensor, nn

from napari_unet.config import NetworkConfig
from napari_unet.model.footprint import Footprint, footprint_of
from napari_unet.model.losses import probabilities
from napari_unet.model.predictable import Network


@dataclass(frozen=True)
class Architecture:
    """A network as a source file that needs nothing but torch.

    Attributes
    ----------
    module
        Name of its module.
    callable, kwargs
        Class of the network, and what it is made with. It gives probabilities.
    """

    module: str
    callable: str
    kwargs: Mapping[str, Any]

    def build(self) -> nn.Module:
        """Return the network, with random weights of the names of ours."""
        made: nn.Module = getattr(import_module(self.module), self.callable)(
            **self.kwargs
        )
        return made

    def source(self) -> bytes:
        """Return the source file."""
        package, _, name = self.module.rpartition(".")
        return (files(package) / f"{name}.py").read_bytes()


class SegmentationNetwork(Network):
    """A network that is made from settings, and trained.

    Called with (B, C, [Z,] Y, X), every side a `valid_size` along its axis, it returns
    logits (B, num_classes, [Z,] y, x) of the `output_size`.

    Attributes
    ----------
    config
        What it is made from.
    encoder
        Levels of the contracting path, from the top down; the first can be frozen.
    head
        What makes the logits, linear in its weights.
    """

    config: NetworkConfig
    encoder: nn.ModuleList
    head: nn.Module

    @property
    def footprint(self) -> Footprint:
        """What fits the network, and what it sees."""
        return footprint_of(self.config)

    def probabilities(self, image: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to float32 probabilities, background first."""
        return probabilities(self(image))

    @property
    def architecture(self) -> Architecture | None:
        """What other programs build the network from; None where there is no source.

        They then get it as TorchScript and ONNX alone.
        """
        return None

    @property
    def num_parameters(self) -> int:
        """Trained numbers of the network; running statistics are not among them."""
        return sum(parameter.numel() for parameter in self.parameters())


def initialise(module: nn.Module) -> None:
    """Draw the weights of a convolution from a Gaussian of deviation sqrt(2 / N).

    N is the number of connections into a neuron (Ronneberger et al. 2015, section 3).
    """
    if isinstance(module, nn.ConvTranspose2d | nn.ConvTranspose3d):
        # Kernel and stride are equal, so each output pixel has one input position.
        fan_in = module.in_channels
    elif isinstance(module, nn.Conv2d | nn.Conv3d):
        fan_in = module.in_channels * math.prod(module.kernel_size)
    else:
        return
    if module.weight.is_meta:
        # Shapes alone are wanted; torch would load its compiler, for a second or more.
        return
    nn.init.normal_(module.weight, std=math.sqrt(2 / fan_in))
    if module.bias is not None:
        nn.init.zeros_(module.bias)
