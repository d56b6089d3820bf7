"""The tools of Proofread: how they are called, what they do, and how they are used."""

from __future__ import annotations

from collections.abc import Callable

from napari_unet.proofread.correction import Correction
from napari_unet.proofread.repair import (
    delete,
    fill_holes,
    grow,
    interpolate,
    keep_largest,
    smooth,
)

MODES = {
    "merge": ("Merge", "Click on the objects that belong to the chosen one."),
    "split": ("Split", "Draw a line across an object, with the button held down."),
    "seeds": ("Seeds", "Click on two parts of an object that ran together."),
    "take": (
        "Take",
        "Click where an object is missing: it is made of what is probable.",
    ),
}
"""Tools that stay in the hand, by name: title, and what to do with the mouse."""
ACTS: dict[str, tuple[str, str, Callable[..., Correction]]] = {
    "delete": ("Delete", "The object becomes background.", delete),
    "fill": ("Fill holes", "Background inside the object goes to it.", fill_holes),
    "smooth": ("Smooth", "Takes bumps and dents from its outline.", smooth),
    "grow": ("Grow", "By one pixel, into the background.", grow),
    "largest": ("Keep largest", "Its smaller pieces become background.", keep_largest),
    "between": ("Fill between", "Draws it in the slices between two.", interpolate),
}
"""Buttons that change the chosen object, by name: title, what they do, and how."""
SIZED = ("smooth",)
"""Those of them that take the size of a pixel into account."""
