"""The Load tab shows how large a pixel is and where that was found, and sets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_unet.errors import InputError
from napari_unet.widgets.layers.arrays import image_stack
from napari_unet.widgets.layers.places import go_to_slice, lies_on, pixel_size, shown

FEI = "[Scan]\nPixelWidth=4e-9\nPixelHeight=4e-9\n[Image]\nResolutionX=96\n"


@pytest.fixture
def box(dock: Any) -> Any:
    return dock.load.pixel_size


@pytest.fixture
def load(dock: Any, finish: Any) -> Any:
    """Load files by the dock's own button."""

    def start(**paths: Path | None) -> None:
        for role, path in paths.items():
            dock.load.rows[role].setValue(path)
        dock.load.run_button.click()
        finish(dock.load)

    return start


@pytest.fixture
def slices(tmp_path: Path) -> Path:
    """A folder of slices of a Thermo Fisher microscope."""
    folder = tmp_path / "slices"
    folder.mkdir()
    tag = (34682, "s", len(FEI), FEI.encode(), False)
    for index in range(3):
        page = np.full((64, 96), index, np.uint8)
        tifffile.imwrite(folder / f"{index}.tif", page, metadata=None, extratags=[tag])
    return folder


def units(layer: Any) -> list[str]:
    return [str(unit) for unit in layer.units]


def test_the_size_is_shown_with_where_it_was_found(
    box: Any, load: Any, slices: Path
) -> None:
    load(image=slices)
    assert (box.sizes.text(), box.unit.currentText()) == ("4 4", "nm")
    assert "Thermo Fisher metadata" in box.words.text()
    assert "How far apart the slices are is unknown" in box.words.text()


@pytest.mark.one_binding
def test_an_unknown_distance_of_slices_is_unknown_in_the_layer_too(
    box: Any, load: Any, slices: Path, viewer: Any
) -> None:
    load(image=slices)
    layer = viewer.layers["slices"]
    assert units(layer) == ["pixel", "nanometer", "nanometer"]
    stack = image_stack(layer)
    assert (stack.pixel_size, stack.unknown_axes) == ((1, 4, 4), "Z")
    with pytest.raises(InputError, match="how far apart its slices are"):
        stack.size_for(3)
    box.sizes.setText("50 4 4")
    box.set_button.click()
    stack = image_stack(layer)
    assert stack.size_for(3) == (50, 4, 4)
    assert stack.calibration_source == "given by the user"
    assert "given by the user" in box.words.text()


@pytest.mark.one_binding
def test_what_lies_on_the_layer_gets_the_size_too(loaded: Any, viewer: Any) -> None:
    box, image = loaded.load.pixel_size, viewer.layers["em"]
    shapes = viewer.add_shapes(
        [np.array([[0, 2, 2], [0, 8, 8]])],
        shape_type="line",
        scale=image.scale,
        units=image.units,
    )
    crop = viewer.add_image(
        np.zeros((6, 30, 30)), scale=image.scale, units=image.units, name="crop"
    )
    crop.translate = (0, 40, 80)
    alone = viewer.add_image(np.zeros((6, 96, 112)), name="other scale")
    box.image.setValue(image)
    box.sizes.setText("0.025, 0.008, 0.008")
    box.unit.setCurrentText("um")
    box.set_button.click()
    for name in ("em", "annotations", "truth"):
        layer = viewer.layers[name]
        np.testing.assert_allclose(layer.scale, (0.025, 0.008, 0.008))
        assert units(layer) == ["micrometer"] * 3
    np.testing.assert_allclose(shapes.scale, (0.025, 0.008, 0.008))
    np.testing.assert_allclose(alone.scale, (1, 1, 1))
    assert "Set for em, annotations, truth" in box.words.text()


@pytest.mark.one_binding
def test_slice_and_part_that_are_seen_stay(box: Any, viewer: Any) -> None:
    image = viewer.add_image(np.zeros((12, 200, 300)))
    go_to_slice(viewer, image, 8)
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, 60, 90), 5
    before = shown(viewer, image)
    assert before.z == 8
    box.sizes.setText("50 4 4")
    box.unit.setCurrentText("nm")
    box.set_button.click()
    assert shown(viewer, image) == before
    assert (viewer.scene.camera.center[1:], viewer.scene.camera.zoom) == (
        (240, 360),
        1.25,
    )


@pytest.mark.one_binding
def test_a_crop_keeps_its_place_in_pixels(box: Any, viewer: Any) -> None:
    crop = viewer.add_image(np.zeros((20, 30)), scale=(2, 2), translate=(20, 40))
    box.sizes.setText("5")
    box.unit.setCurrentText("nm")
    box.set_button.click()
    np.testing.assert_allclose(crop.scale, (5, 5))
    np.testing.assert_allclose(crop.translate, (50, 100))


