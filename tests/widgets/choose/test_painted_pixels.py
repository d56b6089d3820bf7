"""Every dock hears how many pixels of each class are painted."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_unet.widgets.choose.annotation_button import begin_annotations
from napari_unet.widgets.layers.annotations import name_classes


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
