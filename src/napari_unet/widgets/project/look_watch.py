"""Tells of layers that look otherwise, lie elsewhere or are called otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psygnal import Signal
from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from napari.components import LayerList

_LOOKS = {
    *("name", "visible", "opacity", "blending", "colormap", "gamma"),
    *("contrast_limits", "scale", "translate", "rotate", "shear", "affine", "units"),
}


class LookWatch:
    """Watches the looks of all layers of a viewer.

    Parameters
    ----------
    layers
        Of the viewer.

    Signals
    -------
    changed(leaves)
        A layer looks otherwise: None. A layer is about to leave, and since that was
        told last any has changed: True.
    """

    changed = Signal(object)

    def __init__(self, layers: LayerList) -> None:
        self._untold = self._leaving = False
        layers.events.connect(self._on_event)

    def _on_event(self, event: Any) -> None:
        if event.type in _LOOKS:
            self._untold = True
            self.changed.emit(None)
        elif event.type == "removing":
            self._on_removing()

    def _on_removing(self) -> None:
        # A viewer that is closed loses one layer after the other: what changes of the
        # others meanwhile is no reason to forget those that have left.
        if self._leaving:
            return
        self._leaving = True
        QTimer.singleShot(0, self._on_left)
        if self._untold:
            self._untold = False
            self.changed.emit(True)

    def _on_left(self) -> None:
        self._leaving = False
