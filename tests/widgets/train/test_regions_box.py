"""Regions drawn in a real viewer say what trains, and shrink where they leak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, Region, Role, UNetConfig
from napari_unet.data.regions import VALIDATION, read_regions, role_map
from napari_unet.widgets.layers.arrays import placed_like
from napari_unet.widgets.layers.region_shapes import COLORS
from napari_unet.widgets.train.layer_pairs import Place
from napari_unet.widgets.train.regions_box import RegionsBox

pytestmark = pytest.mark.one_binding

SHAPE = (6, 60, 80)
SMALL = UNetConfig(depth=1)  # sees 8 pixels to each side
BOX = ((10, 20), (10, 50), (40, 50), (40, 20))


def on_slice(z, corners=BOX):
    return np.array([(z, y, x) for y, x in corners], float)


@pytest.fixture
def image(viewer: Any) -> Any:
    data = np.random.default_rng(0).integers(0, 255, SHAPE).astype(np.uint8)
    return viewer.add_image(data, name="em", scale=(50, 4, 4), translate=(0, 100, 20))


@pytest.fixture
def annotations(viewer: Any, image: Any) -> Any:
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:4, 5:55, 5:75] = 1
    return viewer.add_labels(labels, name="cells", **placed_like(image))


@pytest.fixture
def box(viewer: Any, image: Any, annotations: Any, qtbot: Any) -> Any:
    box = RegionsBox(viewer)
    viewer.window.add_dock_widget(box, name="Regions")
    box.follow(Place(image, annotations, AnnotationKind.CLASSES, network=SMALL))
    settle(box, qtbot)
    return box


def settle(box, qtbot):
    qtbot.waitUntil(lambda: not box.busy, timeout=20_000)


@pytest.fixture
def layer(box: Any, viewer: Any) -> Any:
    box.draw_button.click()
    return viewer.layers["regions"]


def test_the_button_makes_a_layer_that_lies_on_the_image(box, viewer, image):
    box.draw_button.click()
    layer = viewer.layers["regions"]
    assert viewer.layers.selection.active == layer
    assert layer.mode == "add_rectangle"
    assert tuple(layer.scale) == tuple(image.scale)
    assert tuple(layer.translate) == tuple(image.translate)
    box.draw_button.click()
    assert len(viewer.layers) == 3, "a second click selects the layer"


def test_a_new_shape_has_the_role_that_is_chosen_in_its_colour(box, layer):
    layer.add_rectangles(on_slice(2))
    box.role.setCurrentText("test")
    layer.selected_data = set()
    layer.add_polygons(on_slice(3))
    assert [(one.role, one.slices) for one in box.value()] == [
        ("validation", "2"),
        ("test", "3"),
    ]
    assert box.value()[0].polygon == BOX
    assert [color_of(layer, i) for i in (0, 1)] == [
        COLORS[Role.VALIDATION],
        COLORS[Role.TEST],
    ]
    assert list(layer.text.values) == ["validation", "test"]


def color_of(layer, index) -> str:
    red, green, blue = (round(255 * part) for part in layer.edge_color[index][:3])
    return f"#{red:02x}{green:02x}{blue:02x}"


def test_choosing_a_role_changes_the_selected_shapes(box, layer):
    layer.add_rectangles([on_slice(2), on_slice(3)])
    layer.mode = "select"
    layer.selected_data = {1}
    box.role.setCurrentText("ignore")
    assert [one.role for one in box.value()] == ["validation", "ignore"]
    assert color_of(layer, 1) == COLORS[Role.IGNORE]
    assert color_of(layer, 0) == COLORS[Role.VALIDATION]


def test_a_role_for_the_next_shape_leaves_the_one_that_was_just_drawn(box, layer):
    layer.add_rectangles(on_slice(2))
    layer.selected_data = {0}  # as napari leaves it
    box.role.setCurrentText("test")
    layer.mode = "select"
    layer.selected_data = {0}
    box.role.blockSignals(True)
    box.role.setCurrentText("ignore")
    box.draw_button.click()
    assert [one.role for one in box.value()] == ["validation"]
    assert color_of(layer, 0) == COLORS[Role.VALIDATION]


def test_a_role_written_into_the_features_counts(box, layer, qtbot):
    layer.add_rectangles(on_slice(2))
    layer.features = {"role": ["train"]}
    settle(box, qtbot)
    assert [one.role for one in box.value()] == ["train"]
    assert color_of(layer, 0) == COLORS[Role.TRAIN]


def test_an_ellipse_covers_what_it_shows(box, layer):
    layer.add_ellipses(on_slice(2))
    (region,) = box.value()
    covered = role_map([region], SHAPE)[2] == VALIDATION
    y, x = np.mgrid[:60, :80]
    inside = ((y - 25) / 15) ** 2 + ((x - 35) / 15) ** 2 < 1
    assert np.count_nonzero(covered ^ inside) < 0.02 * inside.sum()


def test_what_is_no_region_is_named(box, layer, qtbot):
    layer.add_lines(np.array([(2, 5, 5), (2, 9, 9)]))
    layer.add_paths(np.array([(2, 5, 5), (2, 9, 9), (2, 9, 20)]))
    layer.add_rectangles([on_slice(17), on_slice(2)])
    settle(box, qtbot)
    assert [one.slices for one in box.value()] == ["2"]
    assert "2 lines are ignored" in box.status.text()
    assert "1 shape lies on no slice" in box.status.text()


def test_the_line_tells_regions_pixels_and_leak(box, layer, qtbot):
    layer.add_rectangles([on_slice(2), on_slice(3)])
    settle(box, qtbot)
    words = box.status.text()
    assert words == (
        "training: 12,478 annotated pixels\n"
        "validation: 2 regions, 1,922 annotated pixels; 1,697 too near to training"
    )
    assert "within 8 pixels and 1 slice of training" in box.status.toolTip()
    assert not box.shrink_button.isHidden()


def test_a_region_far_from_training_leaks_nothing(box, layer, qtbot):
    layer.add_rectangles(on_slice(2))
    box.role.setCurrentText("train")
    layer.selected_data = set()
    layer.add_rectangles(on_slice(2, ((0, 0), (0, 8), (59, 8), (59, 0))))
    settle(box, qtbot)
    assert "too near" not in box.status.text()
    assert box.shrink_button.isHidden()


def test_shrink_takes_the_leak_out_of_the_validation_region(box, layer, qtbot):
    layer.add_rectangles(on_slice(2))
    box.role.setCurrentText("train")
    layer.selected_data = set()
    layer.add_rectangles(on_slice(2, ((10, 0), (10, 19), (40, 19), (40, 0))))
    settle(box, qtbot)
    assert "248 too near to training" in box.status.text()
    before = box.value()
    box.shrink_button.click()
    settle(box, qtbot)
    assert "too near" not in box.status.text()
    assert "validation: 1 region, " in box.status.text()
    assert before[1] in box.value(), "what trains stays"
    assert (role_map(box.value(), SHAPE) == VALIDATION).sum() == 31 * (31 - 8)


def test_shrinking_to_nothing_is_refused_in_a_sentence(box, layer, qtbot):
    layer.add_rectangles(on_slice(2, ((10, 20), (10, 30), (20, 30), (20, 20))))
    settle(box, qtbot)
    box.shrink_button.click()
    settle(box, qtbot)
    assert "Nothing would be left" in box.status.text()
    assert len(box.value()) == 1


def test_whole_slices_are_shrunk_in_their_own_field(box, image, annotations, qtbot):
    place = Place(image, annotations, AnnotationKind.CLASSES, "2:4", SMALL)
    box.follow(place)
    settle(box, qtbot)
    validation = (
        "validation: slices 2:4, 9,600 annotated pixels; 4,800 too near to training"
    )
    assert validation in box.status.text()
    with qtbot.waitSignal(box.validationChanged) as emitted:
        box.shrink_button.click()
    settle(box, qtbot)
    assert emitted.args == ["3"]
    assert "too near" not in box.status.text()
    # What is given up would be trained on, if nothing said otherwise.
    assert [(one.role, one.slices) for one in box.value()] == [("ignore", "2")]


def test_the_automatic_hold_out_is_counted_too(box, annotations, image, qtbot):
    annotations.data[:] = 1
    box.follow(Place(image, annotations, AnnotationKind.CLASSES, network=SMALL))
    settle(box, qtbot)
    assert box.status.text() == (
        "training: 24,000 annotated pixels\n"
        "validation: the last fifth, 4,800 annotated pixels; 4,800 too near to training"
    )


def test_the_numbers_follow_what_is_painted(box, layer, annotations, qtbot):
    layer.add_rectangles(on_slice(2))
    settle(box, qtbot)
    before = box.status.text()
    annotations.data_setitem((np.array([5]), np.array([5]), np.array([5])), 1)
    qtbot.waitUntil(lambda: box.status.text() != before, timeout=20_000)
    assert "training: 18,239 annotated pixels" in box.status.text()
    annotations.undo()
    qtbot.waitUntil(lambda: box.status.text() == before, timeout=20_000)


def test_a_wrong_list_of_slices_is_told_in_the_line(box, image, annotations, qtbot):
    box.follow(Place(image, annotations, None, "2:99", SMALL))
    settle(box, qtbot)
    assert "slices 2:99 asked for" in box.status.text()


def test_regions_go_to_a_file_and_come_back(box, layer, qtbot, tmp_path: Path):
    layer.add_rectangles(on_slice(2))
    box.role.setCurrentText("ignore")
    layer.selected_data = set()
    layer.add_polygons(on_slice(4, ((1, 1), (1, 9), (9, 9))))
    drawn = box.value()
    box.save(tmp_path / "regions.yaml")
    assert read_regions(tmp_path / "regions.yaml") == tuple(drawn)
    box.setValue([])
    assert box.value() == []
    box.open(tmp_path / "regions.yaml")
    assert box.value() == drawn
    settle(box, qtbot)
    box.open(tmp_path / "none.yaml")
    assert "does not exist" in box.status.text()


def test_a_region_of_several_slices_becomes_a_box_on_each(box, qtbot):
    box.setValue([Region(role="test", slices="1:3"), Region(role="train", slices="5")])
    assert [(one.role, one.slices) for one in box.value()] == [
        ("test", "1"),
        ("test", "2"),
        ("train", "5"),
    ]
    roles = role_map(box.value(), SHAPE)
    assert (roles[1:3] == roles[1, 0, 0]).all()


def test_every_image_has_regions_of_its_own(box, layer, viewer, annotations, qtbot):
    layer.add_rectangles(on_slice(2))
    other = viewer.add_image(np.zeros((60, 80), np.uint8), name="single")
    box.follow(Place(other, network=SMALL))
    assert box.value() == []
    box.draw_button.click()
    single = viewer.layers["regions of single"]
    assert single.ndim == 2
    single.add_rectangles(np.array(BOX, float))
    assert [(one.slices, one.polygon) for one in box.value()] == [("0", BOX)]
    box.follow(Place(viewer.layers["em"], annotations, network=SMALL))
    assert [one.slices for one in box.value()] == ["2"]


def test_without_an_image_nothing_can_be_drawn(box, viewer):
    box.follow(Place())
    assert not box.draw_button.isEnabled()
    assert "no image layer" in box.draw_button.toolTip()
    assert box.value() == []


def test_removing_the_layer_removes_the_regions(box, layer, viewer, qtbot):
    layer.add_rectangles(on_slice(2))
    settle(box, qtbot)
    with qtbot.waitSignal(box.valueChanged):
        viewer.layers.remove("regions")
    assert box.value() == []
    box.draw_button.click()
    assert "regions" in viewer.layers


def test_a_box_that_is_closed_hears_of_nothing_any_more(
    box, layer, viewer, annotations, qtbot
):
    settle(box, qtbot)
    gone = []
    box.destroyed.connect(lambda: gone.append(True))
    box.deleteLater()
    qtbot.waitUntil(lambda: bool(gone), timeout=30_000)
    layer.add_rectangles(on_slice(2))
    annotations.data_setitem((np.array([1]), np.array([5]), np.array([5])), 2)
    viewer.add_image(np.zeros((9, 9)))
