"""A layer to annotate in: right place, names, colours, brush in hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_unet.config import AnnotationKind
from napari_unet.errors import InputError
from napari_unet.widgets.choose.annotation_button import (
    AnnotationButton,
    begin_annotations,
)
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.layers.annotations import class_names, name_classes
from napari_unet.widgets.layers.class_colors import class_color
from napari_unet.widgets.project.workspace import Workspace


@pytest.fixture
def image(viewer: Any) -> Any:
    """Two channels of 4 slices, with units and a place of their own."""
    return viewer.add_image(
        np.zeros((2, 4, 300, 260), np.uint8),
        name="em",
        scale=(1, 50, 4, 4),
        translate=(0, 100, 8, 12),
        units=("pixel", "nm", "nm", "nm"),
        axis_labels=("c", "z", "y", "x"),
    )


def test_the_layer_lies_on_its_image_without_channels(viewer, image):
    layer = begin_annotations(viewer, image)
    assert layer.name == "annotations"
    assert layer.data.shape == (4, 300, 260)
    assert not layer.data.any()
    np.testing.assert_array_equal(layer.scale, (50, 4, 4))
    np.testing.assert_array_equal(layer.translate, (100, 8, 12))
    assert [str(unit) for unit in layer.units] == ["nanometer"] * 3
    assert tuple(layer.axis_labels) == ("z", "y", "x")


def test_the_brush_is_in_hand_with_the_first_class(viewer, image):
    layer = begin_annotations(viewer, image)
    assert layer.mode == "paint"
    assert layer.selected_label == 2
    assert layer.brush_size == 4
    assert viewer.layers.selection.active == layer
    workspace = Workspace.of(viewer)
    assert workspace.annotations == layer
    assert workspace.image == image
    assert workspace.kind is AnnotationKind.SCRIBBLES


def test_a_name_is_shown_where_the_mouse_is(viewer, image):
    layer = begin_annotations(viewer, image)
    name_classes(layer, ("resin", "nucleus"))
    viewer.dims.set_current_step(1, 0)
    layer.paint((0, 5, 5), 2)
    place = layer.data_to_world((0, 5, 5))
    assert layer.get_status(place, world=True)["value"] == "2; class: nucleus"
    assert class_names(layer) == ("resin", "nucleus")


def test_a_stroke_is_one_step_of_undo(viewer, image):
    layer = begin_annotations(viewer, image)
    layer.paint((1, 50, 50), 2)
    assert layer.data.any()
    layer.undo()
    assert not layer.data.any()


def test_a_picture_gets_a_picture(viewer):
    layer = begin_annotations(viewer, viewer.add_image(np.zeros((64, 80))))
    assert layer.data.shape == (64, 80)
    assert layer.brush_size == 3


def test_an_image_that_is_read_lazily_is_annotated_at_once(viewer):
    da = pytest.importorskip("dask.array")
    read = []

    def section(block_id=None):
        read.append(block_id)
        return np.zeros((1, 64, 4096), np.uint8)

    chunks = ((1,) * 20, (64,), (4096,))
    image = viewer.add_image(da.map_blocks(section, chunks=chunks, dtype=np.uint8))
    seen = len(read)
    layer = begin_annotations(viewer, image)
    assert layer.data.shape == (20, 64, 4096)
    assert len(read) == seen


def test_an_image_that_no_memory_holds_is_told_in_words(viewer):
    da = pytest.importorskip("dask.array")
    # Channels between slices and rows: slices are not kept by themselves.
    pixels = da.zeros((10**8, 2, 1024, 1024), np.uint8, chunks=-1)
    image = viewer.add_image(pixels, axis_labels=("z", "c", "y", "x"))
    with pytest.raises(InputError, match=r"too large.*crop.*coarser level"):
        begin_annotations(viewer, image)
    assert len(viewer.layers) == 1


@pytest.mark.parametrize(("side", "size"), [(64, 3), (640, 10), (4096, 40)])
def test_the_brush_fits_the_image(side, size):
    viewer = ViewerModel()
    image = Image(np.broadcast_to(np.uint8(0), (2, side, side)))
    assert begin_annotations(viewer, image).brush_size == size


def test_many_classes_have_colours_of_their_own(viewer, image):
    names = [f"class {n}" for n in range(12)]
    layer = begin_annotations(viewer, image)
    name_classes(layer, names)
    colors = [tuple(layer.get_color(value)) for value in range(1, 13)]
    assert len(set(colors)) == 12
    assert class_color(1) == "#0072B2"


def test_columns_of_the_user_s_own_stay_with_the_values_of_classes(viewer, image):
    layer = begin_annotations(viewer, image)
    layer.features = layer.features.assign(seen=["never", "by A", "by B"])
    name_classes(layer, ("resin", "nucleus"))
    assert layer.features["seen"].tolist() == ["never", "by A", "by B"]
    name_classes(layer, ("resin", "nucleus", "rim"))
    assert layer.features["seen"].tolist()[:3] == ["never", "by A", "by B"]
    assert class_names(layer) == ("resin", "nucleus", "rim")


@pytest.mark.parametrize("names", [("a", "a"), ("a", " ")])
def test_names_that_are_empty_or_taken_are_refused(viewer, image, names):
    layer = begin_annotations(viewer, image)
    with pytest.raises(InputError, match="name of its own"):
        name_classes(layer, names)
    assert class_names(layer) == ("background", "foreground")


def test_the_button_makes_the_layer_and_says_why_it_cannot(viewer, qtbot):
    images = LayerBox(viewer, type(viewer.add_image(np.zeros((8, 8))).__wrapped__))
    button = AnnotationButton(viewer, images)
    qtbot.addWidget(images)
    qtbot.addWidget(button)
    button.click()
    assert "annotations" in viewer.layers
    viewer.layers.clear()
    assert not button.isEnabled()
    assert "load one first" in button.toolTip()


@pytest.mark.parametrize("kinds", [[], ["cell", "cell", "vessel"]])
def test_what_other_programs_tell_of_objects_are_no_classes(kinds):
    layer = Labels(np.zeros((8, 8), np.uint8), features={"class": kinds})
    assert class_names(layer) == ()


def test_the_300th_object_can_be_painted(viewer, image):
    layer = begin_annotations(viewer, image)
    layer.selected_label = 300
    layer.paint((0, 5, 5), 300)
    assert layer.data.max() == 300
