"""The classes of the annotations as swatches: colour, name, painted pixels."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from napari.utils import DirectLabelColormap
from qtpy.QtCore import QEvent, QObject, QSize, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from napari_unet.errors import InputError
from napari_unet.widgets.layers.annotations import class_names, name_classes, take_brush
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import AMBER, tool

if TYPE_CHECKING:
    from napari.components import ViewerModel

_SIDE = 14
_TIP = "Click to paint with it (keys - and = step through them), double-click to rename"
_MISSING = "Nothing of this class is painted yet: click, and paint some."


class ClassSwatches(QWidget):
    """Lists the classes of the annotations; a click takes the brush of one.

    A layer whose values have no names, such as labels from another program, has none,
    and nothing is shown.

    Parameters
    ----------
    viewer
        The viewer with the annotations; its workspace says which these are.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._workspace = Workspace.of(viewer)
        self._layer: Labels | None = None
        self.rows: list[Swatch] = []
        self.more = tool("+", self.add_class, "One more class")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self._grid.setColumnStretch(0, 1)
        self._of_layer = Subscriptions(self, self._show)
        Subscriptions(self, self.set_layer, self._workspace.events.annotations)
        Subscriptions(self, self._on_painted, self._workspace.events.painted)
        self.set_layer(self._workspace.annotations)

    def value(self) -> tuple[str, ...]:
        """Return the names of the classes, background first."""
        return class_names(self._layer)

    def set_layer(self, layer: Labels | None) -> None:
        """Follow the classes of another layer."""
        self._layer = layer
        events = None if layer is None else layer.events
        self._of_layer.replace(
            ()
            if events is None
            else (events.selected_label, events.features, events.colormap)
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
        # Where all values are coloured by chance, the new one is.
        colours = isinstance(layer.colormap, DirectLabelColormap)
        name_classes(layer, [*names, f"class {number}"], colours=colours)
        self.choose(len(names) + 1)
        self.rows[-1].edit()

    def choose(self, value: int) -> None:
        """Take the brush of a class into the hand."""
        layer = self._layer
        if layer is None:
            return
        take_brush(self._viewer, layer, value)

    def rename(self, value: int, name: str) -> None:
        """Give a class another name; one that is empty or taken is not kept."""
        names = list(self.value())
        if self._layer is None or not 1 <= value <= len(names):
            return
        names[value - 1] = name
        with contextlib.suppress(InputError):
            name_classes(self._layer, names, colours=False)
        self._show()

    def _show(self, _event: Any = None) -> None:
        names, layer = self.value(), self._layer
        self.setVisible(bool(names))
        while len(self.rows) > len(names):
            gone = self.rows.pop()
            self._grid.removeWidget(gone)
            gone.deleteLater()
        while len(self.rows) < len(names):
            value = len(self.rows) + 1
            row = Swatch(value)
            row.chosen.connect(partial(self.choose, value))
            row.renamed.connect(partial(self.rename, value))
            self.rows.append(row)
            self._grid.addWidget(row, value - 1, 0)
        self._grid.removeWidget(self.more)
        self._grid.addWidget(self.more, max(0, len(names) - 1), 1)
        # The eraser paints 0, which is no class.
        in_hand = 0 if layer is None else layer.selected_label
        for row, name in zip(self.rows, names, strict=True):
            row.show_class(name, in_hand=row.value == in_hand)
            if layer is not None:
                # They may be the user's own.
                row.show_color(layer.colormap.map(row.value))
        self._on_painted()

    def _on_painted(self, _painted: Any = None) -> None:
        """Show what is painted; what is missing beside the others stands out."""
        counts = self._workspace.painted
        some = any(counts)
        for row, count in zip(self.rows, counts, strict=False):
            row.show_count(count, missing=some and not count)


class Swatch(QFrame):
    """One class: a button with its colour and name, and its painted pixels.

    Parameters
    ----------
    value
        Of the class in the labels.

    Signals
    -------
    chosen()
        It was clicked.
    renamed(str)
        Another name was typed.
    """

    chosen = Signal()
    renamed = Signal(str)

    def __init__(self, value: int) -> None:
        super().__init__()
        self.value = value
        self.button = QToolButton()
        self.button.setCheckable(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        )
        self.button.setIconSize(QSize(_SIDE, _SIDE))
        self.button.setToolTip(_TIP)
        self.button.clicked.connect(self._on_clicked)
        self.button.installEventFilter(self)
        self.name = QLineEdit()
        self.name.hide()
        self.name.editingFinished.connect(self._on_named)
        self.count = QLabel("")
        self.count.setAlignment(
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.button, 0, 0)
        grid.addWidget(self.name, 0, 0)
        grid.addWidget(self.count, 0, 1)
        grid.setColumnStretch(0, 1)
        self.count.setMinimumWidth(
            self.fontMetrics().horizontalAdvance("100,000,000 px")
        )

    def show_class(self, name: str, *, in_hand: bool) -> None:
        """Show the name, and whether one paints with it."""
        self.button.setText(name)
        self.button.setChecked(in_hand)

    def show_color(self, rgba: Sequence[float]) -> None:
        """Show the colour that it is painted with."""
        square = QPixmap(_SIDE, _SIDE)
        square.fill(QColor.fromRgbF(*map(float, rgba[:3])))
        self.button.setIcon(QIcon(square))

    def show_count(self, count: int, *, missing: bool) -> None:
        """Show the painted pixels, or in amber that these are missing."""
        self.count.setText("nothing yet" if missing else f"{count:,} px")
        self.count.setStyleSheet(AMBER if missing else "")
        self.count.setToolTip(_MISSING if missing else "Painted pixels in all slices")

    def edit(self) -> None:
        """Let the name be typed."""
        self.name.setText(self.button.text())
        self.button.hide()
        self.name.show()
        self.name.setFocus()
        self.name.selectAll()

    def eventFilter(  # noqa: N802 (Qt's own spelling)
        self, watched: QObject | None, event: QEvent | None
    ) -> bool:
        """Let a double-click on the button rename."""
        if event is not None and event.type() == QEvent.Type.MouseButtonDblClick:
            self.edit()
            return True
        return super().eventFilter(watched, event)

    def _on_clicked(self) -> None:
        self.button.setChecked(True)
        self.chosen.emit()

    def _on_named(self) -> None:
        # Hiding takes the focus away, which ends the editing once more.
        if self.name.isHidden():
            return
        self.name.hide()
        self.button.show()
        self.renamed.emit(self.name.text())
