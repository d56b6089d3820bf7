"""Small parts of docks: words that wrap, and what ends with a widget."""

from __future__ import annotations

from typing import Any

import pytest
from napari.utils.notifications import notification_manager
from psygnal import Signal
from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QHelpEvent
from qtpy.QtWidgets import QApplication, QLabel, QToolTip, QWidget

from napari_unet.errors import InputError
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import (
    NarrowBox,
    WrappedLabel,
    button,
    in_column,
    in_row,
    tool,
)


class Source:
    """Something that tells of changes."""

    first = Signal(int)
    second = Signal(int)


def test_long_words_and_names_do_not_widen_what_they_lie_in(qtbot: Any) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    label = WrappedLabel("many words " * 50)
    in_column(page, in_row(label), QWidget())
    page.resize(200, 600)
    page.show()
    assert page.width() == 200
    assert label.height() > 5 * label.fontMetrics().lineSpacing()


def test_a_long_choice_is_cut_in_the_middle_and_told_as_a_whole(qtbot: Any) -> None:
    whole = "2026-11-29 a long name of a series, slices 0 to 29"
    box = NarrowBox(whole, "short")
    box.setToolTip("Which series.")
    qtbot.addWidget(box)
    box.resize(150, 30)
    box.show()
    start, end = box.shown().split("…")
    assert whole.startswith(start)
    assert whole.endswith(end)
    centre = box.rect().center()
    ask = QHelpEvent(QEvent.Type.ToolTip, centre, box.mapToGlobal(centre))
    QApplication.sendEvent(box, ask)
    assert QToolTip.text() == f"{whole}\n\nWhich series."
    box.setCurrentText("short")
    assert box.shown() == "short"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (InputError("No slice is shown."), "No slice is shown."),
        (PermissionError(13, "Permission denied", "a.csv"), "a.csv cannot be used"),
    ],
)
def test_a_button_tells_what_went_wrong_in_one_sentence(
    qtbot: Any, error: Exception, words: str
) -> None:
    def slot() -> None:
        raise error

    made = button("Save", slot)
    qtbot.addWidget(made)
    notification_manager.records.clear()
    made.click()
    (told,) = notification_manager.records
    assert words in told.message
    assert told.severity == "error"


def test_a_picture_on_a_button_says_what_it_is(qtbot: Any) -> None:
    made = tool("File", lambda: None, "Choose a file ...", icon="file")
    qtbot.addWidget(made)
    assert not made.icon().isNull()
    assert (made.text(), made.accessibleName()) == ("", "File")
    assert made.toolTip() == "Choose a file ..."


def test_a_reason_takes_the_place_of_the_last_reason_and_of_no_result(
    qtbot: Any,
) -> None:
    label = WrappedLabel()
    qtbot.addWidget(label)
    label.remind("Load an image.")
    label.remind("Load annotations.")
    assert label.text() == "Load annotations."
    label.setText("Done.")
    label.remind("Load an image.")
    assert label.text() == "Done."
    label.setText("")
    label.remind("")
    label.remind("Load an image.")
    assert label.text() == "Load an image."


def test_a_label_may_take_no_room_while_it_says_nothing(qtbot: Any) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    label, kept = WrappedLabel(hides=True), WrappedLabel(lines=2)
    in_column(page, label, kept)
    assert label.isHidden()
    assert not kept.isHidden()
    assert kept.minimumHeight() >= 2 * kept.fontMetrics().lineSpacing()
    label.setText("Something.")
    assert not label.isHidden()
    label.setText("")
    assert label.isHidden()


def test_what_listens_ends_with_its_widget_and_can_listen_elsewhere(
    qtbot: Any,
) -> None:
    source, heard = Source(), []
    owner: QObject = QLabel()
    listening = Subscriptions(owner, heard.append, source.first)
    source.first.emit(1)
    listening.replace([source.second])
    source.first.emit(2)
    source.second.emit(3)
    assert heard == [1, 3]
    gone: list[bool] = []
    owner.destroyed.connect(lambda: gone.append(True))
    owner.deleteLater()
    qtbot.waitUntil(lambda: bool(gone), timeout=30_000)
    source.second.emit(4)
    assert heard == [1, 3]
