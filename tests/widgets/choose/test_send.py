"""Send to annotations: parts of a prediction, for every kind, each one undo."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet.config import AnnotationKind
from napari_unet.widgets.choose.send import OBJECT, SLICE, VISIBLE, SendPart
from napari_unet.widgets.layers.marks import NUMBERED, PREDICTED
from napari_unet.widgets.layers.roles import Role, set_role
from napari_unet.widgets.layers.undo import protect
from napari_unet.widgets.project.workspace import Workspace

pytestmark = pytest.mark.one_binding

SHAPE = (4, 60, 80)


@pytest.fixture
def layers(viewer: Any) -> tuple[Any, Any]:
    """A prediction of two cells on slice 2, and empty annotations."""
    data = np.zeros(SHAPE, np.uint8)
    data[2, 10:20, 10:20] = 1
    data[2, 40:50, 30:60] = 1
    place = {"scale": (50, 4, 4), "units": ("nm",) * 3}
    prediction = viewer.add_labels(
        data, name="prediction", metadata={PREDICTED: [2]}, **place
    )
    annotations = viewer.add_labels(
        np.zeros(SHAPE, np.uint8), name="annotations", **place
    )
    viewer.dims.set_point(0, 100)
    workspace = Workspace.of(viewer)
    workspace.prediction, workspace.annotations = prediction, annotations
    workspace.kind = AnnotationKind.SCRIBBLES
    return prediction, annotations


@pytest.fixture
def part(viewer: Any, qtbot: Any) -> SendPart:
    widget = SendPart(viewer)
    qtbot.addWidget(widget)
    return widget


def choose(part: SendPart, extent: str) -> None:
    part.extent.setCurrentText(extent)
    part.button.click()


def click(viewer: Any, *place: float) -> None:
    """Press the mouse where the viewer says that it is."""

    class Press:
        position = place

    for callback in list(viewer.mouse_drag_callbacks):
        if "_LastClick" in getattr(callback, "__qualname__", ""):
            callback(viewer, Press)


def test_why_nothing_can_be_sent_is_said(viewer, part):
    workspace = Workspace.of(viewer)
    assert not part.button.isEnabled()
    assert part.words.text() == "There is no prediction to send yet."
    workspace.prediction = viewer.add_labels(np.zeros(SHAPE, np.uint8))
    assert "make a layer with +" in part.words.text()
    workspace.annotations = workspace.prediction
    assert "are one layer" in part.words.text()
    workspace.annotations = viewer.add_labels(np.zeros((4, 9, 9), np.uint8))
    assert "4 x 60 x 80 and the annotations are 4 x 9 x 9" in part.words.text()
    workspace.annotations = viewer.add_labels(np.zeros(SHAPE, np.uint8))
    assert part.button.isEnabled()


def test_a_slice_is_sent_and_taken_back_in_one_step(layers, part, viewer):
    prediction, annotations = layers
    annotations.paint((2, 5, 60), 3)
    painted = annotations.data.copy()
    choose(part, SLICE)
    filled = painted[2] == 0
    np.testing.assert_array_equal(
        annotations.data[2][filled], prediction.data[2][filled] + 1
    )
    np.testing.assert_array_equal(annotations.data[2][~filled], painted[2][~filled])
    assert not annotations.data[[0, 1, 3]].any()
    assert f"{filled.sum():,} pixels sent as scribbles" in part.words.text()
    assert viewer.layers.selection.active == annotations
    assert annotations.mode == "paint"
    annotations.undo()
    np.testing.assert_array_equal(annotations.data, painted)


def test_nothing_to_change_is_said(layers, part):
    choose(part, SLICE)
    choose(part, SLICE)
    assert "Nothing changed" in part.words.text()


def test_only_what_is_visible_is_sent(layers, part, viewer, qtbot):
    _, annotations = layers
    viewer.window.resize(900, 700)
    viewer.scene.camera.zoom = 4
    viewer.scene.camera.center = (100, 4 * 45, 4 * 45)
    canvas = viewer.window.screenshot(canvas_only=True, flash=False)
    assert canvas.any()
    (top, left), (bottom, right) = annotations.corner_pixels[:, -2:]
    assert 0 < left < right <= 80
    choose(part, VISIBLE)
    sent = np.argwhere(annotations.data[2])
    np.testing.assert_array_equal(sent.min(0), (top, left))
    np.testing.assert_array_equal(sent.max(0), np.minimum((bottom, right), (59, 79)))


def test_in_three_dimensions_there_is_no_visible_part_of_a_slice(layers, part, viewer):
    viewer.dims.ndisplay = 3
    choose(part, VISIBLE)
    assert "Show slices" in part.words.text()
    assert not layers[1].data.any()


def test_one_object_is_that_of_the_last_click(layers, part, viewer):
    _, annotations = layers
    choose(part, OBJECT)
    assert "Click on an object" in part.words.text()
    click(viewer, 100, 4 * 45, 4 * 33)
    choose(part, OBJECT)
    assert (annotations.data[2, 40:50, 30:60] == 2).all()
    assert np.count_nonzero(annotations.data) == 300
    assert annotations.mode == "pan_zoom", "the next click must not paint"
    click(viewer, 100, 4 * 30, 4 * 33)
    choose(part, OBJECT)
    assert "No object is predicted at row 30, column 33" in part.words.text()


def test_a_click_on_another_slice_is_not_taken(layers, part, viewer):
    click(viewer, 50, 4 * 45, 4 * 33)
    choose(part, OBJECT)
    assert "on another slice" in part.words.text()


def test_a_key_sends_the_object_under_the_mouse(layers, part, viewer):
    viewer.cursor.position = (100, 4 * 15, 4 * 15)
    part.send(at_cursor=True)
    assert (layers[1].data[2, 10:20, 10:20] == 2).all()
    assert np.count_nonzero(layers[1].data) == 100


def test_objects_get_numbers_that_no_slice_uses(layers, part, viewer):
    _, annotations = layers
    Workspace.of(viewer).kind = AnnotationKind.OBJECTS
    annotations.data[0, 3, 3] = 200
    choose(part, SLICE)
    assert set(np.unique(annotations.data)) == {0, 200, 201, 202}
    assert viewer.layers["prediction"].data.max() == 1


def test_numbers_of_objects_are_not_taken_for_classes(layers, part, viewer):
    prediction, annotations = layers
    prediction.data[2, 40:50, 30:60] = 7
    prediction.metadata[NUMBERED] = True
    Workspace.of(viewer).kind = AnnotationKind.CLASSES
    choose(part, SLICE)
    np.testing.assert_array_equal(annotations.data, prediction.data > 0)


def test_a_part_of_an_untouched_slice_of_classes_comes_with_a_word(
    layers, part, viewer
):
    Workspace.of(viewer).kind = AnnotationKind.CLASSES
    click(viewer, 100, 4 * 45, 4 * 33)
    choose(part, OBJECT)
    assert "now counts as background" in part.words.text()


def test_a_slice_that_is_not_predicted_is_refused(layers, part, viewer):
    viewer.dims.set_point(0, 50)
    choose(part, SLICE)
    assert "Slice 1 is not predicted yet" in part.words.text()


def test_a_guess_is_settled_before_it_could_change(layers, part, viewer):
    workspace = Workspace.of(viewer)
    workspace.kind = None
    choose(part, SLICE)
    assert workspace.kind is AnnotationKind.SCRIBBLES


def test_pictures_without_slices_are_sent_too(viewer, part):
    workspace = Workspace.of(viewer)
    workspace.prediction = viewer.add_labels(np.eye(30, dtype=np.uint8))
    workspace.annotations = viewer.add_labels(np.zeros((30, 30), np.uint8))
    workspace.kind = AnnotationKind.CLASSES
    choose(part, SLICE)
    np.testing.assert_array_equal(workspace.annotations.data, np.eye(30))


def test_another_prediction_can_be_given(layers, viewer, qtbot):
    preview = viewer.add_labels(np.ones(SHAPE, np.uint8), scale=(50, 4, 4))
    part = SendPart(viewer, lambda: preview)
    qtbot.addWidget(part)
    choose(part, SLICE)
    assert (layers[1].data[2] == 2).all()


def test_a_prediction_is_corrected_by_hand_only_where_that_is_asked_for(
    layers, part, viewer
):
    prediction, annotations = layers
    protect(prediction)
    viewer.layers.selection.active = annotations
    part.edit_button.click()
    assert viewer.layers.selection.active == prediction
    assert prediction.mode == "paint"
    set_role(prediction, Role.PREVIEW)
    part.refresh()
    assert not part.edit_button.isEnabled()
    assert "drawn anew" in part.edit_button.toolTip()


def test_undo_takes_back_what_was_sent_whichever_layer_is_active(layers, part, viewer):
    prediction, annotations = layers
    annotations.paint((2, 5, 60), 3)
    painted = annotations.data.copy()
    assert part.words.action_button.isHidden()
    choose(part, SLICE)
    assert not part.words.action_button.isHidden()
    viewer.layers.selection.active = prediction
    prediction.paint((0, 5, 5), 1)
    part.words.action_button.click()
    np.testing.assert_array_equal(annotations.data, painted)
    assert prediction.data[0].any()
    assert part.words.text() == "Taken back."
    assert part.words.action_button.isHidden()


def test_undo_never_takes_a_later_stroke_for_what_was_sent(layers, part):
    _, annotations = layers
    choose(part, SLICE)
    annotations.paint((0, 5, 5), 2)
    shown = annotations.data.copy()
    part.words.action_button.click()
    np.testing.assert_array_equal(annotations.data, shown)
    assert "was changed since" in part.words.text()


def test_where_nothing_changed_there_is_nothing_to_undo(layers, part):
    choose(part, SLICE)
    choose(part, SLICE)
    assert part.words.action_button.isHidden()


def test_layers_that_come_to_lie_on_each_other_can_be_sent(layers, part, qtbot):
    prediction, annotations = layers
    annotations.scale = (50, 5, 5)
    qtbot.waitUntil(lambda: "does not lie" in part.words.text(), timeout=5_000)
    assert not part.button.isEnabled()
    prediction.scale = (50, 5, 5)
    qtbot.waitUntil(part.button.isEnabled, timeout=5_000)
    annotations.data = np.zeros((4, 9, 9), np.uint8)
    qtbot.waitUntil(lambda: not part.button.isEnabled(), timeout=5_000)
