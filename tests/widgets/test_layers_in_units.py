"""All docks at work on layers in units, places and axes of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest

from napari_unet import UNetConfig
from napari_unet.config import AnnotationKind, Role, RunConfig, TrainConfig
from napari_unet.data.stack import Stack
from napari_unet.data.write import write_stack
from napari_unet.model.checkpoint import save_model
from napari_unet.train.session import train_unet
from napari_unet.widgets.choose.send import OBJECT, SLICE, VISIBLE, SendPart
from napari_unet.widgets.layers.axes import planes
from napari_unet.widgets.layers.marks import PREDICTED
from napari_unet.widgets.layers.places import current_slice, go_to_slice, lies_on, shown
from napari_unet.widgets.layers.region_shapes import (
    draw_regions,
    make_layer,
    read_regions,
)
from napari_unet.widgets.predict.dock import PredictWidget
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.scores.dock import ScoresWidget
from napari_unet.widgets.weights.dock import WeightsWidget

pytestmark = pytest.mark.one_binding

SHAPE = (4, 48, 64)
NM = {"scale": (50, 4, 4), "units": ("nm",) * 3}
UM = {"scale": (0.05, 0.004, 0.004), "units": ("um",) * 3}
MIXED = {"scale": (0.05, 4, 4), "units": ("um", "nm", "nm")}
PLACES = pytest.mark.parametrize("place", [UM, MIXED], ids=["um", "mixed"])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that was trained for three steps."""
    rng = np.random.default_rng(0)
    config = RunConfig(
        network=UNetConfig(depth=2, base_channels=4),
        train=TrainConfig(steps=3, patch_size=32, batch_size=2, device="cpu"),
    )
    labels = np.zeros(SHAPE, np.uint8)
    labels[:, 8:40, 8:40] = 1
    trained = train_unet(rng.random(SHAPE, np.float32), labels, config=config)
    path = tmp_path_factory.mktemp("model") / "cells.safetensors"
    save_model(path, trained)
    return path


@pytest.fixture
def em(viewer: Any) -> Any:
    """An image in nm, whose unit is the viewer's."""
    values = np.random.default_rng(1).random(SHAPE, np.float32)
    return viewer.add_image(values, name="em", **NM)


def labels(viewer: Any, place: dict[str, Any], **options: Any) -> Any:
    return viewer.add_labels(np.zeros(SHAPE, np.uint8), **place, **options)


def opened(kind: type, viewer: Any, qtbot: Any) -> Any:
    dock = kind(viewer)
    qtbot.addWidget(dock)
    return dock


# ---------------------------------------------------------------------------- load


def test_files_in_um_and_nm_become_layers_of_one_unit(dock, viewer, finish, tmp_path):
    values = np.zeros(SHAPE, np.uint8)
    for name, size, unit in (
        ("em", (0.05, 0.004, 0.004), "um"),
        ("painted", (50.0, 4.0, 4.0), "nm"),
    ):
        stack = Stack(values, "ZYX", size, unit, name)
        write_stack(tmp_path / f"{name}.tif", values, like=stack)
    dock.load.rows["image"].setValue(tmp_path / "em.tif")
    dock.load.rows["annotations"].setValue(tmp_path / "painted.tif")
    dock.load.run_button.click()
    finish(dock.load)
    image, painted = viewer.layers
    assert image.units == painted.units
    assert str(painted.units[0]) == "micrometer", "that of the layers already there"
    assert lies_on(painted, image)
    (pair,) = dock.train.data.images.value()
    assert (pair.image, pair.labels) == (image, painted)


def test_labels_with_a_pixel_size_lie_on_an_image_without(
    dock, viewer, finish, tmp_path
):
    values = np.zeros(SHAPE, np.uint8)
    workspace = Workspace.of(viewer)
    workspace.image = viewer.add_image(values, name="em")
    stack = Stack(values, "ZYX", (50.0, 4.0, 4.0), "nm", "painted")
    write_stack(tmp_path / "painted.tif", values, like=stack)
    dock.load.rows["annotations"].setValue(tmp_path / "painted.tif")
    dock.load.run_button.click()
    finish(dock.load)
    assert lies_on(viewer.layers[-1], workspace.image)


# ------------------------------------------------------------------------- weights


@PLACES
def test_the_weight_map_is_that_of_the_slice_in_view(viewer, em, qtbot, place):
    painted = labels(viewer, place)
    painted.data[2, 10:20, 10:20] = 1
    painted.data[2, 24:34, 10:20] = 2
    dock = opened(WeightsWidget, viewer, qtbot)
    dock.labels.setValue(painted)
    dock.kind.setValue(AnnotationKind.OBJECTS)
    go_to_slice(viewer, em, 2)
    dock.live.setChecked(True)
    dock.show_slice()
    assert dock.range.text().startswith("slice 2: weights")
    shown = viewer.layers["slice weights"]
    np.testing.assert_allclose(shown.scale, painted.scale[-2:])
    assert shown.units == painted.units[-2:]


