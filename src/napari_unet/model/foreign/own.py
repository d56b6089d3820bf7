"""Models of napari-unet in packages and ONNX files that it exported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.errors import ModelFileError
from napari_unet.model.card import ModelCard, card_from
from napari_unet.model.foreign.archive import Package

if TYPE_CHECKING:
    from napari_unet.model.checkpoint import Model
    from napari_unet.model.predictable import Predictable

CARD = "napari_unet.json"
"""Name of the card among the files of a package."""
WEIGHTS = "weights.pt"


def own_card(package: Package) -> ModelCard | None:
    """Return the card of a model that napari-unet exported; None for any other."""
    if CARD not in package:
        return None
    return card_from(package.path, package.read(CARD).decode("utf-8", "replace"))


def own_model(package: Package) -> Model | None:
    """Return the model that napari-unet exported, exactly; None for any other.

    Raises
    ------
    ModelFileError
        When its files do not fit each other.
    """
    card = own_card(package)
    if card is None:
        return None
    from napari_unet.model.checkpoint import model_from
    from napari_unet.model.foreign.runtimes import read_state_dict

    known = package.description
    entries = [(known.get("weights") or {}).get("pytorch_state_dict")]
    # Other programs do not read the weights of a network of which they have no source.
    entries += known.get("attachments") or []
    found = [
        one for one in entries if isinstance(one, dict) and one.get("source") != CARD
    ]
    if not found:
        raise ModelFileError(f"{package.path} holds no pytorch_state_dict: damaged.")
    entry = found[0]
    name = str(entry.get("source"))
    data = package.read(name, entry.get("sha256"))
    return model_from(package.path, read_state_dict(name, data), card)


def own_onnx(path: Path) -> Predictable:
    """Open an ONNX file that napari-unet exported.

    Raises
    ------
    ModelFileError
        When onnxruntime is missing, or another program wrote the file.
    """
    from napari_unet.model.foreign.exported_onnx import ExportedOnnx

    if not path.is_file():
        raise ModelFileError(f"There is no model file {path}.")
    return ExportedOnnx.read(path)
