"""The choice of a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari.layers import Layer
from qtpy.QtCore import Signal

from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import NarrowBox

if TYPE_CHECKING:
    from napari.components import ViewerModel


class LayerBox(NarrowBox):
    """A list of the viewer's layers of one type, kept up to date.

    Parameters
    ----------
    viewer
        The viewer.
    kind
        The type.
    suits
        Whether a layer may be chosen without anyone's doing; by hand all of them may.
    """

    valueChanged = Signal(object)  # noqa: N815 (Qt's own spelling)

    def __init__(
        self,
        viewer: ViewerModel,
        kind: type[Layer],
        *,
        suits: Callable[[Layer], bool] = lambda _layer: True,
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._kind = kind
        self._suits = suits
        self._meant = False
        self._layers: list[Layer] = []
        self.setMinimumContentsLength(12)
        events = viewer.layers.events
        changes = (events.inserted, events.removed, events.renamed)
        Subscriptions(self, self.refresh, *changes)
        self.currentIndexChanged.connect(self._on_index_changed)
        self.activated.connect(self._on_activated)
        self.refresh()

    def value(self) -> Any:
        """Return the chosen layer, or None."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def setValue(self, layer: Layer | None) -> None:  # noqa: N802
        """Choose a layer; one that is not in the list leaves the choice as it is."""
        if layer in self._layers:
            self._meant = True
            self.setCurrentIndex(self._layers.index(layer))

    def refresh(self, _event: Any = None) -> None:
        """List the layers that are there; a choice stays, where someone meant it."""
        before = self.value()
        layers = [one for one in self._viewer.layers if isinstance(one, self._kind)]
        self.blockSignals(True)
        self.clear()
        self._layers = layers
        for layer in layers:
            self.addItem(layer.name)
        stays = before in layers and (self._meant or self._suits(before))
        self._meant = self._meant and stays
        suiting = (one for one in layers if self._suits(one))
        chosen = before if stays else next(suiting, None)
        self.setCurrentIndex(-1 if chosen is None else layers.index(chosen))
        self.blockSignals(False)
        if self.value() is not before:
            self.valueChanged.emit(self.value())

    def _on_activated(self, _index: int) -> None:
        self._meant = True

    def _on_index_changed(self, index: int) -> None:
        self.valueChanged.emit(self.value())
