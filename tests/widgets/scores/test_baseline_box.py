"""Baselines at one click: into a layer that lies on the image and can be scored."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet.baselines import BASELINES, segment_stack
from napari_unet.config import AnnotationKind, BaselineConfig
from napari_unet.samples import em_stack
from napari_unet.score.pixels.overlap import overlap
from napari_unet.widgets.layers.marks import PREDICTED, made_by_baseline
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.scores.baseline_box import BaselineBox

pytestmark = pytest.mark.one_binding

SHAPE = (3, 64, 80)


@pytest.fixture
def box(viewer: Any, qtbot: Any) -> BaselineBox:
    widget = BaselineBox(viewer)
    qtbot.addWidget(widget)
    widget.show()
    return widget


@pytest.fixture
def stack(viewer: Any) -> tuple[Any, np.ndarray]:
    """An image in the workspace, and where its cells are."""
    data, cells = em_stack(SHAPE, seed=2)
    place = {"scale": (50, 4, 4), "units": ("nm",) * 3}
    image = viewer.add_image(np.asarray(data.data), name="vnc", **place)
    Workspace.of(viewer).image = image
    return image, (cells > 0).astype(np.uint8)


def press(box: BaselineBox, qtbot: Any, name: str) -> Any:
    """Run a baseline to its end, and return the layer that it made."""
    box.setValue(name)
    with qtbot.waitSignal(box.made, timeout=30_000) as made:
        box.run_button.click()
    qtbot.waitUntil(lambda: not box.running, timeout=30_000)
    return made.args[0]


def test_what_cannot_be_used_says_why(viewer, box, qtbot):
    assert not box.run_button.isEnabled()
    assert box.status.text() == "There is no image layer: load one first."
    workspace = Workspace.of(viewer)
    workspace.image = viewer.add_image(np.zeros(SHAPE, np.uint8))
    assert box.run_button.isEnabled()
    assert box.status.text() == ""
    box.setValue("forest")
    assert not box.run_button.isEnabled()
    assert "Random forest learns from annotations" in box.status.text()
    workspace.annotations = viewer.add_labels(np.zeros(SHAPE, np.uint8))
    assert box.run_button.isEnabled()
    box.run_button.click()
    qtbot.waitUntil(lambda: not box.running, timeout=30_000)
    assert "Random forest learns from annotations: give" in box.status.text()
    assert len(viewer.layers) == 2


def test_every_baseline_is_offered_with_what_it_does(box):
    assert box.box.count() == len(BASELINES)
    for one in BASELINES.values():
        box.setValue(one.name)
        assert box.value() == one
        assert box.description.text() == one.description


def test_a_layer_lies_on_its_image_and_can_be_scored(box, stack, viewer, qtbot):
    image, _ = stack
    layer = press(box, qtbot, "otsu")
    assert layer.name == "otsu"
    np.testing.assert_array_equal(layer.data, segment_stack("otsu", image.data))
    np.testing.assert_array_equal(layer.scale, image.scale)
    assert layer.units == image.units
    assert layer.metadata[PREDICTED] == [0, 1, 2]
    made = made_by_baseline(layer)
    assert (made.name, made.of, made.learnt_from) == ("otsu", "vnc", ())
    assert "the layer otsu" in box.status.text()
    again = press(box, qtbot, "otsu")
    assert again != layer
    assert len(viewer.layers) == 3


def test_the_forest_learns_from_the_annotations_and_tells_which(
    box, stack, viewer, qtbot
):
    _, cells = stack
    scribbles = np.zeros(SHAPE, np.uint8)
    scribbles[0, ::8] = cells[0, ::8] + 1
    workspace = Workspace.of(viewer)
    workspace.annotations = viewer.add_labels(scribbles, scale=(50, 4, 4))
    workspace.kind = AnnotationKind.SCRIBBLES
    box.settings.setValue(BaselineConfig(trees=10))
    layer = press(box, qtbot, "forest")
    assert overlap(layer.data[1:], cells[1:], 2).iou > 0.7
    assert made_by_baseline(layer).learnt_from == (0,)
    assert "It learnt from 1 of these slices" in box.status.text()


def test_annotations_tell_the_others_which_side_is_foreground(
    box, stack, viewer, qtbot
):
    image, cells = stack
    image.data = 255 - image.data
    place = {"scale": image.scale, "units": image.units}
    Workspace.of(viewer).annotations = viewer.add_labels(cells, **place)
    dark = segment_stack("otsu", image.data, config=BaselineConfig(side="dark"))
    np.testing.assert_array_equal(press(box, qtbot, "otsu").data, dark)


def test_stop_keeps_the_slices_that_are_done(box, viewer, qtbot):
    data = np.tile(np.asarray(em_stack((1, 256, 256))[0].data), (40, 1, 1))
    Workspace.of(viewer).image = viewer.add_image(data, name="many")
    box.setValue("chan-vese")
    box.run_button.click()
    assert box.run_button.text() == "Stop"
    assert not box.box.isEnabled()
    with qtbot.waitSignal(box.made, timeout=30_000) as made:
        box.job.stepped.connect(lambda _step: box.job.stop())
    layer = made.args[0]
    qtbot.waitUntil(lambda: not box.running, timeout=30_000)
    slices = layer.metadata[PREDICTED]
    assert 0 < len(slices) < 40
    assert layer.data[slices].any(axis=(1, 2)).all()
    assert "of 40 slices" in box.status.text()
    assert box.run_button.text() == "Compare with a baseline"


def test_settings_that_have_no_effect_are_disabled(box, stack):
    used = {"otsu": {"scale", "side"}, "kmeans": {"scale", "side", "seed"}}
    for name, fields in {**used, "forest": {"scale", "trees", "seed"}}.items():
        box.setValue(name)
        editors = box.settings._editors
        enabled = {one for one in editors if editors[one].native.isEnabled()}
        assert enabled == fields


def test_a_picture_without_slices_is_segmented_too(box, viewer, qtbot):
    data = np.asarray(em_stack((64, 64))[0].data)
    Workspace.of(viewer).image = viewer.add_image(data, name="one")
    layer = press(box, qtbot, "li")
    assert layer.data.shape == (64, 64)
    np.testing.assert_array_equal(layer.data, segment_stack("li", data[None])[0])
