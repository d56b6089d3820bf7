"""Any model that can be predicted with: of napari-unet, or a package of anybody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.data.one_import import imported
from napari_unet.errors import ModelFileError
from napari_unet.model.card import ModelCard, read_card

if TYPE_CHECKING:
    from napari_unet.model.predictable import Predictable

_FOREIGN = (".zip", ".yaml", ".yml", ".onnx")
PACKAGES = ("*.zip", "*rdf.yaml", "*bioimageio.yaml", "*.onnx")
"""Names of files that are predicted with, and that are no model files."""


def open_package(path: str | Path, *, trust_code: bool = False) -> Predictable:
    """Open a model to predict with, whichever program made it.

    Parameters
    ----------
    path
        A model file, a bioimage.io package (an archive, or the folder that it was
        unpacked to), or an ONNX file that napari-unet wrote.
    trust_code
        Leave to run code that a package brings along, which may do anything. Most
        packages need none.

    Returns
    -------
    A `Model`, or what is predicted with as one.

    Raises
    ------
    UntrustedCodeError
        When the model can be used only by running code of its own.
    ModelFileError
        When it cannot be used, saying why.
    """
    imported("torch")
    path = Path(path)
    if not is_package(path):
        from napari_unet.model.checkpoint import load_model

        return load_model(path)
    from napari_unet.model.foreign.archive import Package
    from napari_unet.model.foreign.description import Description
    from napari_unet.model.foreign.foreign_model import ForeignModel
    from napari_unet.model.foreign.own import own_model, own_onnx

    if path.suffix == ".onnx":
        return own_onnx(path)
    package = Package(path)
    own = own_model(package)
    return own or ForeignModel.of(Description.of(package), trust_code=trust_code)


def card_of(path: str | Path) -> ModelCard:
    """Read what a prediction has to know of any model, without its weights.

    Raises
    ------
    ModelFileError
        As `open_package`.
    """
    path = Path(path)
    if not is_package(path):
        return read_card(path)
    imported("torch")
    from napari_unet.model.foreign.archive import Package
    from napari_unet.model.foreign.description import Description
    from napari_unet.model.foreign.own import own_card, own_onnx

    if path.suffix == ".onnx":
        return own_onnx(path).card
    package = Package(path)
    return own_card(package) or Description.of(package).card


def needs_code(path: str | Path) -> str:
    """Return which code of its own a model runs that may do anything; "" for none."""
    path = Path(path)
    if not is_package(path) or path.suffix == ".onnx":
        return ""
    imported("torch")
    from napari_unet.model.foreign.archive import Package
    from napari_unet.model.foreign.description import Description
    from napari_unet.model.foreign.own import own_card
    from napari_unet.model.foreign.runtimes import why_code_is_needed

    try:
        package = Package(path)
        own = own_card(package)
        return "" if own else why_code_is_needed(Description.of(package))
    except ModelFileError:
        return ""


def is_package(path: Path) -> bool:
    """Return whether a model is no model file, but predicted with as it is."""
    return path.is_dir() or path.suffix.lower() in _FOREIGN