# ------------------------------------------------------------------------- predict


@PLACES
def test_the_slice_in_view_is_predicted(viewer, qtbot, finish, model, place):
    values = np.random.default_rng(1).random(SHAPE, np.float32)
    image = viewer.add_image(values, name="cells", **place)
    labels(viewer, NM)
    dock = opened(PredictWidget, viewer, qtbot)
    dock.model.setValue(model)
    dock.image.setValue(image)
    go_to_slice(viewer, image, 2)
    dock.run_button.click()
    finish(dock)
    prediction = Workspace.of(viewer).prediction
    assert prediction.metadata[PREDICTED] == [2]
    assert lies_on(prediction, image)


def test_an_image_that_is_not_in_view_is_not_predicted(viewer, qtbot, model):
    values = np.random.default_rng(1).random(SHAPE, np.float32)
    labels(viewer, NM)
    image = viewer.add_image(values, name="crop", **{**NM, "translate": (200, 0, 0)})
    dock = opened(PredictWidget, viewer, qtbot)
    dock.model.setValue(model)
    dock.image.setValue(image)
    viewer.dims.set_point(0, 50)
    dock.run_button.click()
    assert "No slice of crop is shown" in dock.status.text()
    assert "prediction" not in viewer.layers


@pytest.mark.parametrize(
    ("shape", "names", "found"),
    [
        ((1, *SHAPE), None, SHAPE),
        ((4, 2, 48, 64), ("z", "c", "y", "x"), (4, 1, 48, 64)),
    ],
)
def test_axes_before_and_after_the_slices_are_predicted(
    viewer, qtbot, finish, model, shape, names, found, tmp_path
):
    values = np.random.default_rng(1).random(shape, np.float32)
    options = {} if names is None else {"axis_labels": names}
    image = viewer.add_image(values, name="cells", **options)
    if names:
        channels = np.moveaxis(values, 1, 0)
        config = RunConfig(
            network=UNetConfig(depth=2, base_channels=4, in_channels=2),
            train=TrainConfig(steps=3, patch_size=32, batch_size=2, device="cpu"),
        )
        half = np.zeros(SHAPE, np.uint8)
        half[:, 8:40, 8:40] = 1
        model = tmp_path / "two.safetensors"
        save_model(model, train_unet(channels, half, config=config))
    dock = opened(PredictWidget, viewer, qtbot)
    dock.model.setValue(model)
    dock.image.setValue(image)
    go_to_slice(viewer, image, 3)
    dock.run_button.click()
    finish(dock)
    prediction = Workspace.of(viewer).prediction
    assert prediction.metadata[PREDICTED] == [3]
    assert prediction.data.shape == found
    assert current_slice(viewer, prediction) == 3
    dock.probabilities.setChecked(True)
    dock.extent.setCurrentText("whole stack")
    dock.run_button.click()
    finish(dock)
    assert Workspace.of(viewer).prediction.metadata[PREDICTED] == [0, 1, 2, 3]


# ------------------------------------------------------------------ choose and send


@pytest.fixture
def sent(viewer: Any, em: Any, qtbot: Any) -> Any:
    """Send a prediction in nm to annotations that lie as they are told."""

    def make(place: dict[str, Any], shape: tuple[int, ...] = SHAPE) -> Any:
        cells = np.zeros(SHAPE, np.uint8)
        cells[2, 10:20, 10:20] = 1
        workspace = Workspace.of(viewer)
        workspace.prediction = viewer.add_labels(cells, name="told", **NM)
        workspace.annotations = viewer.add_labels(np.zeros(shape, np.uint8), **place)
        workspace.kind = AnnotationKind.SCRIBBLES
        part = SendPart(viewer)
        qtbot.addWidget(part)
        go_to_slice(viewer, em, 2)
        return part

    return make


@PLACES
def test_the_slice_in_view_is_sent(viewer, sent, place):
    part = sent(place)
    part.extent.setCurrentText(SLICE)
    part.button.click()
    data = Workspace.of(viewer).annotations.data
    assert (data[2] > 0).all()
    assert not data[[0, 1, 3]].any()