@pytest.mark.one_binding
def test_a_layer_without_units_can_be_given_a_size(box: Any, viewer: Any) -> None:
    assert "no image layer" in box.words.text()
    assert not box.set_button.isEnabled()
    layer = viewer.add_image(np.zeros((4, 20, 30)), name="plain")
    assert "Unknown" in box.words.text()
    assert box.sizes.text() == "1 1 1"
    box.sizes.setText("40 8 8")
    box.unit.setCurrentText("nm")
    box.set_button.click()
    np.testing.assert_allclose(layer.scale, (40, 8, 8))
    assert units(layer) == ["nanometer"] * 3
    assert image_stack(layer).size_for(3) == (40, 8, 8)


def test_time_points_that_get_a_distance_are_slices(box: Any, viewer: Any) -> None:
    how = {"axis_labels": ("t", "y", "x"), "units": ("pixel", "nm", "nm")}
    image = viewer.add_image(np.zeros((5, 64, 96)), scale=(1, 4, 4), **how)
    labels = viewer.add_labels(np.zeros((5, 64, 96), int), scale=(1, 4, 4), **how)
    with pytest.raises(InputError, match="how far apart its slices are"):
        image_stack(image).size_for(3)
    box.sizes.setText("50 4 4")
    box.set_button.click()
    assert image_stack(image).size_for(3) == (50, 4, 4)
    assert lies_on(labels, image)
    assert pixel_size(labels) == (50, 4, 4)


def test_what_is_no_size_is_said_and_changes_nothing(box: Any, viewer: Any) -> None:
    layer = viewer.add_image(np.zeros((20, 30)))
    box.sizes.setText("4 nm")
    box.set_button.click()
    assert "cannot be read: write Z, Y and X" in box.words.text()
    np.testing.assert_allclose(layer.scale, (1, 1))


@pytest.mark.one_binding
def test_labels_without_a_distance_of_slices_lie_on_their_image(
    load: Any, slices: Path, files: Any, tmp_path: Path, viewer: Any, box: Any
) -> None:
    load(image=slices)
    box.sizes.setText("50 4 4")
    box.set_button.click()
    load(image=None, annotations=slices)
    layer = viewer.layers[-1]
    np.testing.assert_allclose(layer.scale, (50, 4, 4))
    assert units(layer) == ["nanometer"] * 3


@pytest.mark.one_binding
def test_what_was_read_says_where_the_size_was_found(
    load: Any, slices: Path, dock: Any
) -> None:
    load(image=slices)
    words = dock.load.status.text()
    assert "pixels of 4 x 4 nm (Thermo Fisher metadata)" in words
    assert "how far apart its slices are is not stated" in words


def test_a_project_keeps_the_size_that_was_set_and_by_whom(
    loaded: Any, viewer: Any, project: Any, open_dock: Any, ready: Any
) -> None:
    box = loaded.load.pixel_size
    box.image.setValue(viewer.layers["em"])
    box.sizes.setText("60 5 5")
    box.set_button.click()
    folder = project.project.folder
    project.close()
    other, projects, _ = open_dock()
    projects.open(folder)
    ready(projects)
    layer = other.layers["em"]
    np.testing.assert_allclose(layer.scale, (60, 5, 5))
    np.testing.assert_allclose(other.layers["truth"].scale, (60, 5, 5))
    assert image_stack(layer).calibration_source == "given by the user"


def test_points_and_tracks_in_time_follow_too(viewer: Any, box: Any) -> None:
    viewer.add_image(np.zeros((3, 40, 50)), name="em")
    viewer.add_points(np.zeros((1, 4)))
    viewer.add_points(np.zeros((1, 2)))
    box.sizes.setText("50 4 4")
    box.unit.setCurrentText("nm")
    box.set_button.click()
    scales = [tuple(one.scale) for one in viewer.layers]
    assert scales == [(50, 4, 4), (1, 50, 4, 4), (4, 4)]


@pytest.mark.one_binding
def test_a_size_that_an_affine_transform_makes_is_shown_and_set(
    box: Any, viewer: Any
) -> None:
    # As readers of NIfTI give it; labels of other programs have it in their scale.
    affine = np.diag([50.0, 4, 4, 1])
    affine[:3, 3] = 100, 20, 40
    data = np.zeros((3, 8, 9), np.uint8)
    image = viewer.add_image(data, affine=affine, units=("nm",) * 3)
    place = {"scale": (50, 4, 4), "translate": (100, 20, 40), "units": ("nm",) * 3}
    labels = viewer.add_labels(data, **place)
    assert box.sizes.text() == "50 4 4"
    box.sizes.setText("30 5 5")
    box.set_button.click()
    assert image_stack(image).pixel_size == (30, 5, 5)
    assert box.sizes.text() == "30 5 5"
    assert lies_on(labels, image)
    assert pixel_size(labels) == (30, 5, 5)
    image.affine = np.eye(4)
    assert box.sizes.text() == "0.6 1.25 1.25"
