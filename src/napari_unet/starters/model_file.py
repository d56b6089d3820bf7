"""The model file that a user means by a path or by the name of a starter network."""

from __future__ import annotations

from pathlib import Path

from napari_unet.errors import ModelFileError
from napari_unet.starters.starter import STARTERS


def model_file(given: str | Path) -> Path:
    """Return a file that is there, or else the one of a starter network of that name.

    Raises
    ------
    ModelFileError
        When there is neither.
    """
    path = Path(given)
    if path.exists():
        return path
    for starter in STARTERS:
        if starter.name == str(given):
            return starter.path
    known = ", ".join(starter.name for starter in STARTERS)
    raise ModelFileError(
        f"There is no model file {given}, nor a starter network of that name: choose "
        f"a file (.safetensors) or {known}."
    )
