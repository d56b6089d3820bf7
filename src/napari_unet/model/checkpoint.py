"""The model file: weights and everything needed to use them, nothing executable."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import save

from napari_unet.config import UNetConfig
from napari_unet.data.files import atomic_write
from napari_unet.errors import ModelFileError, memory_told
from napari_unet.model.card import KEY, ModelCard, open_model, read_card
from napari_unet.model.unet import UNet

__all__ = ["Model", "ModelCard", "load_model", "save_model", "versions"]


@dataclass(frozen=True, eq=False)
class Model:
    """A network and its card; there is nothing to note."""

    network: UNet
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
    # Through bytes: a full disk is then an error of the operating system, in words.
    data = save(tensors, metadata={KEY: model.card.model_dump_json(by_alias=True)})
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
    with open_model(Path(path), "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
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
    network = UNet(card.network)
    network.load_state_dict(tensors)
    return Model(network.eval(), card)


def versions() -> dict[str, str]:
    """Return the versions of what a result depends on."""
    names = ("napari-unet-em", "torch", "numpy")
    return {"python": platform.python_version(), **{n: version(n) for n in names}}


def _fits(tensors: dict[str, torch.Tensor], config: UNetConfig) -> bool:
    """Compare names and shapes before memory is taken for what a file may invent."""
    with torch.device("meta"):
        wanted = UNet(config).state_dict()
    return {name: tensor.shape for name, tensor in tensors.items()} == {
        name: tensor.shape for name, tensor in wanted.items()
    }
