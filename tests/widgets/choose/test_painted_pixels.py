"""Every dock hears how many pixels of each class are painted."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QTimer

from napari_unet.widgets.choose import painted_pixels
from napari_unet.widgets.choose.annotation_button import begin_annotations
from napari_unet.widgets.layers.annotations import name_classes

pytestmark = pytest.mark.one_binding


def test_strokes_erasing_and_undo_are_counted(
    dock: Any, viewer: Any, qtbot: Any
) -> None:
    workspace = dock.coach._workspace
    image = viewer.add_image(np.zeros((3, 40, 40)), name="em")
    layer = begin_annotations(viewer, image)
    assert workspace.painted == (0, 0)
    layer.brush_size = 1
    layer.paint((1, 20, 20), 2)
    layer.paint((2, 20, 20), 1)
    layer.paint((2, 10, 10), 1)
    qtbot.waitUntil(lambda: workspace.painted == (2, 1))
    layer.undo()
    qtbot.waitUntil(lambda: workspace.painted == (1, 1))
    layer.paint((1, 20, 20), 0)
    qtbot.waitUntil(lambda: workspace.painted == (1, 0))
    name_classes(layer, ["background", "foreground", "vesicle"])
    assert workspace.painted == (1, 0, 0)
    viewer.layers.remove(layer)
    assert workspace.painted == ()


def test_labels_without_names_are_counted_as_one(loaded: Any, files: Any) -> None:
    workspace = loaded.load.workspace
    assert workspace.painted == (int(files.cells[:5].sum()),)


def test_many_pixels_are_counted_while_the_window_goes_on(
    dock: Any, viewer: Any, qtbot: Any
) -> None:
    workspace = dock.coach._workspace
    rng = np.random.default_rng(0)
    data = rng.integers(0, 4, (20, 1500, 1500), np.uint8)
    layer = viewer.add_labels(data, name="annotations")
    name_classes(layer, ["background", "foreground"])
    expected = tuple((data == value).sum().item() for value in (1, 2))
    ticks, timer = [], QTimer()
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
    timer.start(1)
    workspace.annotations = layer
    qtbot.waitUntil(lambda: workspace.painted == expected, timeout=60_000)
    timer.stop()
    # Counting takes a good deal longer than one turn of the window.
    assert len(ticks) > 5
    # A stroke while it counts, and one that changes what was counted.
    name_classes(layer, ["background", "foreground", "vesicle"])
    layer.brush_size = 1
    for z in (0, 19):
        layer.data[z, 7, 7] = 0
        layer.paint((z, 7, 7), 3)
    expected = tuple((data == value).sum().item() for value in (1, 2, 3))
    qtbot.waitUntil(lambda: workspace.painted == expected, timeout=60_000)


def test_labels_that_are_too_many_are_counted_where_they_change(
    dock: Any, viewer: Any, qtbot: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(painted_pixels, "_COUNTED_BYTES", 100)
    workspace = dock.coach._workspace
    layer = viewer.add_labels(np.ones((3, 900, 900), np.uint8), name="annotations")
    name_classes(layer, ["background", "foreground"])
    workspace.annotations = layer
    assert workspace.painted == (0, 0)
    layer.brush_size = 1
    layer.paint((1, 850, 20), 2)
    qtbot.waitUntil(lambda: workspace.painted == (900 * 900 - 1, 1))