@PLACES
def test_what_is_visible_is_sent(viewer, em, sent, place):
    part = sent(place)
    viewer.scene.camera.center = (0, 4 * 15, 4 * 15)
    viewer.scene.camera.zoom = min(viewer.canvas.size) / (4 * 10)
    part.extent.setCurrentText(VISIBLE)
    part.button.click()
    painted = np.argwhere(Workspace.of(viewer).annotations.data[2])
    # The image has the unit of the viewer: of it, napari knows what is seen.
    assert viewer.window.screenshot(canvas_only=True, flash=False).any()
    (top, left), (bottom, right) = em.corner_pixels[:, -2:]
    assert 0 < top < bottom < 40
    np.testing.assert_array_equal(painted.min(0), (top, left))
    np.testing.assert_array_equal(painted.max(0), (bottom, right))


@PLACES
def test_the_object_under_the_mouse_is_sent(viewer, sent, place):
    part = sent(place)
    viewer.cursor.position = (100, 4 * 15, 4 * 15)
    part.send(at_cursor=True)
    data = Workspace.of(viewer).annotations.data
    assert (data[2, 10:20, 10:20] == 2).all()
    assert np.count_nonzero(data) == 100


def test_labels_with_an_axis_of_length_one_are_sent_to(viewer, sent):
    part = sent({"scale": (1, 50, 4, 4), "units": ("pixel", *NM["units"])}, (1, *SHAPE))
    part.extent.setCurrentText(OBJECT)
    viewer.cursor.position = (0, 100, 4 * 15, 4 * 15)
    part.send(at_cursor=True)
    assert np.count_nonzero(Workspace.of(viewer).annotations.data[0, 2]) == 100


def test_a_crop_elsewhere_is_not_sent_to(sent):
    part = sent({**NM, "translate": (50, 0, 0)})
    assert not part.button.isEnabled()
    assert "does not lie on the annotations" in part.words.text()


# -------------------------------------------------------------------------- scores


@PLACES
def test_a_row_of_scores_leads_to_its_slice(viewer, em, qtbot, finish, place):
    told, truth = labels(viewer, place), labels(viewer, NM)
    told.data[2, 10:20, 10:20] = truth.data[2, 10:20, 12:22] = 1
    truth.data[3, 5:25, 5:25] = 1
    dock = opened(ScoresWidget, viewer, qtbot)
    dock.prediction.setValue(told)
    dock.truth.setValue(truth)
    dock.run_button.click()
    finish(dock)
    rows = [row.slice for row in dock.table.rows()]
    for z in (3, 2):
        dock._go_to_slice(dock.table.model().index(rows.index(z), 0))
        assert current_slice(viewer, em) == z
    dock.errors.search()
    qtbot.waitUntil(lambda: dock.errors.errors is not None, timeout=20_000)
    assert dock.errors.go(1) == ""
    assert dock.errors.error.centre[0] == current_slice(viewer, em)
    y, x = viewer.scene.camera.center[-2:]
    np.testing.assert_allclose((y, x), 4 * np.array(dock.errors.error.centre[1:]))
    seen = 4 * 48 * viewer.scene.camera.zoom
    assert seen == pytest.approx(0.4 * min(viewer.canvas.size), rel=0.05)


# --------------------------------------------------------------------------- train


@PLACES
def test_layers_in_other_units_are_found_to_lie_on_each_other(dock, viewer, em, place):
    painted = labels(viewer, place, name="painted")
    painted.data[1, 5:20, 5:20] = 1
    dock.train.data.annotations.setValue(painted)
    dock.train.data.image.setValue(em)
    (pair,) = dock.train.data.images.value()
    assert (pair.image, pair.labels) == (em, painted)


@PLACES
def test_a_brush_meets_the_annotations_where_it_is(dock, viewer, em, place, qtbot):
    painted = labels(viewer, place, name="painted")
    workspace = Workspace.of(viewer)
    workspace.annotations = painted
    go_to_slice(viewer, em, 2)
    # What napari's brush asks for the pixel under the mouse.
    found = painted.world_to_data((100, 4 * 10, 4 * 20))
    np.testing.assert_allclose(found, (2, 10, 20))
    assert lies_on(painted, em)
    # An image in a smaller unit changes that of the viewer.
    viewer.add_image(np.zeros(SHAPE), scale=(5e4, 4e3, 4e3), units=("pm",) * 3)
    found = painted.world_to_data((1e5, 4e3 * 10, 4e3 * 20))
    np.testing.assert_allclose(found, (2, 10, 20))


@PLACES
def test_new_annotations_are_in_the_unit_of_the_viewer(dock, viewer, place):
    values = np.zeros(SHAPE, np.uint8)
    image = viewer.add_image(values, name="cells", **place)
    labels(viewer, NM)
    dock.train.data.image.setValue(image)
    dock.train.data.new_button.click()
    made = viewer.layers["annotations"]
    assert {str(unit) for unit in made.units} == {"nanometer"}
    assert lies_on(made, image)


