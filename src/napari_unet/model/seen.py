"""Which slices of which images a model has learnt from, and which were held out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from napari_unet.data.regions import runs
from napari_unet.model.card import ModelCard

# A stranger's file must not fill the memory with the slices that it names.
_RUN = re.compile(r"\b(\d{1,6})(?::(\d{1,6}))?\b")
_LIST = re.compile(rf"({_RUN.pattern}(,{_RUN.pattern})*)?")


def seen(
    image: str, trained: Iterable[int], validation: Iterable[int]
) -> dict[str, str]:
    """Return what a card's entry of an image says of its slices.

    Parameters
    ----------
    image
        Fingerprint of the image, as `napari_unet.data.fingerprint` makes it.
    trained, validation
        Indices of slices; a slice can be in both, where regions divide it.

    Examples
    --------
    >>> seen("00ff", range(24), [24, 25])
    {'image': '00ff', 'train': '0:24', 'validation': '24:26'}
    """
    return {
        "image": image,
        "train": ",".join(runs(trained)),
        "validation": ",".join(runs(validation)),
    }


def trained_slices(card: ModelCard, fingerprint: str) -> frozenset[int] | None:
    """Return the slices of an image that a model, or one before it, learnt from.

    Parameters
    ----------
    card
        Of the model.
    fingerprint
        Of the image.

    Returns
    -------
    Indices of slices, none of an image that the model never saw; None where that is
    unknown, as in models of older versions.
    """
    found = _union(card, fingerprint, "train")
    return found if found or _is_complete(card, fingerprint) else None


def validation_slices(card: ModelCard, fingerprint: str) -> frozenset[int] | None:
    """Return the slices of an image that were held out, and never learnt from.

    Parameters, and None, are as of `trained_slices`.
    """
    if not _is_complete(card, fingerprint):
        return None
    validation = _union(card, fingerprint, "validation")
    return validation - _union(card, fingerprint, "train")


def _is_complete(card: ModelCard, fingerprint: str) -> bool:
    """Return whether every training that led to a model tells which slices it used."""
    known = all(
        entry.get("image") and _LIST.fullmatch(entry.get(key, "?"))
        for entry in card.data
        for key in ("train", "validation")
    )
    return bool(fingerprint and card.data) and known


def _union(card: ModelCard, fingerprint: str, key: str) -> frozenset[int]:
    found: set[int] = set()
    for entry in card.data:
        listed = entry.get(key, "")
        if entry.get("image") == fingerprint != "" and _LIST.fullmatch(listed):
            for start, stop in _RUN.findall(listed):
                found.update(range(int(start), int(stop or int(start) + 1)))
    return frozenset(found)
