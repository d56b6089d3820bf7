"""An ONNX file that napari-unet exported, with the card of the model in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from napari_unet.errors import ModelFileError
from napari_unet.model.card import KEY, ModelCard, card_from
from napari_unet.model.footprint import Footprint, footprint_of
from napari_unet.model.foreign.runtimes import OnnxNetwork
from napari_unet.model.predictable import Network


class ExportedNetwork(Network):
    """A U-Net of ours that onnxruntime runs; it gives probabilities itself."""

    def __init__(self, network: OnnxNetwork, card: ModelCard) -> None:
        super().__init__()
        self.network, self._card = network, card

    @property
    def footprint(self) -> Footprint:
        """What fits the network, and what it sees."""
        return footprint_of(self._card.network)

    def probabilities(self, image: Tensor) -> Tensor:
        """Map (B, C, [Z,] Y, X) to float32 probabilities, background first."""
        found: Tensor = self.network(image).float()
        return found if found.shape[1] > 1 else torch.cat([1 - found, found], 1)


@dataclass(frozen=True, eq=False)
class ExportedOnnx:
    """A model in an ONNX file of ours, to predict with.

    Attributes
    ----------
    network, card, notes
        As those of a `Model`.
    """

    network: ExportedNetwork
    card: ModelCard
    notes: tuple[str, ...] = ("Through ONNX, on the CPU",)

    @classmethod
    def read(cls, path: Path) -> ExportedOnnx:
        """Read an ONNX file.

        Raises
        ------
        ModelFileError
            When onnxruntime is missing, or another program wrote the file.
        """
        network = OnnxNetwork(path.read_bytes(), str(path))
        kept = network.session.get_modelmeta().custom_metadata_map
        if KEY not in kept:
            raise ModelFileError(
                f"{path} is an ONNX file of another program, and does not tell how "
                "images are normalised for it: give its bioimage.io package."
            )
        card = card_from(path, kept[KEY])
        return cls(ExportedNetwork(network, card).eval(), card)
