"""Classes as swatches: click for the brush, double-click for the name, and pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.utils import DirectLabelColormap
from napari.utils.colormaps import label_colormap
from napari.utils.colormaps.standardize_color import transform_color
from qtpy.QtCore import Qt

from napari_unet.widgets.choose.annotation_button import begin_annotations
from napari_unet.widgets.choose.class_swatches import ClassSwatches
from napari_unet.widgets.choose.painted_pixels import PaintedPixels
from napari_unet.widgets.layers.class_colors import class_color
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.parts import AMBER


@pytest.fixture
def viewer(make_napari_viewer: Any) -> Any:
    return make_napari_viewer(show=True)


@pytest.fixture
def image(viewer: Any) -> Any:
    return viewer.add_image(np.zeros((4, 300, 260), np.float32), name="em")


@pytest.fixture
def swatches(viewer: Any, qtbot: Any) -> ClassSwatches:
    widget = ClassSwatches(viewer)
    qtbot.addWidget(widget)
    PaintedPixels(Workspace.of(viewer), widget)
    return widget


def counts(swatches: ClassSwatches) -> list[str]:
    return [row.count.text() for row in swatches.rows]


def left() -> Any:
    return Qt.MouseButton.LeftButton


def test_nothing_is_shown_for_values_without_names(viewer, image, swatches):
    assert swatches.isHidden()
    begin_annotations(viewer, image)
    assert not swatches.isHidden()
    Workspace.of(viewer).annotations = viewer.add_labels(np.zeros((4, 300, 260), int))
    assert swatches.isHidden()
    assert swatches.value() == ()


def test_a_click_takes_the_brush_of_a_class(viewer, image, swatches, qtbot):
    layer = begin_annotations(viewer, image)
    swatches.show()
    assert [row.button.isChecked() for row in swatches.rows] == [False, True]
    viewer.layers.selection.active = image
    layer.mode = "pan_zoom"
    qtbot.mouseClick(swatches.rows[0].button, left())
    assert layer.selected_label == 1
    assert (viewer.layers.selection.active, layer.mode) == (layer, "paint")
    assert [row.button.isChecked() for row in swatches.rows] == [True, False]
    layer.selected_label = 0
    assert not any(row.button.isChecked() for row in swatches.rows)


def test_a_double_click_renames_and_a_name_that_is_taken_is_not_kept(
    viewer, image, swatches, qtbot
):
    begin_annotations(viewer, image)
    swatches.show()
    row = swatches.rows[1]
    for typed, kept in (("nucleus", "nucleus"), ("background", "nucleus")):
        qtbot.mouseDClick(row.button, left())
        qtbot.keyClicks(row.name, typed)
        qtbot.keyClick(row.name, Qt.Key.Key_Return)
        assert row.button.text() == kept
        assert not row.button.isHidden()
    assert swatches.value() == ("background", "nucleus")


def test_one_more_class_is_named_and_painted_with(viewer, image, swatches, qtbot):
    layer = begin_annotations(viewer, image)
    swatches.show()
    swatches.more.click()
    assert layer.selected_label == 3
    qtbot.keyClicks(swatches.rows[2].name, "vessel")
    qtbot.keyClick(swatches.rows[2].name, Qt.Key.Key_Return)
    assert swatches.value() == ("background", "foreground", "vessel")


def test_painted_pixels_follow_strokes_and_undo(viewer, image, swatches, qtbot):
    layer = begin_annotations(viewer, image)
    qtbot.waitUntil(lambda: counts(swatches) == ["0 px", "0 px"])
    with layer.block_history():
        layer.data_setitem((np.zeros(6, int), np.arange(6), np.arange(6)), 2)
    qtbot.waitUntil(lambda: counts(swatches) == ["nothing yet", "6 px"])
    assert AMBER in swatches.rows[0].count.styleSheet()
    assert Workspace.of(viewer).painted == (0, 6)
    layer.undo()
    qtbot.waitUntil(lambda: counts(swatches) == ["0 px", "0 px"])


@pytest.mark.one_binding
def test_own_colours_stay_when_a_class_is_renamed_or_added(viewer, image, swatches):
    layer = begin_annotations(viewer, image)
    colours = {0: "transparent", None: "gray", 1: "#112233", 2: "#445566"}
    layer.colormap = DirectLabelColormap(color_dict=colours)
    own = np.array([layer.get_color(value) for value in (1, 2)])
    swatches.rename(2, "nucleus")
    swatches.add_class()
    assert swatches.value() == ("background", "nucleus", "class 2")
    np.testing.assert_array_equal([layer.get_color(value) for value in (1, 2)], own)
    icons = [row.button.icon().pixmap(4).toImage() for row in swatches.rows[:2]]
    shown = np.array([one.pixelColor(1, 1).getRgbF() for one in icons])
    np.testing.assert_allclose(shown, own, atol=0.02)  # of the texture of napari
    third = transform_color(class_color(3))[0]
    np.testing.assert_allclose(layer.get_color(3), third, atol=0.01)

    layer.colormap = label_colormap(seed=0.3)
    swatches.rename(2, "cell")
    swatches.add_class()
    assert not isinstance(layer.colormap, DirectLabelColormap)
