"""The mouse wheel scrolls a dock; it changes no setting that it happens to pass."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QScrollArea,
    QScrollBar,
    QWidget,
)

_TABS = ("load", "train", "predict", "scores")


def turn(widget: QWidget, clicks: int) -> None:
    """Turn the wheel over the middle of a widget; more than 0 is away from the hand.

    Qt offers a wheel that really turns to what lies around, until somebody takes it.
    """
    over: QWidget | None = widget
    while over is not None and not _takes(over, clicks):
        over = over.parentWidget()


def _takes(widget: QWidget, clicks: int) -> bool:
    middle = QPointF(widget.rect().center())
    event = QWheelEvent(
        middle,
        QPointF(widget.mapToGlobal(middle.toPoint())),
        QPoint(),
        QPoint(0, 120 * clicks),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def editors(page: QWidget) -> list[Any]:
    found: list[Any] = []
    for kind in (QComboBox, QAbstractSpinBox, QAbstractSlider):
        found += page.findChildren(kind)
    return [one for one in found if not isinstance(one, QScrollBar)]


def value(editor: Any) -> Any:
    if isinstance(editor, QComboBox):
        return editor.currentIndex()
    return editor.text() if isinstance(editor, QAbstractSpinBox) else editor.value()


def test_the_wheel_changes_no_value_in_any_dock(loaded: Any, viewer: Any) -> None:
    seen = 0
    for name in _TABS:
        loaded.tabs.setCurrentIndex(_TABS.index(name))
        QApplication.processEvents()
        for editor in editors(getattr(loaded, name)):
            before = value(editor)
            for clicks in (-1, 1, 1):
                turn(editor, clicks)
                assert value(editor) == before, (name, editor.toolTip())
            # Else it would take the keys from the canvas as the wheel passes it.
            assert editor.focusPolicy() != Qt.FocusPolicy.WheelFocus
            seen += 1
    assert seen > 40


def test_the_wheel_over_a_setting_scrolls_the_dock(
    loaded: Any, viewer: Any, qtbot: Any
) -> None:
    loaded.tabs.setCurrentIndex(_TABS.index("train"))
    loaded.window().resize(1100, 500)
    QApplication.processEvents()
    loaded.window().show()
    loaded.train.more.expand()
    area: Any = loaded.train.rows.recipe
    while not isinstance(area, QScrollArea):
        area = area.parentWidget()
    bar = area.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    turn(loaded.train.rows.recipe, -1)
    assert bar.value() > 0
