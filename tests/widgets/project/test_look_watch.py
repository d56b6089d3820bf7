"""Looks that change last are kept, and nothing that leaves is forgotten for them."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel

from napari_unet.widgets.project.look_watch import LookWatch


def test_a_layer_that_changes_while_the_others_leave_forgets_none_of_them(qtbot):
    viewer, told = ViewerModel(), []
    layers, plane = viewer.layers, np.zeros((4, 4), np.uint8)
    for name in ("first", "second", "third"):
        viewer.add_labels(plane, name=name)
    watch = LookWatch(layers)
    watch.changed.connect(lambda leaves: told.append((leaves, len(layers))))

    def change(_event):
        for layer in layers:
            layer.opacity -= 0.1

    layers.events.removed.connect(change)
    layers["first"].opacity = 0.5
    while layers:
        layers.pop()
    assert [count for leaves, count in told if leaves] == [3]

    layers.events.removed.disconnect(change)
    layer = viewer.add_labels(plane)
    qtbot.wait(1)
    layer.opacity = 0.5
    layers.pop()
    assert [count for leaves, count in told if leaves] == [3, 1]
