"""The choice of a layer."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from napari.layers import Layer
from qtpy.QtCore import Signal

from napari_unet.widgets.layers.roles import Role, role_changes, role_of, set_role
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import NarrowBox

if TYPE_CHECKING:
    from napari.components import ViewerModel


class LayerBox(NarrowBox):
    """A list of the viewer's layers of one type, kept up to date.

    A layer without a role that is chosen by hand is given the first of `roles`.

    Parameters
    ----------
    viewer
        The viewer.
    kind
        The type.
    *roles
        What may be chosen without anyone's doing, best first; then come layers without
        a role. There is one at least.
    by_hand
        What is listed too, but only chosen by hand.
    suits
        Whether a layer may be chosen without anyone's doing; by hand all of them may.
    """

    valueChanged = Signal(object)  # noqa: N815 (Qt's own spelling)

    def __init__(
        self,
        viewer: ViewerModel,
        kind: type[Layer],
        *roles: Role,
        by_hand: Collection[Role] = (),
        suits: Callable[[Layer], bool] = lambda _layer: True,
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._kind = kind
        self._roles = roles
        self._by_hand = by_hand
        self._suits = suits
        self._meant = False
        self._layers: list[Layer] = []
        self.setMinimumContentsLength(12)
        events = viewer.layers.events
        listed = (events.inserted, events.removed, events.renamed)
        changes = (*listed, role_changes.changed)
        Subscriptions(self, self.refresh, *changes)
        self.currentIndexChanged.connect(self._on_index_changed)
        self.activated.connect(self._on_activated)
        self.refresh()

    def value(self) -> Any:
        """Return the chosen layer, or None."""
        index = self.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def setValue(self, layer: Layer | None) -> None:  # noqa: N802
        """Choose a layer; one that is not in the list leaves the choice as it is.

        With None, the choice is nobody's any more.
        """
        if layer is None:
            self._meant = False
            self.refresh()
        elif layer in self._layers:
            self._meant = True
            self.setCurrentIndex(self._layers.index(layer))

    def refresh(self, _event: Any = None) -> None:
        """List the layers that are there; a choice stays, where someone meant it."""
        before = self.value()
        layers = [one for one in self._viewer.layers if self._lists(one)]
        self.blockSignals(True)
        self.clear()
        self._layers = layers
        for layer in layers:
            self.addItem(layer.name)
        self._meant = self._meant and before in layers
        chosen = before if self._meant else self._default(layers, before)
        self.setCurrentIndex(-1 if chosen is None else layers.index(chosen))
        self.blockSignals(False)
        if self.value() is not before:
            self.valueChanged.emit(self.value())

    def _lists(self, layer: Layer) -> bool:
        if not isinstance(layer, self._kind):
            return False
        role = role_of(layer)
        return role is None or role in self._roles or role in self._by_hand

    def _default(self, layers: list[Layer], before: Layer | None) -> Layer | None:
        """Return what is taken unless someone says otherwise."""
        ranks = [*self._roles, None]
        free = [one for one in layers if role_of(one) in ranks and self._suits(one)]
        # Of two that are as good, the one that was chosen before.
        free.sort(key=lambda one: (ranks.index(role_of(one)), one != before))
        return next(iter(free), None)

    def _on_activated(self, _index: int) -> None:
        self._meant = True
        layer = self.value()
        if layer is not None and role_of(layer) is None:
            set_role(layer, self._roles[0])

    def _on_index_changed(self, index: int) -> None:
        self.valueChanged.emit(self.value())
