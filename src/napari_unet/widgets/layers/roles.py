"""What a layer is for: the role that decides where it is offered and taken."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari.layers import Labels

from napari_unet.project import Role
from napari_unet.widgets.layers.marks import ROLE
from napari_unet.widgets.layers.role_looks import show_role

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["Role", "role_of", "set_role"]

_TRUTH = re.compile(r"(?<![a-z])(truth|ground[ _-]?truth|gt)(?![a-z])", re.IGNORECASE)


def role_of(layer: Layer) -> Role | None:
    """Return what a layer is for.

    Of a layer that was not given a role, labels whose name says so are ground truth;
    what the others are for is not known.
    """
    if ROLE in layer.metadata:
        return Role(layer.metadata[ROLE])
    if isinstance(layer, Labels) and _TRUTH.search(layer.name):
        return Role.TRUTH
    return None


def set_role(layer: Layer, role: Role) -> None:
    """Say what a layer is for, and let it look like it."""
    layer.metadata[ROLE] = role.value
    show_role(layer, role)
