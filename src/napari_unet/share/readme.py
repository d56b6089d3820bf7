"""What a package tells its reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from napari_unet.data.addresses import without_folders
from napari_unet.share import package_files as names
from napari_unet.words import markdown

if TYPE_CHECKING:
    from napari_unet.model.card import ModelCard

_CONTENT = {
    names.DESCRIPTION: "description for programs (bioimage.io)",
    names.STATE_DICT: "weights, for PyTorch with `unet.py`",
    names.ARCHITECTURE: "the network; needs PyTorch alone",
    names.TORCHSCRIPT: "network and weights as TorchScript",
    names.ONNX: "network and weights as ONNX",
    names.CARD: "all that napari-unet knows of the model",
    names.TEST_INPUT: "an image to try it with",
    names.TEST_OUTPUT: "what the model makes of it",
    names.COVER: "both as a picture",
}


def readme(card: ModelCard, described: Mapping[str, Any], moments: float) -> str:
    """Return Markdown for people who find a package.

    Parameters
    ----------
    card
        Of the model.
    described
        What `rdf.yaml` says.
    moments
        Largest difference of a probability with the model's own moments.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(__package__),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = markdown
    written = [one["source"] for one in described["weights"].values()]
    missing = {*names.FORMATS} - {*written}
    if names.STATE_DICT in missing:
        missing.add(names.ARCHITECTURE)
    files = {name: told for name, told in _CONTENT.items() if name not in missing}
    (step,) = described["inputs"][0]["preprocessing"]
    return environment.get_template("package.md.j2").render(
        name=described["name"],
        description=described["description"],
        card=card,
        axes=step["kwargs"]["axes"],
        pixel_size=" x ".join(f"{size:g}" for size in card.pixel_size),
        data=[_entry(entry) for entry in card.data],
        moments=f"{moments:.2g}",
        files=files,
    )


def _entry(entry: Mapping[str, str]) -> dict[str, str]:
    """Return what a reader wants to know of an image; folders are nobody's business."""
    known = {"name": "", "licence": "", "train": "", "validation": ""}
    return {**known, **entry, "name": without_folders(entry.get("name", ""))}