@PLACES
def test_regions_are_read_in_the_pixels_of_their_image(viewer, em, place):
    image = viewer.add_image(np.zeros(SHAPE), name="cells", **place)
    layer = make_layer(viewer, image, Role.TEST)
    corners = np.array([[100, 40, 40], [100, 40, 80], [100, 80, 80], [100, 80, 40]])
    own = viewer.add_shapes(
        [corners / (25, 2, 2)], name="own", scale=(25, 2, 2), units=("nm",) * 3
    )
    for drawn in (layer, own):
        regions, notes = read_regions(own, image)
        assert notes == []
        (region,) = regions
        assert region.slices == "2"
        np.testing.assert_allclose(
            region.polygon, [[10, 10], [10, 20], [20, 20], [20, 10]], atol=1e-4
        )
        draw_regions(drawn, regions, image)
        assert read_regions(drawn, image) == (regions, [])


# ----------------------------------------------- layers that lie elsewhere or are fixed


def fixed_labels(kind: str, folder: Path) -> Any:
    """Return labels of one cell on slice 2 that napari cannot paint on, or must not."""
    data = np.zeros(SHAPE, np.uint8)
    data[2, 10:20, 10:30] = 1
    if kind == "read-only":
        data.flags.writeable = False
        return data
    if kind == "zarr":
        stored = pytest.importorskip("zarr").open_array(
            folder / "cells.zarr", mode="w", shape=SHAPE, dtype=np.uint8
        )
        stored[...] = data
        return stored
    lazy = dask.array.from_array(data, chunks=(1, 48, 64))
    return lazy if kind == "dask" else [lazy, lazy[:, ::2, ::2]]


FIXED = pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("read-only", "can only be read"),
        ("dask", "does not lie in memory"),
        ("zarr", "does not lie in memory"),
        ("multiscale", "has several resolutions"),
    ],
)


@FIXED
def test_annotations_that_cannot_be_changed_get_an_editable_copy(
    dock, viewer, em, kind, reason, tmp_path
):
    data = fixed_labels(kind, tmp_path)
    fixed = viewer.add_labels(data, name="cells", **UM)
    train, workspace = dock.train, Workspace.of(viewer)
    train.data.image.setValue(em)
    workspace.annotations = fixed
    workspace.prediction = labels(viewer, NM, name="told")
    offer = train.data.copy_offer
    assert f"cells {reason}: make an editable copy" in offer.words.text()
    assert offer.button.isVisibleTo(offer)
    assert train.run_button.isEnabled()
    (source,) = train.data.sources()
    assert np.sum(source.labels) == 200
    assert not train.live_button.isEnabled()
    assert reason in train.live_button.toolTip()
    assert not dock.predict.send.button.isEnabled()
    assert reason in dock.predict.send.words.text()
    offer.button.click()
    copy = workspace.annotations
    assert copy == viewer.layers["cells copy"] == train.data.annotations.value()
    assert lies_on(copy, fixed)
    assert lies_on(copy, em)
    assert not fixed.visible
    assert offer.words.text() == ""
    assert train.live_button.isEnabled()
    copy.paint((2, 30, 40), 3)
    assert copy.data[2, 30, 40] == 3
    assert copy.data[2, 15, 15] == 1
    assert not np.asarray(planes(fixed)[2])[30, 40]


@FIXED
def test_truth_that_cannot_be_changed_is_scored_and_can_be_copied(
    viewer, qtbot, finish, kind, reason, tmp_path
):
    truth = viewer.add_labels(fixed_labels(kind, tmp_path), name="cells", **UM)
    told = labels(viewer, NM, name="told")
    told.data[2, 10:20, 10:30] = 1
    dock = opened(ScoresWidget, viewer, qtbot)
    dock.prediction.setValue(told)
    dock.truth.setValue(truth)
    assert f"cells {reason}" in dock.copy_offer.words.text()
    dock.run_button.click()
    finish(dock)
    assert dock.scores.slices
    dock.copy_offer.button.click()
    assert dock.truth.value() == viewer.layers["cells copy"]
    assert dock.copy_offer.words.text() == ""


@pytest.mark.parametrize("kind", ["read-only", "dask", "zarr", "multiscale"])
def test_images_that_lie_elsewhere_are_predicted(
    viewer, qtbot, finish, model, kind, tmp_path
):
    image = viewer.add_image(fixed_labels(kind, tmp_path), name="cells", **UM)
    labels(viewer, NM)
    dock = opened(PredictWidget, viewer, qtbot)
    dock.model.setValue(model)
    dock.image.setValue(image)
    go_to_slice(viewer, image, 2)
    dock.run_button.click()
    finish(dock)
    prediction = Workspace.of(viewer).prediction
    assert prediction.metadata[PREDICTED] == [2]
    assert lies_on(prediction, image)
    assert shown(viewer, image).region is not None
