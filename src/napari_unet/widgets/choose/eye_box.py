"""Three buttons for what is seen over the image: nothing, the result, its errors."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QButtonGroup, QLabel, QPushButton, QWidget

from napari_unet.widgets.choose.keys import EYE, Keys
from napari_unet.widgets.layers.eye import EM, ERRORS, RESULT, Eye
from napari_unet.widgets.qt.listen import Subscriptions, when_gone
from napari_unet.widgets.qt.parts import button, in_row

if TYPE_CHECKING:
    from napari.components import ViewerModel

_TEXTS = {EM: "EM", RESULT: "Result", ERRORS: "Errors"}
_TIPS = {
    EM: "The image and what you paint, without any result.",
    RESULT: "The newest prediction or preview over the image.",
    ERRORS: "The errors of the prediction, alone over the image.",
}
_MISSING = {
    RESULT: "There is no result yet: predict, or start live training.",
    ERRORS: "No errors yet: score a prediction, and choose one of its errors.",
}


class EyeBox(QWidget):
    """Chooses what is seen; its key shows the next.

    Parameters
    ----------
    viewer
        The viewer whose layers are shown and hidden.
    """

    running = False

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.eye, self._keys = Eye.of(viewer), Keys.of(viewer)
        self.key = QLabel()
        self.buttons: dict[str, QPushButton] = {}
        group = QButtonGroup(self)
        for view, text in _TEXTS.items():
            self.buttons[view] = button(text, partial(self.eye.show, view))
            self.buttons[view].setCheckable(True)
            group.addButton(self.buttons[view])
        row = in_row(self.key, *self.buttons.values(), of=self)
        row.setContentsMargins(0, 0, 8, 0)
        self._keys.add(self, EYE)
        when_gone(self, partial(self._keys.remove, self))
        Subscriptions(self, self._show_key, self._keys.changed)
        Subscriptions(self, self.refresh, self.eye.changed)
        self._show_key()
        self.refresh()

    def refresh(self) -> None:
        """Press the button of what is seen; disable what there is nothing of."""
        for view, choice in self.buttons.items():
            there = self.eye.can_show(view)
            choice.setEnabled(there)
            choice.setToolTip(_TIPS[view] if there else _MISSING[view])
            choice.setChecked(view == self.eye.showing)

    def _show_key(self) -> None:
        key = self._keys.words("eye")
        # Why there is none is long.
        self.key.setText(f"Show ({key})" if " " not in key else "Show")
        self.key.setToolTip(f"Key: {key}")
