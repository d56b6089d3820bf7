"""Clicks and lines on the image, for as long as a dock wants them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.notifications import show_error
from qtpy.QtCore import QObject, Signal

from napari_unet.widgets.layers.places import from_view, shows_slices
from napari_unet.widgets.qt.listen import when_gone

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer
    from numpy.typing import NDArray

_STILL = 3.0
"""Pixels of the canvas that a hand may move while it clicks."""
_TURNED = (
    "A line splits objects in the view of Y and X alone, and the image is turned: roll "
    "its dimensions back by the button below it, and draw the line there."
)


class Canvas(QObject):
    """Tells where somebody clicks on labels, or draws a line over them.

    Parameters
    ----------
    parent
        The part of a dock that wants to know; nothing is told while it is not seen.
    viewer
        The viewer.
    layer
        Returns the labels, or None.

    Signals
    -------
    clicked(place)
        A place in slices, Y and X of the labels, whole numbers.
    drawn(points)
        (N, 2 or 3): the way of the mouse, in the same.
    """

    clicked = Signal(object)
    drawn = Signal(object)

    def __init__(
        self, parent: Any, viewer: ViewerModel, layer: Callable[[], Labels | None]
    ) -> None:
        super().__init__(parent)
        self._parent, self._viewer, self._layer = parent, viewer, layer
        self._draws = False
        self._held: Layer | None = None
        callbacks = viewer.mouse_drag_callbacks
        callbacks.append(self._on_press)
        when_gone(self, lambda: _forget(callbacks, self._on_press))

    def draw_lines(self, wanted: bool) -> None:
        """Let a drag draw a line, instead of moving the image."""
        self._draws = wanted
        if self._held is not None:
            self._held.mouse_pan = True
        self._held = self._viewer.layers.selection.active if wanted else None
        if self._held is not None:
            self._held.mouse_pan = False

    def _on_press(self, _viewer: Any, event: Any) -> Iterator[None]:
        layer = self._layer()
        seen = self._parent.isVisible() and self._viewer.dims.ndisplay == 2
        active = self._viewer.layers.selection.active
        # A brush, a fill or a shape that is being drawn is meant for its own layer.
        moves = active is None or active.mode == "pan_zoom"
        if layer is None or not (seen and moves) or event.button != 1:
            return
        start, way = np.array(event.pos, float), [self._place(layer, event)]
        moved = 0.0
        yield
        while event.type == "mouse_move":
            moved = max(moved, float(abs(np.array(event.pos) - start).max()))
            way.append(self._place(layer, event))
            yield
        if moved <= _STILL:
            self.clicked.emit(tuple(np.round(way[0]).astype(int).tolist()))
        elif self._draws and shows_slices(self._viewer):
            self.drawn.emit(np.array(way))
        elif self._draws:
            show_error(_TURNED)

    def _place(self, layer: Labels, event: Any) -> NDArray[np.floating[Any]]:
        return from_view(self._viewer, layer, event.position)


def _forget(callbacks: list[Any], slot: Any) -> None:
    with contextlib.suppress(ValueError):
        callbacks.remove(slot)
