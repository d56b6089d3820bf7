"""The model file: weights and everything needed to use them, nothing executable."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from napari_unet.config import NetworkConfig
from napari_unet.data.files import atomic_write
from napari_unet.errors import ModelFileError, memory_told
from napari_unet.model.card import KEY, ModelCard, read_card
from napari_unet.model.networks import SegmentationNetwork, build
from napari_unet.words import reason

__all__ = ["Model", "ModelCard", "load_model", "save_model", "versions"]


@dataclass(frozen=True, eq=False)
class Model:
    """A network and its card; there is nothing to note."""

    network: SegmentationNetwork
    card: ModelCard
    notes: tuple[str, ...] = ()


def save_model(path: str | Path, model: Model) -> None:
    """Write a model as one `.safetensors` file, whole or not at all.

    Raises
    ------
    OutputError
        When the file cannot be written; an older one of that name stays whole.
    """
    card = model.card.model_copy(
        update={"versions": versions(), "date": datetime.now(UTC).isoformat()}
    )
    write_model(path, Model(model.network, card))


def write_model(path: str | Path, model: Model) -> None:
    """Write a model as `save_model` does, with versions and date that its card has.

    Raises
    ------
    OutputError
        As `save_model`.
    """
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in model.network.state_dict().items()
    }
    card = model.card.model_copy(update={"checksum": checksum_of(tensors)})
    # Through bytes: a full disk is then an error of the operating system, in words.
    data = save(tensors, metadata={KEY: card.model_dump_json(by_alias=True)})
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


@memory_told()
def load_model(path: str | Path) -> Model:
    """Read a model file; nothing in it is executed, so a stranger's file is safe.

    Raises
    ------
    ModelFileError
        When the file is missing, broken, of another program, or of a newer version.
    """
    card = read_card(path)
    try:
        # Not mapped: the file may be written anew meanwhile.
        tensors = load(Path(path).read_bytes())
    except (SafetensorError, OSError) as error:
        raise ModelFileError(f"{path} is damaged ({reason(error)}).") from error
    if card.checksum not in ("", checksum_of(tensors)):
        raise ModelFileError(
            f"{path}: the weights are not those that were saved: the file is damaged, "
            "copy it again or train anew."
        )
    return model_from(path, tensors, card)


def model_from(
    path: str | Path, tensors: dict[str, torch.Tensor], card: ModelCard
) -> Model:
    """Return the model of some weights, read from `path`.

    Raises
    ------
    ModelFileError
        When they do not fit the network that the card describes.
    """
    if not _fits(tensors, card.network):
        raise ModelFileError(
            f"{path}: the weights do not fit the network that the file describes; "
            "the file is damaged."
        )
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
        raise ModelFileError(
            f"{path} holds weights that are no numbers (NaN or infinite): use another "
            "model, or train anew."
        )
    network = build(card.network)
    network.load_state_dict(tensors)
    return Model(network.eval(), card)


def checksum_of(tensors: Mapping[str, torch.Tensor]) -> str:
    """Return 32 digits that belong to weights, whatever their order."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        # As bytes: numpy does not know all of torch's numbers.
        flat = tensor.contiguous().reshape(-1)
        digest.update(flat.view(torch.uint8).numpy().data)
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of what a result depends on."""
    names = ("napari-unet-em", "torch", "numpy")
    return {"python": platform.python_version(), **{n: version(n) for n in names}}


def _fits(tensors: dict[str, torch.Tensor], config: NetworkConfig) -> bool:
    """Compare names and shapes before memory is taken for what a file may invent."""
    with torch.device("meta"):
        wanted = build(config).state_dict()
    return {name: tensor.shape for name, tensor in tensors.items()} == {
        name: tensor.shape for name, tensor in wanted.items()
    }
