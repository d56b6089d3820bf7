"""The coach line follows what there is, and each of its buttons does what it says."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QFileDialog

from napari_unet.coach import _COLOURS, Action
from napari_unet.predict.made_by import MadeBy
from napari_unet.widgets.layers.annotations import class_color
from napari_unet.widgets.layers.marks import remember

# Degrees of the hue that each word means.
_HUES = {
    "blue": (190, 225),
    "light blue": (190, 225),
    "orange": (30, 45),
    "green": (140, 170),
    "pink": (310, 340),
    "yellow": (50, 65),
    "red": (0, 30),
}

_KILLED = """
import os, sys, numpy as np
from napari_unet.data.journal import Journal
Journal(sys.argv[1]).write(np.ones((1, 3, 3), np.uint8), "painted")
os.kill(os.getpid(), 9)
"""


def says(qtbot: Any, dock: Any, action: Action) -> Any:
    """Wait until something is offered, and return the advice."""
    qtbot.waitUntil(lambda: dock.coach.advice.action is action, timeout=30_000)
    return dock.coach.advice


def choosing(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    chosen = lambda *_: (str(path), "")  # noqa: E731
    monkeypatch.setattr(QFileDialog, "getOpenFileName", chosen)


def test_files_are_opened_painted_on_and_scored_as_it_says(
    dock: Any, viewer: Any, files: Any, qtbot: Any, monkeypatch: Any
) -> None:
    coach, workspace = dock.coach, dock.coach._workspace
    assert coach.advice.action is Action.OPEN
    choosing(monkeypatch, files.image)
    coach.button.click()
    assert says(qtbot, dock, Action.BRUSH).label == 2
    coach.button.click()
    layer = workspace.annotations
    assert (layer.mode, layer.selected_label) == ("paint", 2)
    assert viewer.layers.selection.active == layer
    assert dock.tabs.currentWidget() is dock.train
    qtbot.waitUntil(lambda: not coach.button.isEnabled())
    layer.mode = "pan_zoom"
    qtbot.waitUntil(coach.button.isEnabled)
    layer.paint((1, 20, 20), 2)
    qtbot.waitUntil(lambda: coach.advice.label == 1)
    coach.button.click()
    assert (layer.mode, layer.selected_label) == ("paint", 1)
    layer.paint((1, 40, 40), 1)
    says(qtbot, dock, Action.LIVE)

    workspace.model = Path("last.safetensors")
    says(qtbot, dock, Action.PREDICT)
    predicted = viewer.add_labels(files.cells.copy(), name="predicted")
    remember(predicted, MadeBy(workspace.model))
    workspace.prediction = predicted
    says(qtbot, dock, Action.TRUTH)
    # Its name says nothing, but the coach has asked for it.
    plain = files.truth.rename(files.truth.with_name("cells.tif"))
    choosing(monkeypatch, plain)
    coach.button.click()
    says(qtbot, dock, Action.SCORE)
    plain.rename(files.truth)
    coach.button.click()
    says(qtbot, dock, Action.ERROR)
    assert dock.tabs.currentWidget() is dock.scores
    coach.button.click()
    assert dock.scores.errors.isVisibleTo(dock)
    workspace.model = Path("newer.safetensors")
    says(qtbot, dock, Action.PREDICT)


def test_a_network_that_learns_on_is_to_predict_again(dock: Any, viewer: Any) -> None:
    workspace = dock.coach._workspace
    workspace.image = viewer.add_image(np.zeros((3, 40, 40)))
    workspace.prediction = viewer.add_labels(np.zeros((3, 40, 40), np.uint8))
    workspace.begin("live")
    workspace.learnt = 20.0
    workspace.begin("predicting")
    assert dock.coach.state().busy == "predicting"
    workspace.end("predicting")
    assert dock.coach.state().busy == "live"
    assert dock.coach.state().predicted
    workspace.learnt = 21.0
    assert not dock.coach.state().predicted
    workspace.end("live")
    assert dock.coach.state().predicted


def test_what_runs_is_stopped_by_its_button(dock: Any, qtbot: Any) -> None:
    coach = dock.coach
    coach.instead.click()
    says(qtbot, dock, Action.STOP)
    coach.button.click()
    says(qtbot, dock, Action.OPEN)
    assert not dock.load.running


def test_what_is_named_is_stopped_in_another_dock_too_and_nothing_else(
    dock: Any, viewer: Any, finish: Any, qtbot: Any
) -> None:
    def work(stop: threading.Event) -> Iterator[None]:
        yield from ()
        stop.wait(60)

    name = ("napari-unet-em", "Scores")
    _, scores = viewer.window.add_plugin_dock_widget(*name)
    dock.train.start("Training", work)
    scores.start("Scoring", work)
    qtbot.waitUntil(lambda: "Scoring" in dock.coach.sentence.text())
    dock.coach.button.click()
    finish(scores)
    assert dock.train.running
    qtbot.waitUntil(lambda: "Training" in dock.coach.sentence.text())
    dock.coach.button.click()
    finish(dock.train)


@pytest.mark.parametrize(("label", "word"), [*enumerate(_COLOURS, start=1)])
def test_colours_are_called_by_their_names(label: int, word: str) -> None:
    low, high = _HUES[word]
    assert low <= QColor(class_color(label)).hslHue() <= high


def test_what_a_crash_left_is_gone_on_with_at_one_click(
    viewer: Any, runs_in_tmp: Path, qtbot: Any
) -> None:
    folder = runs_in_tmp / "annotations"
    subprocess.run([sys.executable, "-c", _KILLED, folder], check=False)
    name = ("napari-unet-em", "U-Net workflow")
    _, dock = viewer.window.add_plugin_dock_widget(*name)
    advice = says(qtbot, dock, Action.CONTINUE)
    assert advice.sentence.startswith("Continue home, ")
    assert "ended before it was closed" in dock.coach.button.toolTip()
    dock.coach.button.click()
    qtbot.waitUntil(lambda: "painted" in viewer.layers, timeout=30_000)
    says(qtbot, dock, Action.OPEN)
