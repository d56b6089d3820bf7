"""Docks that are closed, moved about, or put elsewhere, in a real window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt, QThreadPool
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_unet.config import PredictConfig
from napari_unet.starters import STARTERS
from napari_unet.widgets.project.workspace import Workspace

PLUGIN = "napari-unet-em"
DOCKS = ("U-Net workflow", "Load", "Weights", "Train", "Predict", "Scores")


@pytest.fixture
def opened(viewer: Any) -> Callable[[str], tuple[Any, Any]]:
    """Open a dock as from the menu; what napari wraps around it, and the dock."""

    def open_dock(name: str) -> tuple[Any, Any]:
        wrapped, widget = viewer.window.add_plugin_dock_widget(PLUGIN, name)
        return getattr(wrapped, "__wrapped__", wrapped), widget

    return open_dock


def press_x(wrapped: Any) -> None:
    wrapped.title.close_button.click()


def ears(viewer: Any, *layers: Any) -> dict[str, int]:
    """How many slots listen to the viewer, its layers and what the docks share."""
    real = getattr(viewer, "__wrapped__", viewer)
    groups = {"layers": real.layers.events, "dims": real.dims.events}
    groups |= {layer.name: layer.events for layer in layers}
    heard = {
        f"{name}.{event}": len(emitter.callbacks)
        for name, group in groups.items()
        for event, emitter in group.emitters.items()
    }
    events = Workspace.of(viewer).events
    heard |= {f"workspace.{name}": len(events[name]) for name in events}
    heard["mouse"] = len(real.mouse_drag_callbacks)
    return heard


def test_no_closed_dock_listens_to_anything_any_more(
    viewer: Any, opened: Any, qtbot: Any
) -> None:
    cells = np.zeros((2, 32, 40), np.uint8)
    cells[:, 4:9, 4:9] = 1
    viewer.add_image(cells * 100, name="em")
    layer = viewer.add_labels(cells, name="em annotations")
    # What belongs to the viewer itself outlives every dock.
    wrapped, widget = opened("U-Net workflow")
    ended = []
    widget.destroyed.connect(lambda _gone=None: ended.append("first"))
    press_x(wrapped)
    qtbot.waitUntil(lambda: ended == ["first"], timeout=30_000)
    before = ears(viewer, layer)
    ended.clear()
    for name in DOCKS:
        wrapped, widget = opened(name)
        widget.destroyed.connect(lambda _gone=None, name=name: ended.append(name))
        press_x(wrapped)
    qtbot.waitUntil(lambda: set(ended) == set(DOCKS), timeout=30_000)
    assert ears(viewer, layer) == before
    layer.paint((0, 20, 20), 1)
    layer.undo()
    viewer.layers.clear()


def test_the_x_of_a_dock_ends_live_training_and_keeps_its_model(
    quick: Any, viewer: Any, qtbot: Any, runs_in_tmp: Any
) -> None:
    train, wrapped = quick.train, quick.parent()
    train.start_live()
    qtbot.waitUntil(lambda: train.curves.num_points[0] > 0, timeout=60_000)
    ended = []
    train.destroyed.connect(lambda _gone=None: ended.append(1))
    press_x(wrapped)
    qtbot.waitUntil(lambda: bool(ended), timeout=30_000)
    assert QThreadPool.globalInstance().waitForDone(20_000)
    assert any(runs_in_tmp.rglob("last.safetensors"))
    viewer.layers.clear()


def test_floating_tabbing_and_moving_a_dock_leave_it_alone(
    viewer: Any, opened: Any, qtbot: Any
) -> None:
    wrapped, dock = opened("U-Net workflow")
    other, _ = opened("Load")
    window = wrapped.parent()
    ended = []
    for widget in (dock, dock.train):
        widget.destroyed.connect(lambda _gone=None: ended.append(1))
    for change in (
        lambda: wrapped.setFloating(True),
        lambda: wrapped.setFloating(False),
        lambda: window.tabifyDockWidget(other, wrapped),
        lambda: window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, wrapped),
        lambda: wrapped.setVisible(False),
        lambda: wrapped.setVisible(True),
    ):
        change()
        qtbot.wait(50)
    assert not ended
    assert dock.train.keys.labels["live"].text() == "Shift+G"


def test_a_dock_that_is_put_elsewhere_at_once_stays(
    viewer: Any, opened: Any, qtbot: Any
) -> None:
    _, dock = opened("Train")
    ended = []
    dock.destroyed.connect(lambda _gone=None: ended.append(1))
    viewer.window.remove_dock_widget(dock)
    elsewhere = QWidget()
    qtbot.addWidget(elsewhere)
    QVBoxLayout(elsewhere).addWidget(dock)
    qtbot.wait(50)
    assert not ended
    dock.setParent(None)
    qtbot.waitUntil(lambda: bool(ended), timeout=30_000)


def test_a_dock_that_is_closed_while_it_predicts_leaves_the_prediction_of_before(
    loaded: Any, viewer: Any, finish: Any, qtbot: Any
) -> None:
    predict, wrapped = loaded.predict, loaded.parent()
    predict.model.setValue(STARTERS[0].path)
    for threshold in (0.5, 0.9):
        predict.settings.setValue(PredictConfig(tile_size=32, threshold=threshold))
        predict.predict_layer(viewer.layers["em"])
        if threshold == 0.5:
            finish(predict)
            layer = viewer.layers["prediction"]
            before, marks = layer.data.copy(), dict(layer.metadata)
    qtbot.waitUntil(lambda: predict.bar.value() > 0, timeout=60_000)
    assert not np.array_equal(layer.data, before)
    ended = []
    predict.destroyed.connect(lambda _gone=None: ended.append(1))
    press_x(wrapped)
    qtbot.waitUntil(lambda: bool(ended), timeout=30_000)
    np.testing.assert_array_equal(layer.data, before)
    assert layer.metadata == marks
