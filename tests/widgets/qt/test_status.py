"""What is said keeps its room: nothing moves under the mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from qtpy.QtCore import QPoint
from qtpy.QtWidgets import QPushButton, QWidget

from napari_unet.widgets.qt.panel import Panel
from napari_unet.widgets.qt.status import Status

_LONG = "The model file cannot be used for this image. " * 12


@pytest.fixture
def panel(viewer: Any, qtbot: Any) -> Panel:
    made = Panel(viewer, "Run", "Stop")
    made.below = QPushButton("Below")
    made.finish_layout(made.below)
    viewer.window.resize(1280, 800)
    viewer.window.add_dock_widget(made, area="right").setFixedWidth(360)
    viewer.window.show()
    qtbot.waitExposed(made)
    qtbot.wait(50)
    return made


def places(panel: Panel) -> list[tuple[QPoint, int]]:
    parts: list[QWidget] = [panel.run_button, panel.bar, panel.below]
    return [(part.mapTo(panel, QPoint(0, 0)), part.width()) for part in parts]


@pytest.mark.parametrize(
    "say",
    [
        lambda panel: panel.status.say("Done", "The model is best.safetensors"),
        lambda panel: panel.status.say(_LONG),
        lambda panel: panel.status.say(_LONG, _LONG, "warning", _LONG),
        lambda panel: panel.show_failure(_LONG),
        lambda panel: panel.show_progress(0.5, "0:24 left\nstep 120, loss 0.19"),
        lambda panel: panel.status.say("Removed", action=("Undo", lambda: None)),
    ],
    ids=["message", "sentence", "all of it", "error", "progress", "action"],
)
def test_nothing_moves_whatever_is_said(
    panel: Panel, qtbot: Any, say: Callable[[Panel], None]
) -> None:
    before = places(panel)
    say(panel)
    qtbot.wait(50)
    assert places(panel) == before
    panel.status.say("")
    qtbot.wait(50)
    assert places(panel) == before


def test_what_is_cut_unfolds(panel: Panel, qtbot: Any) -> None:
    status = panel.status
    status.say("Done", "The layer is new.")
    assert not status.more_button.isVisible()
    status.say(_LONG)
    assert status.more_button.isVisible()
    assert not status.details.isVisible()
    status.more_button.click()
    assert status.details.text() == _LONG
    assert status.details.isVisible()
    status.more_button.click()
    assert not status.details.isVisible()
    status.say("Scored", "3 slices", details="Slice 4 holds no truth.")
    status.more_button.click()
    assert status.details.text() == "Slice 4 holds no truth."
    status.say("Done")
    assert not status.details.isVisible()
    assert not status.more_button.isVisible()


def test_an_action_goes_with_its_message(panel: Panel) -> None:
    done: list[int] = []
    panel.status.say(
        "30 slices were predicted", action=("Undo", lambda: done.append(1))
    )
    panel.status.action_button.click()
    assert done == [1]
    panel.status.say("Done")
    assert not panel.status.action_button.isVisible()


def test_an_error_is_forgotten_once_something_is_chosen(panel: Panel) -> None:
    panel.show_failure("Slice 3 holds only background.")
    assert panel.status.level == "error"
    panel.refresh()
    assert panel.status.text() == "Slice 3 holds only background."
    panel.refresh("another layer")
    assert panel.status.text() == ""
    panel.status.say("Done", "The layer is new.")
    panel.refresh("another layer")
    assert panel.status.text() == "Done\nThe layer is new."


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_warnings_are_amber_and_errors_red(
    panel: Panel, viewer: Any, qtbot: Any, theme: str
) -> None:
    viewer.theme = theme
    tints = {}
    for level in ("info", "warning", "error"):
        panel.status.say("", level=level)
        qtbot.wait(20)
        picture = panel.status.grab().toImage()
        tints[level] = picture.pixelColor(picture.width() // 2, picture.height() // 2)
    assert tints["error"].red() > tints["error"].green() + 20
    assert tints["warning"].red() > tints["warning"].blue() + 20
    assert tints["warning"].green() > tints["error"].green() + 10
    grey = tints["info"]
    assert abs(grey.red() - grey.blue()) < 20


def test_a_status_alone_says_what_it_was_told(qtbot: Any) -> None:
    status = Status()
    qtbot.addWidget(status)
    status.remind("There is no image layer.")
    status.remind("")
    assert status.text() == ""
    status.say_all("0:24 left\nstep 3\nloss 0.2")
    assert status.headline.text() == "0:24 left"
    assert status.line.text() == "step 3\nloss 0.2"
