"""All annotations of a window are kept, not those alone that are chosen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet.config import AnnotationKind
from napari_unet.widgets.layers.annotations import add_annotations

pytestmark = pytest.mark.one_binding


def test_annotations_of_several_images_come_back_with_the_project(
    dock: Any, viewer: Any, project: Any, qtbot: Any, ready: Any
) -> None:
    workspace = project.workspace
    images = [
        viewer.add_image(np.zeros((3, side, side), np.uint8), name=name)
        for name, side in (("A", 40), ("B", 48))
    ]
    workspace.image = images[0]
    painted = [add_annotations(viewer, image) for image in images]
    names = [layer.name for layer in painted]
    workspace.annotations = painted[1]
    workspace.kind = AnnotationKind.SCRIBBLES
    workspace.annotations = painted[0]
    for layer, value in zip(painted, (2, 1), strict=True):
        spots = np.array([1, 2]), np.array([5, 6]), np.array([7, 8])
        layer.data_setitem(spots, value)
    project.others.set_interval(0.05)
    project.keeper.now()
    with qtbot.waitSignal(project.others.changed, timeout=10_000):
        pass
    journal = project.project.journal
    qtbot.waitUntil(lambda: len(journal.entries()) == 2, timeout=10_000)

    # What was painted last is kept too, and a viewer that is emptied loses nothing.
    painted[1].data_setitem((np.array([0]), np.array([3]), np.array([3])), 2)
    project.others.set_interval(1000)
    project.save()
    viewer.layers.clear()
    project.save()
    project.wait()
    dock.load.project.resume()
    ready(dock.load.project)
    assert workspace.annotations.name == names[0]
    back = [viewer.layers[name] for name in names]
    assert [int(layer.data.sum()) for layer in back] == [4, 4]
    assert back[1].data[0, 3, 3] == 2
    workspace.annotations = back[1]
    assert workspace.kind is AnnotationKind.SCRIBBLES
    assert len(journal.entries()) == 3, "what was read is not written again"
