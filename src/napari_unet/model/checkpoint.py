"""The model file: weights and everything needed to use them, nothing executable."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from napari_unet.config import (
    AnnotationKind,
    AugmentConfig,
    Settings,
    TrainConfig,
    UNetConfig,
    WeightMapConfig,
)
from napari_unet.data.files import atomic_write
from napari_unet.data.normalize import Normalization
from napari_unet.errors import ModelFileError
from napari_unet.model.unet import UNet

FORMAT_VERSION = 1
_KEY = "napari_unet"


class ModelCard(Settings):
    """What a model file says of itself."""

    # A score that is not defined is NaN, which must come back from the file.
    model_config = ConfigDict(ser_json_inf_nan="constants")

    format_version: int = FORMAT_VERSION
    network: UNetConfig = Field(default_factory=UNetConfig)
    class_names: tuple[str, ...] = ("background", "foreground")
    normalization: Normalization = Field(default_factory=Normalization)
    pixel_size: tuple[float, ...] = (1.0, 1.0, 1.0)
    unit: str = "pixel"
    kind: AnnotationKind = AnnotationKind.CLASSES
    weights: WeightMapConfig = Field(default_factory=WeightMapConfig)
    augment: AugmentConfig = Field(default_factory=AugmentConfig)
    train: TrainConfig = Field(default_factory=TrainConfig)
    step: int = 0
    scores: dict[str, float] = Field(default_factory=dict)
    data: tuple[dict[str, str], ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    date: str = ""


@dataclass(frozen=True, eq=False)
class Model:
    """A network and its card."""

    network: UNet
    card: ModelCard


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
    tensors = {
        name: tensor.detach().cpu().contiguous()
        for name, tensor in model.network.state_dict().items()
    }
    # Through bytes: a full disk is then an error of the operating system, in words.
    data = save(tensors, metadata={_KEY: card.model_dump_json()})
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def load_model(path: str | Path) -> Model:
    """Read a model file; nothing in it is executed, so a stranger's file is safe.

    Raises
    ------
    ModelFileError
        When the file is missing, broken, of another program, or of a newer version.
    """
    card, tensors = _read(Path(path))
    if not _fits(tensors, card.network):
        raise ModelFileError(
            f"{path}: the weights do not fit the network that the file describes; "
            "the file is damaged."
        )
    network = UNet(card.network)
    network.load_state_dict(tensors)
    return Model(network.eval(), card)


def read_card(path: str | Path) -> ModelCard:
    """Read what a model file says of itself, without its weights.

    Raises
    ------
    ModelFileError
        As `load_model`.
    """
    return _read(Path(path), weights=False)[0]


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


def _read(
    path: Path, *, weights: bool = True
) -> tuple[ModelCard, dict[str, torch.Tensor]]:
    if not path.is_file():
        raise ModelFileError(f"There is no model file {path}.")
    if not os.access(path, os.R_OK):
        raise ModelFileError(f"{path} cannot be read: change its permissions.")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            names = file.keys() if weights else ()
            tensors = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise ModelFileError(_why_unreadable(path, error)) from error
    if _KEY not in metadata:
        raise ModelFileError(
            f"{path} holds weights of another program: only models that napari-unet "
            "wrote can be used."
        )
    return _card(path, metadata[_KEY]), tensors


def _card(path: Path, text: str) -> ModelCard:
    try:
        data: dict[str, Any] = json.loads(text)
        newest = int(data.get("format_version", 0))
    except (ValueError, AttributeError, TypeError, OverflowError) as error:
        raise ModelFileError(f"{path}: the description of the model is damaged.") from (
            error
        )
    if newest > FORMAT_VERSION:
        raise ModelFileError(
            f"{path} was written by a newer napari-unet (format {newest}): update "
            "napari-unet to use it."
        )
    try:
        return ModelCard.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ModelFileError(
            f"{path}: the description of the model is damaged ({name}: {first['msg']})."
        ) from error


def _why_unreadable(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        return (
            f"{path} is a pickle (as torch.save writes): it could run any program "
            "and is not opened. Use a .safetensors model of napari-unet."
        )
    return f"{path} is no model file or is damaged ({str(error).splitlines()[0]})."
