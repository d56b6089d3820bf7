"""The annotations of a viewer that are not chosen now, kept in its project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_unet.widgets.layers.proxy import real
from napari_unet.widgets.layers.roles import Role
from napari_unet.widgets.project.kept_layers import KeptLayers

if TYPE_CHECKING:
    from napari.layers import Labels

    from napari_unet.data.journal import Journal


class KeptAnnotations(KeptLayers):
    """Keeps the annotations of further images, which are painted and trained on, too.

    Those that are chosen have a keeper of their own.
    """

    _what = "Annotations are"
    _role = Role.ANNOTATIONS

    @property
    def _journal(self) -> Journal:
        return self._project.journal

    def _further(self) -> tuple[Any, ...]:
        return (self._workspace.events.annotations,)

    def _elsewhere(self) -> set[Labels]:
        chosen = self._workspace.annotations
        return set() if chosen is None else {real(chosen)}
