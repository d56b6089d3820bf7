"""What a report says of the files and the model behind the scores."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import Settings
from napari_unet.data.fingerprint import fingerprint
from napari_unet.model.card import ModelCard, read_card


def file_facts(files: Mapping[str, Path | None]) -> dict[str, str]:
    """Return name and SHA-256 of each file that there is, by its role."""
    return {
        role: f"{path.name} (SHA-256 {_digest(path)})"
        for role, path in files.items()
        if path is not None and path.is_file()
    }


def model_facts(card: ModelCard) -> dict[str, dict[str, str]]:
    """Return what a model says of its training, as tables by their titles."""
    training = {
        "Trained until step": f"{card.step:,}",
        "Date": card.date,
        "Classes": ", ".join(card.class_names),
        "Pixel size": f"{' x '.join(f'{x:g}' for x in card.pixel_size)} {card.unit}",
    }
    if card.threshold is not None:
        training["Threshold"] = f"{card.threshold:g}"
    if card.finish_reason:
        training["Predictions become"] = card.finish_reason
    for number, entry in enumerate(card.data, start=1):
        words = ", ".join(f"{key} {value}" for key, value in entry.items() if value)
        training[f"Image {number}"] = words
    settings: dict[str, str] = {}
    for group in (card.network, card.train, card.weight_map, card.augment):
        settings |= _settings(group)
    versions = dict(sorted(card.versions.items()))
    return {"Training": training, "Settings": settings, "Versions": versions}


def facts_of_layers(
    names: Mapping[str, str],
    files: Mapping[str, str],
    labels: Mapping[str, NDArray[np.generic]],
    *,
    image: str = "",
    model: Path | None = None,
) -> dict[str, dict[str, str]]:
    """Return what is known of layers that were compared, as tables by their titles.

    Parameters
    ----------
    names
        Of the layers, and what else there is to say of them.
    files
        Where they came from, in words.
    labels
        (Z, Y, X) arrays that were compared, by their role.
    image
        Fingerprint of the image, "" where it is unknown.
    model
        Of the prediction, where a model made it.
    """
    prints = {"Image": image} if image else {}
    facts: dict[str, dict[str, str]] = {
        "Layers": {"Date": datetime.now().isoformat(" ", "seconds"), **names},
        "Fingerprints of what was compared": prints
        | {role: fingerprint(one[None]) for role, one in labels.items()},
        "Files": {**files, **file_facts({"Model": model})},
    }
    if model is not None:
        facts |= model_facts(read_card(model))
    return {title: rows for title, rows in facts.items() if rows}


def _settings(group: Settings) -> dict[str, str]:
    fields = type(group).model_fields
    return {
        fields[name].title or name.replace("_", " ").capitalize(): str(value)
        for name, value in group.model_dump(mode="json").items()
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
