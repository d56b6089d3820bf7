"""What can be predicted with: a network of any kind, and what is known of it."""

from __future__ import annotations

from abc import abstractmethod
from typing import Protocol

from torch import Tensor, nn

from napari_unet.model.card import ModelCard
from napari_unet.model.footprint import Footprint


class Network(nn.Module):
    """A network that a prediction can use, trained here or elsewhere."""

    precise = False
    """Whether it is to run in float32 on any device."""

    @property
    @abstractmethod
    def footprint(self) -> Footprint:
        """What fits the network, and what it sees."""

    @abstractmethod
    def probabilities(self, image: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to probabilities of classes, background first.

        Float32, (B, num_classes, [Z,] y, x).
        """


class Predictable(Protocol):
    """A network with its card, such as a `Model`."""

    @property
    def network(self) -> Network:
        """The network."""

    @property
    def card(self) -> ModelCard:
        """What is known of it."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know: how it is run, what becomes of its output."""
