"""A word in colour about a layer that was chosen for what it is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.layers.roles import Role, role_changes, role_of
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import WarningLabel


class RoleWarning(WarningLabel):
    """Warns of the layer of a box by its role; takes no room while there is no need.

    Parameters
    ----------
    box
        The box.
    sentences
        What is said of a role.
    """

    def __init__(self, box: LayerBox, sentences: Mapping[Role, str]) -> None:
        super().__init__()
        self._box, self._sentences = box, sentences
        box.valueChanged.connect(self.refresh)
        Subscriptions(self, self.refresh, role_changes.changed)
        self.refresh()

    def refresh(self, *_changed: Any) -> None:
        """Say what is to be said of the layer that is chosen now."""
        layer = self._box.value()
        role = None if layer is None else role_of(layer)
        self.setText("" if role is None else self._sentences.get(role, ""))
