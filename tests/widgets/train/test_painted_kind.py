"""What was painted: strokes, whole slices, or all that lies inside of drawn boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, Role, RunConfig
from napari_unet.widgets.choose.annotation_button import begin_annotations
from napari_unet.widgets.layers.region_shapes import find_layer

pytestmark = pytest.mark.one_binding

BOX = ((10, 10), (10, 49), (39, 49), (39, 10))


@pytest.fixture
def train(loaded: Any, viewer: Any) -> Any:
    """The Train tab with annotations of its own, in which a cell is painted."""
    train = loaded.train
    layer = begin_annotations(viewer, train.image.value())
    layer.data_setitem((np.full(40, 2), np.full(40, 20), np.arange(10, 50)), 2)
    train.annotations.setValue(layer)
    return train


def settle(train: Any, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: not train.data._question_timer.isActive(), timeout=5000)
    qtbot.waitUntil(lambda: not train.data.regions.busy, timeout=20_000)


def words(train: Any) -> str:
    """Return what stands on amber, where that can be seen."""
    doubt = train.data.doubt
    return str(doubt.text()) if doubt.isVisibleTo(train) else ""


def choose_boxes(train: Any) -> None:
    index = train.kind.findText("everything inside the boxes I drew")
    train.kind.setCurrentIndex(index)
    train.kind.activated.emit(index)


def draw(train: Any, qtbot: Any, *slices: int) -> Any:
    layer = find_layer(train.viewer, train.image.value())
    for z in slices:
        layer.add_rectangles(np.array([(z, y, x) for y, x in BOX], float))
    settle(train, qtbot)
    return layer


def paint_background(train: Any) -> None:
    layer = train.annotations.value()
    layer.data_setitem((np.full(40, 2), np.full(40, 30), np.arange(10, 50)), 1)


def test_boxes_set_kind_complete_slices_and_regions_together(
    train: Any, viewer: Any, qtbot: Any
) -> None:
    choose_boxes(train)
    layer = find_layer(viewer, train.image.value())
    assert viewer.layers.selection.active == layer
    assert layer.mode == "add_rectangle"
    draw(train, qtbot, 2, 4)
    assert train.kind.in_boxes
    assert train.workspace.kind is AnnotationKind.CLASSES
    assert train.workspace.coverage.complete == "2,4"
    (source,) = train.data.sources()
    assert {one.role for one in source.regions} == {Role.TRAIN}
    image, _ = source.prepare(RunConfig())
    assert image.train.tolist() == [2, 4], "an empty box is background alone"
    inside = 30 * 40
    assert np.count_nonzero(image.weight_map) == 2 * inside
    assert np.count_nonzero(image.target.classes[2] == 1) == 40


def test_nothing_starts_before_a_box_is_drawn(train: Any, qtbot: Any) -> None:
    choose_boxes(train)
    assert "Draw a box" in train.status.text()
    for button in (train.run_button, train.live_button):
        assert not button.isEnabled()
        assert "Draw a box" in button.toolTip()
    draw(train, qtbot, 2)
    assert train.run_button.isEnabled()
    assert train.live_button.isEnabled()
    assert "Draw a box" not in train.status.text()


def test_where_background_is_painted_too_only_what_is_painted_counts(
    train: Any, qtbot: Any
) -> None:
    choose_boxes(train)
    draw(train, qtbot, 2)
    paint_background(train)
    settle(train, qtbot)
    assert train.kind.in_boxes
    assert train.workspace.kind is AnnotationKind.SCRIBBLES


def test_another_choice_forgets_the_slices_of_the_boxes(train: Any, qtbot: Any) -> None:
    choose_boxes(train)
    draw(train, qtbot, 2)
    train.kind.setCurrentIndex(train.kind.findData(AnnotationKind.SCRIBBLES))
    assert train.workspace.kind is AnnotationKind.SCRIBBLES
    assert train.workspace.coverage.complete is None
    train.kind.setCurrentIndex(train.kind.findData(AnnotationKind.CLASSES))
    assert "nothing outside of them is learnt" in words(train)


def test_boxes_for_training_are_taken_for_what_they_mean(
    train: Any, qtbot: Any
) -> None:
    train.kind.setValue(AnnotationKind.CLASSES)
    train.data.regions.draw(Role.TRAIN)
    draw(train, qtbot, 3)
    assert train.kind.in_boxes
    assert train.workspace.kind is AnnotationKind.CLASSES
    assert train.workspace.coverage.complete == "3"


def test_a_doubtful_kind_is_told_in_amber_before_the_start(
    train: Any, viewer: Any, qtbot: Any
) -> None:
    assert not words(train), "strokes with brushes of our own"
    train.kind.setValue(AnnotationKind.CLASSES)
    assert not words(train), "cells alone: the rest is background"
    paint_background(train)
    settle(train, qtbot)
    assert "a class of its own" in words(train)
    assert "#e69f00" in train.data.doubt.styleSheet()
    train.kind.setValue(AnnotationKind.SCRIBBLES)
    assert not words(train)
    train.annotations.setValue(viewer.layers["annotations"])
    train.kind.setValue(AnnotationKind.SCRIBBLES)
    assert "looks like whole slices" in words(train)
    train.kind.setValue(None)
    assert not words(train)
