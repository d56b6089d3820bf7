"""The starter networks that come with the program."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from napari_unet.errors import InputError

_FOLDER = Path(str(files(__package__)))


@dataclass(frozen=True)
class Starter:
    """A trained network to predict with as it is, or to start a training from.

    Attributes
    ----------
    name
        What the command line and the API call it.
    title
        What it is called in the window.
    path
        Its model file.
    words
        What it is, in a sentence.
    border_weight
        w0 of a training that starts from it. Cells that it parts already need less, and
        their mask fits better (docs/starters.md).
    """

    name: str
    title: str
    path: Path
    words: str
    border_weight: float

    @property
    def card(self) -> str:
        """Markdown: data, licences and attribution, scores, and what it is bad at."""
        return self.path.with_suffix(".md").read_text(encoding="utf-8")


STARTERS = (
    Starter(
        name="em-membranes",
        title="EM membranes, 2D, small",
        path=_FOLDER / "em_membranes.safetensors",
        words="Finds the interior of cells, and so the membranes between them, in "
        "slices of electron microscopy with 3 to 12 nm pixels; trained on insect brain "
        "and synthetic EM.",
        border_weight=2.0,
    ),
)
"""All starter networks, the one to offer first at the front."""


def starter_at(path: Path | None) -> Starter | None:
    """Return the starter network whose file that is; None for other models."""
    return next((starter for starter in STARTERS if starter.path == path), None)


def find_starter(name: str) -> Starter:
    """Return the starter network of a name.

    Raises
    ------
    InputError
        When there is none of that name.
    """
    for starter in STARTERS:
        if starter.name == name:
            return starter
    known = ", ".join(starter.name for starter in STARTERS)
    raise InputError(f"There is no starter network {name!r}: choose from {known}.")
