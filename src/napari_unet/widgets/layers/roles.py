"""What a layer is for: the role that decides where it is offered and taken."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari.layers import Image, Labels
from psygnal import Signal

from napari_unet.project import Role
from napari_unet.widgets.layers.marks import ERRORS, PREDICTED, ROLE
from napari_unet.widgets.layers.role_looks import show_role

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = [
    "Role",
    "RoleChanges",
    "is_picture",
    "role_changes",
    "role_of",
    "set_role",
]

_TRUTH = re.compile(r"(?<![a-z])(truth|ground[ _-]?truth|gt)(?![a-z])", re.IGNORECASE)

_PREDICTION = re.compile(r"(?<![a-z])pred(icted|ictions?)?(?![a-z])", re.IGNORECASE)


class RoleChanges:
    """Tells of every layer, of any viewer, that is for something else from now on."""

    changed = Signal(object)


role_changes = RoleChanges()


def role_of(layer: Layer) -> Role | None:
    """Return what a layer is for.

    Of labels that were given no role, those that tell which slices were predicted are
    a prediction, and those that show errors a helper. Else their name may say that they
    are ground truth or a prediction; of others it is not known.
    """
    if ROLE in layer.metadata:
        return Role(layer.metadata[ROLE])
    if not isinstance(layer, Labels):
        return None
    if PREDICTED in layer.metadata:
        return Role.PREDICTION
    if ERRORS in layer.metadata:
        return Role.HELPER
    if _TRUTH.search(layer.name):
        return Role.TRUTH
    return Role.PREDICTION if _PREDICTION.search(layer.name) else None


def is_picture(layer: Layer) -> bool:
    """Return whether a layer holds an image rather than what was made of one."""
    return isinstance(layer, Image) and role_of(layer) in (None, Role.IMAGE)


def set_role(layer: Layer, role: Role) -> None:
    """Say what a layer is for, and let it look like it."""
    layer.metadata[ROLE] = role
    show_role(layer, role)
    role_changes.changed.emit(layer)
