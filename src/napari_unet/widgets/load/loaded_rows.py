"""What the rows of the Load dock have loaded, so that nothing is read twice."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_unet.widgets.layers.proxy import real

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

Given = tuple[Path, str | None, int]
"""Path, axes and level that a row was read with."""


class LoadedRows:
    """Knows the layer that each row has loaded last, while the viewer has it.

    Parameters
    ----------
    viewer
        The viewer that gets the layers.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._known: dict[str, tuple[Given, weakref.ref[Layer]]] = {}

    def keep(self, role: str, given: Given, layer: Layer) -> None:
        """Note what a row has loaded."""
        self._known[role] = given, weakref.ref(real(layer))

    def layer(self, role: str, given: Given) -> Any:
        """Return the layer that a row has loaded from this; None where it has gone."""
        known, found = self._known.get(role, (None, None))
        layer = found() if found is not None and known == given else None
        there = (real(one) is layer for one in self._viewer.layers)
        return layer if layer is not None and any(there) else None
