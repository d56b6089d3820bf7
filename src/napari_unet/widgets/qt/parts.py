"""Small parts that docks are put together from: labels, buttons, rows and columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from napari.utils.notifications import show_error
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QHelpEvent, QPaintEvent
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMenu,
    QPushButton,
    QScrollBar,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from napari_unet.errors import telling

_POLICY = QSizePolicy.Policy
_INSET = 2
"""Pixels that the style keeps free beside the words of a choice."""
_TIGHT = "QComboBox {padding: 3px 2px 3px 8px}"
"""napari's own style keeps more free before the arrow."""
ICONS = {
    "file": QStyle.StandardPixmap.SP_FileIcon,
    "folder": QStyle.StandardPixmap.SP_DirIcon,
    "open": QStyle.StandardPixmap.SP_DialogOpenButton,
    "new": QStyle.StandardPixmap.SP_FileDialogNewFolder,
}
"""Pictures on buttons, which are seen on dark and on light."""
AMBER = "background: #40e69f00"
"""Tint of what is warned of; the words keep the colour of the theme."""
_Part = TypeVar("_Part")
_Editor = TypeVar("_Editor", bound=QWidget)


def present(part: _Part | None) -> _Part:
    """Return a part that Qt makes together with its widget, or by itself.

    Its stubs take every such part for optional.

    Raises
    ------
    RuntimeError
        When it is not there after all.
    """
    if part is None:
        raise RuntimeError("Qt made no such part")
    return part


class WrappedLabel(QLabel):
    """Words that wrap where the dock is narrow, instead of widening it.

    Parameters
    ----------
    text
        What it says at first.
    lines
        Room that is kept for so many lines, so that what is around it stays put.
    hides
        Whether it takes no room at all while it says nothing.
    """

    def __init__(
        self,
        text: str = "",
        *,
        lines: int = 0,
        hides: bool = False,
    ) -> None:
        super().__init__()
        self._hides = hides
        self._reason = ""
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setMinimumHeight(lines * self.fontMetrics().lineSpacing())
        height = _POLICY.Minimum if hides else _POLICY.Preferred
        self.setSizePolicy(_POLICY.Ignored, height)
        self.setText(text)

    def setText(self, text: str | None) -> None:  # noqa: N802 (Qt's own spelling)
        """Show other words."""
        super().setText(text)
        if self._hides:
            self.setVisible(bool(text))

    def remind(self, reason: str) -> None:
        """Show a reason in place of nothing or of the last; a result stays."""
        if self.text() in ("", self._reason):
            self.setText(reason)
        self._reason = reason


class WarningLabel(WrappedLabel):
    """Words on amber that take no room while there are none."""

    def __init__(self) -> None:
        super().__init__(hides=True)
        self.setStyleSheet(f"{AMBER}; border-left: 3px solid #e69f00; padding: 3px 6px")


class _WheelPasser(QObject):
    """Hands the mouse wheel on to what lies around a widget."""

    def eventFilter(  # noqa: N802 (Qt's own spelling)
        self, _watched: QObject | None, event: QEvent | None
    ) -> bool:
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        event.ignore()
        return True


def steady(editor: _Editor) -> _Editor:
    """Let the mouse wheel scroll the dock over an editor, and never change its value.

    What is in it is edited by clicks and keys, which the wheel does not turn to it.
    """
    parts: list[QWidget] = [editor]
    for kind in (QAbstractSpinBox, QAbstractSlider):
        parts += editor.findChildren(kind)
    for part in parts:
        if isinstance(part, QScrollBar):
            continue  # of the list that a choice opens
        part.installEventFilter(_WheelPasser(part))
        if part.focusPolicy() == Qt.FocusPolicy.WheelFocus:
            part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return editor


class NarrowBox(QComboBox):
    """A choice that may be narrow: what does not fit is cut, and told by the tooltip.

    It is cut in the middle: names of one series often differ at the end.

    Parameters
    ----------
    *texts
        The entries.
    """

    def __init__(self, *texts: str) -> None:
        super().__init__()
        self.setSizePolicy(_POLICY.Ignored, _POLICY.Fixed)
        self.setStyleSheet(_TIGHT)
        self.addItems(texts)
        steady(self)

    def shown(self) -> str:
        """Return what there is room for of the entry that is chosen."""
        option, style = QStyleOptionComboBox(), present(self.style())
        self.initStyleOption(option)
        kind, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl
        field = part.SC_ComboBoxEditField
        room = style.subControlRect(kind, option, field, self).width() - _INSET
        words = self.currentText() or self.placeholderText()
        return self.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, room)

    def paintEvent(self, _event: QPaintEvent | None) -> None:  # noqa: N802 (Qt's)
        """Draw what there is room for."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        option.currentText = self.shown()
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)

    def event(self, event: QEvent | None) -> bool:
        """Begin the tooltip with what is cut."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            whole = self.currentText()
            words = [whole] if self.shown() != whole else []
            tip = "\n\n".join(filter(None, [*words, self.toolTip()]))
            QToolTip.showText(event.globalPos(), tip, self)
            return True
        return super().event(event)


def button(text: str, slot: Callable[[], object], tip: str = "") -> QPushButton:
    """Return a button that calls `slot` when it is pressed, and tells of its errors."""

    def press(_checked: bool = False) -> None:
        with telling(show_error):
            slot()

    made = QPushButton(text)
    made.setToolTip(tip)
    made.clicked.connect(press)
    return made


def tool(
    text: str, slot: Callable[[], object], tip: str = "", *, icon: str = ""
) -> QPushButton:
    """Return a button as narrow as its text that calls `slot` when it is pressed.

    With one of `ICONS`, it is a picture, and the tooltip says the text.
    """
    made = button(text, slot, tip)
    made.setSizePolicy(_POLICY.Fixed, _POLICY.Fixed)
    if icon:
        style = present(QApplication.style())
        made.setIcon(style.standardIcon(ICONS[icon]))
        made.setText("")
        made.setAccessibleName(text)
        made.setToolTip(tip or text)
    return made


def menu_button(text: str, tip: str) -> tuple[QPushButton, QMenu]:
    """Return a button that opens a menu, and the menu, which is empty."""
    made = QPushButton(f"{text} ▾")
    made.setSizePolicy(_POLICY.Fixed, _POLICY.Fixed)
    made.setToolTip(tip)
    # The theme's own arrow would lie over the last letter.
    made.setStyleSheet("QPushButton::menu-indicator {image: none}")
    menu = QMenu(made)
    made.setMenu(menu)
    return made, menu


def check_box(text: str, slot: Callable[[bool], object], tip: str = "") -> QCheckBox:
    """Return a box that calls `slot` with whether it is ticked."""
    made = QCheckBox(text)
    made.setToolTip(tip)
    made.toggled.connect(slot)
    return made


def in_row(
    *parts: QWidget, of: QWidget | None = None, stretch: Sequence[int] = ()
) -> QHBoxLayout:
    """Lay widgets out from left to right, without margins.

    Parameters
    ----------
    *parts
        The widgets.
    of
        The widget that is filled; a row to be added elsewhere when left out.
    stretch
        How much of the room each widget takes; those that are left out take none.
    """
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        row.addWidget(part)
    for index, share in enumerate(stretch):
        row.setStretch(index, share)
    if of is not None:
        of.setLayout(row)
    return row


def in_column(of: QWidget, *parts: QWidget | QLayout) -> QVBoxLayout:
    """Fill a widget with widgets and rows from top to bottom, without margins."""
    column = QVBoxLayout(of)
    column.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        if isinstance(part, QWidget):
            column.addWidget(part)
        else:
            column.addLayout(part)
    return column
