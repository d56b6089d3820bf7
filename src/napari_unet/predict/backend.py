"""What computes the probabilities of tiles: torch, or OpenVINO where that is faster."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from napari_unet.errors import InputError
from napari_unet.model.compiled import (
    INSTALL,
    OPENVINO,
    CompiledNetwork,
    compiled,
    has_openvino,
    state_of,
)
from napari_unet.model.device import Device
from napari_unet.model.folded import folded
from napari_unet.model.networks.segmentation_network import SegmentationNetwork
from napari_unet.model.predictable import Network
from napari_unet.words import reason

_PAYS = 24 * 512**2
"""Pixels before compiling a network has paid for itself, with 16 channels and with 64:
what is larger saves more, and takes longer to compile (benchmarks/prediction.py)."""
_BOUND = {"bfloat16": 0.01, "float32": 0.0001}
"""Of the mean difference between the probabilities of both; two roundings to bfloat16
differ by 0.001 to 0.007."""
_FAILURES = (
    *(RuntimeError, ValueError, TypeError, AttributeError),
    *(ImportError, MemoryError),
)
"""What OpenVINO raises; its errors share no class."""


class Backend:
    """What maps images to probabilities, for one network on one device.

    Parameters
    ----------
    network, device
        What runs, and where.
    wanted
        As `PredictConfig.backend`; None where the weights change meanwhile: torch then
        predicts, by the network itself.
    times
        How often every tile goes through the network.

    Raises
    ------
    InputError
        When OpenVINO is wanted and cannot be had.
    """

    def __init__(
        self, network: Network, device: Device, wanted: str | None, times: int = 1
    ) -> None:
        self._given, self._device, self._message = network, device, ""
        self._folded, self._fixed = network, wanted is not None
        self._compiled: CompiledNetwork | None = None
        self._state: tuple[int, ...] | None = None
        self._times = times
        self._always, why_not = wanted == OPENVINO, _why_not(network, device)
        if self._always and why_not:
            raise InputError(f"OpenVINO does not predict here: {why_not}.")
        self._can = wanted not in ("torch", None) and not why_not

    @property
    def network(self) -> Network:
        """What torch predicts with, and OpenVINO compiles."""
        if self._fixed and isinstance(self._given, SegmentationNetwork):
            state = state_of(self._given)
            if state != self._state:
                self._state, self._folded = state, folded(self._given)
                self._compiled = None
        return self._folded

    def compiles(self, shape: Sequence[int]) -> bool:
        """Return whether OpenVINO predicts a (Z, Y, X) image, which it pays for."""
        pixels = self._times * math.prod(shape)
        return self._can and (self._always or pixels >= _PAYS)

    def device(self, shape: Sequence[int]) -> Device:
        """Return the device, by whose words the user knows what predicts an image."""
        return replace(self._device, library="OpenVINO" * self.compiles(shape))

    def probabilities(self, images: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to float32 probabilities by OpenVINO.

        The first answer of a network is compared with torch's, in whose contexts this
        is called. Where it differs, or none comes, torch goes on, which `told` says.
        """
        network, truth = self._taken(), None
        if network is None:
            return self.network.probabilities(images)
        if not network.checked:
            # Before OpenVINO's, so that the memory of a tile is taken once.
            truth = self.network.probabilities(images)
        try:
            answer = network.probabilities(images)
            if truth is not None:
                _check(answer, truth, _BOUND[self._device.precision])
                network.checked = True
        except _FAILURES as error:
            self._give_up(error)
        else:
            return answer
        return self.network.probabilities(images) if truth is None else truth

    def told(self) -> str:
        """Return once what the user should know, or ""."""
        message, self._message = self._message, ""
        return message

    def release(self) -> None:
        """Give memory back that is not needed between two images."""
        if self._compiled is not None:
            self._compiled.release()

    def _taken(self) -> CompiledNetwork | None:
        """Return the network compiled; None where that failed."""
        network, bfloat16 = self.network, self._device.bfloat16
        untried = self._can and self._compiled is None
        if untried and isinstance(network, SegmentationNetwork):
            try:
                self._compiled = compiled(network, bfloat16=bfloat16)
            except _FAILURES as error:
                self._give_up(error)
        return self._compiled

    def _give_up(self, error: Exception) -> None:
        self._can, self._compiled = False, None
        self._message = f"OpenVINO fails ({reason(error)}): torch predicts."


def _check(answer: Tensor, truth: Tensor, bound: float) -> None:
    """Raise a ValueError where probabilities differ by more than rounding."""
    difference = float((answer - truth).abs().mean())
    if not difference <= bound:  # nor where it is no number
        raise ValueError(
            f"its probabilities differ by {difference:.2g} in the mean, which is above "
            f"{bound:g}"
        )


def _why_not(network: Network, device: Device) -> str:
    """Return why OpenVINO cannot predict with a network; "" where it can."""
    if device.device.type != "cpu":
        return "it runs on CPUs: choose the device cpu"
    if not isinstance(network, SegmentationNetwork):
        return "it takes networks that were trained here"
    return "" if has_openvino() else f"it is not installed: {INSTALL}"
