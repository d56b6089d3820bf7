"""What a model file says of itself, readable without torch."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open

from napari_unet.config import (
    AnnotationKind,
    AugmentConfig,
    Coverage,
    PostprocessConfig,
    Settings,
    TrainConfig,
    UNetConfig,
    WeightMapConfig,
)
from napari_unet.config.networks import AnyNetwork
from napari_unet.config.structured_text import parse_json
from napari_unet.data.files import atomic_write
from napari_unet.data.normalize import Normalization
from napari_unet.errors import ModelFileError
from napari_unet.model.foreign.archive import holds_description
from napari_unet.words import shortened

FORMAT_VERSION = 6
KEY = "napari_unet"
"""Name of the description among the metadata of the file."""


class ModelCard(Settings):
    """What a model file says of itself.

    Format 2 added `threshold`, which format 1 does not know. Format 3 added the moments
    of `normalization`: models of before took those of all pixels. Format 4 added
    `finish`: models of before keep to the class of every pixel. Format 5 added
    `checksum`, without which the weights of a model are taken as they are. Format 6
    added the name of the `network`: models of before are U-Nets.
    """

    # A score that is not defined is NaN, which must come back from the file.
    model_config = ConfigDict(ser_json_inf_nan="constants", populate_by_name=True)

    format_version: int = FORMAT_VERSION
    network: AnyNetwork = Field(default_factory=UNetConfig)
    class_names: tuple[str, ...] = ("background", "foreground")
    normalization: Normalization = Field(default_factory=Normalization)
    pixel_size: tuple[float, ...] = (1.0, 1.0, 1.0)
    unit: str = "pixel"
    kind: AnnotationKind = AnnotationKind.CLASSES
    coverage: Coverage = Field(default_factory=Coverage)
    # The name of it in the files of all versions.
    weight_map: WeightMapConfig = Field(
        default_factory=WeightMapConfig, alias="weights"
    )
    augment: AugmentConfig = Field(default_factory=AugmentConfig)
    train: TrainConfig = Field(default_factory=TrainConfig)
    step: int = 0
    scores: dict[str, float] = Field(default_factory=dict)
    data: tuple[dict[str, str], ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    date: str = ""
    threshold: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="Of the foreground, chosen on held-out slices; used by default.",
    )
    finish: PostprocessConfig | None = Field(
        None, description="What is made of a prediction; used by default."
    )
    checksum: str = Field("", description="Of the weights, as `checksum_of` has it.")
    finish_reason: str = Field("", description="Why, and how it was chosen.")


def read_card(path: str | Path) -> ModelCard:
    """Read what a model file says of itself, without its weights.

    Raises
    ------
    ModelFileError
        As `load_model`.
    """
    path = Path(path)
    with open_model(path, "np") as file:
        metadata = file.metadata() or {}
    if KEY not in metadata:
        raise ModelFileError(
            f"{path} holds weights of another program: only models that napari-unet "
            "wrote can be used."
        )
    return card_from(path, metadata[KEY])


def keep_threshold(path: str | Path, threshold: float | None) -> None:
    """Write a threshold into a model file, whose weights and date stay as they are.

    None takes the threshold out again.

    Raises
    ------
    ModelFileError
        As `read_card`.
    InputError
        When the threshold does not lie between 0 and 1.
    OutputError
        When the file cannot be written; the one of before stays whole.
    """
    _rewrite(Path(path), threshold=threshold)


def keep_finish(
    path: str | Path,
    threshold: float | None,
    finish: PostprocessConfig | None,
    reason: str = "",
) -> None:
    """Write into a model file what is made of its predictions by default.

    Weights and date stay as they are; `reason` says why, in a sentence.

    Raises
    ------
    ModelFileError, InputError, OutputError
        As `keep_threshold`.
    """
    kept = None if finish is None else finish.model_dump()
    _rewrite(Path(path), threshold=threshold, finish=kept, finish_reason=reason)


def _rewrite(path: Path, **changes: Any) -> None:
    """Change the description in a model file."""
    data = read_card(path).model_dump(by_alias=True)
    data |= {"format_version": FORMAT_VERSION, **changes}
    card = ModelCard.read(data, path)
    with (
        atomic_write(path) as temporary,
        path.open("rb") as file,
        temporary.open("wb") as changed,
    ):
        header = parse_json(file.read(int.from_bytes(file.read(8), "little")))
        header["__metadata__"][KEY] = card.model_dump_json(by_alias=True)
        text = json.dumps(header).encode()
        # safetensors wants the weights at a multiple of eight bytes.
        text += b" " * (-len(text) % 8)
        changed.write(len(text).to_bytes(8, "little") + text)
        shutil.copyfileobj(file, changed)


@contextmanager
def open_model(path: Path, framework: str) -> Iterator[Any]:
    """Open a model file; "pt" gives its weights as tensors, "np" needs no torch.

    Raises
    ------
    ModelFileError
        When the file is missing or broken, or holds anything else.
    """
    if not path.is_file():
        raise ModelFileError(f"There is no model file {path}.")
    if not os.access(path, os.R_OK):
        raise ModelFileError(f"{path} cannot be read: change its permissions.")
    try:
        with safe_open(path, framework=framework) as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise ModelFileError(_why_unreadable(path, error)) from error


def card_from(path: Path, text: str) -> ModelCard:
    """Read a card from its JSON, of this version of the format or an older one.

    Raises
    ------
    ModelFileError
        Naming the file that it was in.
    """
    try:
        data: dict[str, Any] = parse_json(text)
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
    if newest < 3:
        data["normalization"] = data.get("normalization", {}) | {"moments": "plain"}
    try:
        return ModelCard.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(shortened(part) for part in first["loc"])
        raise ModelFileError(
            f"{path}: the description of the model is damaged ({name}: {first['msg']})."
        ) from error


def _why_unreadable(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        head = file.read(4)
    if holds_description(path):
        return (
            f"{path} is a package (bioimage.io) and no model file: predict with it, or "
            "make a model file of it by napari-unet import."
        )
    if head[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        return (
            f"{path} is a pickle (as torch.save writes): it could run any program "
            "and is not opened. Use a .safetensors model of napari-unet."
        )
    return f"{path} is no model file or is damaged ({str(error).splitlines()[0]})."
