"""Layers that a part of a dock shows beside its own: seen with it, and gone with it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QDockWidget, QWidget

from napari_unet.widgets.layers.eye import Eye, view_of
from napari_unet.widgets.layers.marks import PUT_AWAY
from napari_unet.widgets.layers.proxy import real
from napari_unet.widgets.qt.dock import Dock
from napari_unet.widgets.qt.listen import later
from napari_unet.widgets.qt.parts import present

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

_TURNS = (QEvent.Type.Show, QEvent.Type.Hide)


class PartLayers(QObject):
    """Hides the layers of a part while another tab, fold or page is seen.

    They are shown again when the part is, where they were not hidden by hand, and
    removed when its dock is closed.

    Parameters
    ----------
    part
        The part of a dock.
    viewer
        The viewer with the layers.
    kept
        Whether they stay when the dock is closed, since the user drew them or waited
        for them.
    alone
        Whether they are hidden, too, while the dock lies behind another.
    """

    def __init__(
        self,
        part: QWidget,
        viewer: ViewerModel,
        *,
        kept: bool = False,
        alone: bool = False,
    ) -> None:
        super().__init__(part)
        self._part, self._viewer = part, viewer
        self._kept, self._alone = kept, alone
        self._layers: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._dock: Dock | None = None
        self._timer = later(self, self._turn)
        part.installEventFilter(self)

    def add(self, layer: Layer) -> None:
        """Take a layer on; it stays as it is until the part is left."""
        self._layers.add(real(layer))
        self._follow_dock()

    def lay(self, layer: Layer) -> None:
        """Take a layer on that is shown once the part is, and not before."""
        self.add(layer)
        if not self._is_seen():
            self._put_away()

    def eventFilter(  # noqa: N802 (Qt's own spelling)
        self, _watched: QObject | None, event: QEvent | None
    ) -> bool:
        """Notice that the part comes or goes; with its whole window, it does not."""
        if event is not None and event.type() in _TURNS and not event.spontaneous():
            self._timer.start()
        return False

    def _on_raised(self, _visible: bool) -> None:
        self._timer.start()

    def _is_seen(self) -> bool:
        return self._part.isVisibleTo(self._part.window()) and not self._is_behind()

    def _is_behind(self) -> bool:
        """Return whether the dock lies behind another; Qt hides it only by its place.

        That of a window that is put down does not.
        """
        frames = [one for one in self._above() if isinstance(one, QDockWidget)]
        if not (self._alone and frames and frames[-1].isVisible()):
            return False
        window = present(frames[-1].window())
        return frames[-1].visibleRegion().isEmpty() and not window.isMinimized()

    def _above(self) -> Iterator[QWidget]:
        """Yield what the part lies in, from the inside out."""
        above: QWidget | None = self._part
        while above is not None:
            yield above
            above = above.parentWidget()

    def _turn(self) -> None:
        if self._is_seen():
            self._bring_back()
        else:
            self._put_away()

    def _put_away(self) -> None:
        layers = self._there()
        seen = [layer for layer in layers if layer.visible]
        if seen:
            Eye.of(self._viewer).put_back(layers)
        for layer in seen:
            layer.metadata[PUT_AWAY] = True
            layer.visible = False

    def _bring_back(self) -> None:
        for layer in self._there():
            if not layer.metadata.pop(PUT_AWAY, False):
                continue
            if view_of(layer) is None:
                layer.visible = True
            else:
                Eye.of(self._viewer).bring(layer)

    def _there(self) -> list[Layer]:
        layers = map(real, self._viewer.layers)
        return [layer for layer in layers if layer in self._layers]

    def _follow_dock(self) -> None:
        """Listen to the outermost dock, which is the one that can be closed."""
        if self._kept or self._dock is not None:
            return
        for above in self._above():
            if isinstance(above, Dock):
                self._dock = above
            elif isinstance(above, QDockWidget):
                above.visibilityChanged.connect(self._on_raised)
        if self._dock is not None:
            self._dock.ended.connect(self._end)

    def _end(self) -> None:
        for layer in self._there():
            self._viewer.layers.remove(layer)
