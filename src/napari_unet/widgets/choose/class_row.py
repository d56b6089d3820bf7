"""The classes of the annotations: which is painted, what they are called, one more."""

from __future__ import annotations

import contextlib
from typing import Any

from napari.layers import Labels
from qtpy.QtCore import QSignalBlocker
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QComboBox, QWidget

from napari_unet.errors import InputError
from napari_unet.widgets.layers.annotations import class_names, name_classes
from napari_unet.widgets.layers.class_colors import class_color
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import NarrowBox, in_row, present, tool

_NOT_OURS = "Classes have names in layers that the + beside Annotations made."
_OURS = "The class that is painted. Type to give it another name."


class ClassRow(QWidget):
    """Lists the classes of the annotations with their colours; "+" adds one.

    Parameters
    ----------
    workspace
        Has the layer of annotations.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self._layer: Labels | None = None
        self.box = NarrowBox()
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.box.setCompleter(None)
        self.more = tool("+", self.add_class, "One more class")
        in_row(self.box, self.more, of=self, stretch=(1,))
        self.box.currentIndexChanged.connect(self._on_index)
        present(self.box.lineEdit()).editingFinished.connect(self._on_text)
        self._of_layer = Subscriptions(self, self._show)
        Subscriptions(self, self.set_layer, workspace.events.annotations)
        self.set_layer(workspace.annotations)

    def value(self) -> tuple[str, ...]:
        """Return the names of the classes, background first."""
        return class_names(self._layer)

    def set_layer(self, layer: Labels | None) -> None:
        """Follow the classes of another layer."""
        self._layer = layer
        events = None if layer is None else layer.events
        self._of_layer.replace(
            () if events is None else (events.selected_label, events.features)
        )
        self._show()

    def add_class(self) -> None:
        """Add a class with a name that can be changed, and paint with it."""
        layer, names = self._layer, self.value()
        if layer is None or not names:
            return
        number = len(names)
        while f"class {number}" in names:
            number += 1
        name_classes(layer, [*names, f"class {number}"])
        layer.selected_label = len(names) + 1
        self.box.setFocus()
        present(self.box.lineEdit()).selectAll()

    def _show(self, _event: Any = None) -> None:
        names, layer = self.value(), self._layer
        self.setEnabled(bool(names))
        self.setToolTip(_OURS if names else _NOT_OURS)
        with QSignalBlocker(self.box):
            self.box.clear()
            for value, name in enumerate(names, start=1):
                self.box.addItem(_icon(class_color(value)), name)
            painted = 0 if layer is None else layer.selected_label
            # The eraser paints 0, which is no class.
            self.box.setCurrentIndex(painted - 1 if painted <= len(names) else -1)

    def _on_index(self, index: int) -> None:
        if self._layer is not None and index >= 0:
            self._layer.selected_label = index + 1

    def _on_text(self) -> None:
        names, index = list(self.value()), self.box.currentIndex()
        if self._layer is None or index < 0 or names[index] == self.box.currentText():
            return
        names[index] = self.box.currentText()
        # A name that is empty or taken is not kept: the old one shows again.
        with contextlib.suppress(InputError):
            name_classes(self._layer, names)
        self._show()


def _icon(color: str) -> QIcon:
    square = QPixmap(12, 12)
    square.fill(QColor(color))
    return QIcon(square)
