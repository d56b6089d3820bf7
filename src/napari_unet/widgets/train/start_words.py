"""What a training starts from, in a sentence for the user."""

from __future__ import annotations

from pathlib import Path

from napari_unet.model.card import read_card
from napari_unet.starters import Starter, starter_at

_NEW = "A new network knows nothing yet, and learns only from what you paint."
_OLD = "The network goes on from what the chosen model has learnt."
_STARTER = "The network knows such images, and shows what it finds before you paint."


def explain_start(start: Path | int | None) -> tuple[str, str]:
    """Return a sentence on what is started from, and more for a tooltip.

    Parameters
    ----------
    start
        The file of a model, or the size of a new network.
    """
    if not isinstance(start, Path):
        return _NEW, ""
    starter = starter_at(start)
    return (_OLD, str(start)) if starter is None else (_STARTER, _describe(starter))


def _describe(starter: Starter) -> str:
    """Return what a starter network does, and its data with their licences."""
    data = read_card(starter.path).data
    rows = [f"{one['name']}: {one['licence']}." for one in data]
    return "\n".join([starter.words, "", "It learnt from", *rows])
