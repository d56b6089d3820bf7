"""Annotate here next: from a click to a box that can be painted in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import torch
from napari.layers import Image, Labels
from qtpy.QtCore import QSize, Qt

from napari_unet.config import AnnotationKind, UNetConfig
from napari_unet.model.checkpoint import Model, ModelCard, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.guidance import Found
from napari_unet.predict.made_by import MadeBy
from napari_unet.predict.onlooker import Preview
from napari_unet.predict.suggest import Suggestion
from napari_unet.samples import em_stack
from napari_unet.widgets.layers.maps import add_slice, make_maps
from napari_unet.widgets.layers.marks import MADE_FOR, remember
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.train.suggestions import (
    BOX_LAYER,
    SuggestionList,
    list_item,
    show_place,
)

pytestmark = pytest.mark.one_binding

SHAPE = (5, 96, 112)
PLACE = Suggestion(3, (slice(32, 64), slice(48, 96)), 0.5)


def make_model(channels: int = 1) -> Model:
    config = UNetConfig(base_channels=4, depth=2, in_channels=channels)
    torch.manual_seed(0)
    return Model(UNet(config).eval(), ModelCard(network=config))


@pytest.fixture
def image(viewer: Any) -> Image:
    data = em_stack(SHAPE, seed=3)[0].data
    place = {"scale": (50, 4, 4), "translate": (0, 100, 0), "units": ("nm",) * 3}
    return viewer.add_image(data, name="em", **place)


@pytest.fixture
def annotations(viewer: Any, image: Image) -> Labels:
    painted = np.zeros(SHAPE, np.uint8)
    painted[0, 10:40, 10:40] = 1
    painted[0, 20:30, 20:30] = 2
    return viewer.add_labels(painted, name="painted", scale=image.scale)


@pytest.fixture
def part(viewer: Any, image: Image, annotations: Labels, qtbot: Any) -> Any:
    workspace = Workspace.of(viewer)
    workspace.image, workspace.annotations = image, annotations
    workspace.kind = AnnotationKind.SCRIBBLES
    made = SuggestionList(viewer, lambda: make_model)
    made.side.setValue(32)
    viewer.window.add_dock_widget(made)
    return made


@pytest.fixture
def search(part: Any, qtbot: Any) -> Callable[[], None]:
    """Click the button, and wait for the end."""

    def wait() -> None:
        part.run_button.click()
        qtbot.waitUntil(lambda: not part.running, timeout=60_000)

    return wait


def box_of(viewer: Any) -> np.ndarray:
    """Return the middles of its four sides."""
    begin, way = np.moveaxis(viewer.layers[BOX_LAYER].data, 1, 0)
    return begin + way / 2


# ------------------------------------------------------------- the way to a place


@pytest.mark.one_binding
def test_the_viewer_goes_to_the_slice_and_the_middle_of_the_box(
    viewer: Any, image: Image
) -> None:
    show_place(viewer, image, PLACE)
    assert viewer.dims.current_step[0] == 3
    # Pixels 32 to 63 of 4 nm, moved by 100 nm; pixels 48 to 95.
    assert viewer.scene.camera.center[-2:] == pytest.approx((47.5 * 4 + 100, 71.5 * 4))
    seen = np.array(viewer.canvas.size) / viewer.scene.camera.zoom
    assert (seen > (32 * 4, 48 * 4)).all()
    assert (seen < (20 * 32 * 4, 20 * 48 * 4)).all()


@pytest.mark.one_binding
def test_the_box_lies_around_the_pixels_and_there_is_one(
    viewer: Any, image: Image
) -> None:
    show_place(viewer, image, Suggestion(1, (slice(0, 32), slice(0, 32)), 0.9))
    show_place(viewer, image, PLACE)
    middles = box_of(viewer)
    np.testing.assert_allclose(middles.min(axis=0), (3, 31.5, 47.5))
    np.testing.assert_allclose(middles.max(axis=0), (3, 63.5, 95.5))
    assert [layer.name for layer in viewer.layers].count(BOX_LAYER) == 1
    np.testing.assert_array_equal(viewer.layers[BOX_LAYER].scale, image.scale)


@pytest.mark.one_binding
def test_the_layer_that_is_painted_on_stays_active(
    viewer: Any, image: Image, annotations: Labels
) -> None:
    viewer.layers.selection.active = annotations
    show_place(viewer, image, PLACE)
    assert viewer.layers.selection.active == annotations


@pytest.mark.one_binding
def test_the_box_has_the_units_of_its_image_from_the_first(
    viewer: Any, image: Image
) -> None:
    units = []
    viewer.layers.events.inserted.connect(lambda event: units.append(event.value.units))
    show_place(viewer, image, PLACE)
    assert units == [image.units]


@pytest.mark.one_binding
def test_a_removed_box_is_drawn_again(viewer: Any, image: Image) -> None:
    show_place(viewer, image, PLACE)
    viewer.layers.remove(BOX_LAYER)
    show_place(viewer, image, PLACE)
    assert len(box_of(viewer)) == 4


@pytest.mark.one_binding
def test_a_turned_view_is_turned_back(viewer: Any, image: Image) -> None:
    viewer.dims.ndisplay = 3
    viewer.dims.order = (1, 0, 2)
    show_place(viewer, image, PLACE)
    assert viewer.dims.ndisplay == 2
    assert viewer.dims.displayed == (1, 2)
    assert viewer.dims.current_step[0] == 3


@pytest.mark.one_binding
def test_a_single_image_has_places_too(viewer: Any) -> None:
    image = viewer.add_image(em_stack((1, 96, 112), seed=1)[0].data[0], name="flat")
    show_place(viewer, image, Suggestion(0, (slice(0, 32), slice(40, 72)), 0.5))
    assert box_of(viewer).shape == (4, 2)


# ------------------------------------------------------------------- the list


def test_one_click_lists_places_and_goes_to_the_best(
    part: Any, viewer: Any, annotations: Labels, search: Callable[[], None]
) -> None:
    search()
    texts = [part.list.item(row).text() for row in range(part.list.count())]
    assert len(texts) == 8
    assert texts[0] == "first guess"
    assert all(text.startswith("slice ") for text in texts[1:])
    assert "all slices" in part.status.text()
    first = part.list.item(0).data(256)
    assert viewer.dims.current_step[0] == first.z
    assert box_of(viewer)[:, 1].min() == first.box[0].start - 0.5
    assert viewer.layers.selection.active == annotations


def test_pictures_are_sharp_where_a_screen_has_twice_the_pixels(qtbot: Any) -> None:
    found = Found(PLACE, np.zeros((256, 256), np.uint8))
    size = QSize(68, 68)
    for ratio in (1.0, 2.0):
        icon = list_item(found, ratio).icon()
        assert icon.pixmap(size, ratio).width() == 68 * ratio


def test_a_click_on_a_picture_goes_there(
    part: Any, viewer: Any, search: Callable[[], None], qtbot: Any
) -> None:
    search()
    item = part.list.item(2)
    place = item.data(256)
    centre = part.list.visualItemRect(item).center()
    qtbot.mouseClick(part.list.viewport(), Qt.MouseButton.LeftButton, pos=centre)
    assert part.list.currentRow() == 2
    assert viewer.dims.current_step[0] == place.z
    assert box_of(viewer)[:, 2].min() == place.box[1].start - 0.5


def test_next_walks_through_the_list_and_then_searches_anew(
    part: Any, search: Callable[[], None], qtbot: Any
) -> None:
    search()
    part.next()
    assert part.list.currentRow() == 1
    part.list.setCurrentRow(part.list.count() - 1)
    part.next()
    assert part.running
    qtbot.waitUntil(lambda: not part.running, timeout=60_000)
    assert part.list.currentRow() == 0


def test_next_without_a_list_searches(part: Any, qtbot: Any) -> None:
    part.next()
    qtbot.waitUntil(lambda: not part.running, timeout=60_000)
    assert part.list.count() == 8


@pytest.mark.one_binding
def test_what_is_annotated_is_not_listed(
    part: Any, annotations: Labels, search: Callable[[], None]
) -> None:
    annotations.data[:4] = 1
    search()
    assert part.list.count() > 0
    for row in range(part.list.count()):
        assert part.list.item(row).data(256).z == 4
    annotations.data[:] = 1
    search()
    assert part.list.count() == 0
    assert "no place left" in part.status.text()


@pytest.mark.one_binding
def test_uncertainty_is_a_layer_only_when_asked_for(
    part: Any, viewer: Any, image: Image, search: Callable[[], None]
) -> None:
    assert part.show_box.isHidden()
    search()
    assert "uncertainty" not in viewer.layers
    part.show_box.click()
    layer = viewer.layers["uncertainty"]
    assert layer.visible
    assert layer.data.shape == SHAPE
    assert layer.data.max() > 0
    np.testing.assert_array_equal(layer.scale, image.scale)
    np.testing.assert_array_equal(layer.translate, image.translate)
    part.show_box.click()
    assert not layer.visible
    part.show_box.click()
    viewer.layers.remove(layer)
    assert not part.show_box.isChecked()


def test_the_first_place_is_gone_to_while_the_search_goes_on(
    part: Any, viewer: Any, qtbot: Any
) -> None:
    part.run_button.click()
    qtbot.waitUntil(lambda: BOX_LAYER in viewer.layers, timeout=60_000)
    assert part.running
    first = part.list.item(0).data(Qt.ItemDataRole.UserRole)
    qtbot.waitUntil(lambda: not part.running, timeout=60_000)
    every = [part.list.item(row) for row in range(part.list.count())]
    places = [item.data(Qt.ItemDataRole.UserRole) for item in every]
    assert part.list.currentRow() == 0
    assert (places[0].z, places[0].box) == (first.z, first.box)
    assert 1 < len(places) == len({(one.z, str(one.box)) for one in places})
    assert viewer.dims.current_step[0] == first.z


def first_guess(part: Any, qtbot: Any) -> Any:
    """Search to the end; return the place that was shown before the model was there."""
    asked = Event()

    def late() -> Model:
        asked.wait(60)
        return make_model()

    part._model = lambda: late
    part.run_button.click()
    qtbot.waitUntil(lambda: part.list.count() > 0, timeout=60_000)
    place = part.list.item(0).data(Qt.ItemDataRole.UserRole)
    asked.set()
    qtbot.waitUntil(lambda: not part.running, timeout=60_000)
    return place


def test_the_first_place_is_where_an_earlier_prediction_was_unsure(
    part: Any, viewer: Any, image: Image, qtbot: Any
) -> None:
    model = Path("a.safetensors")
    prediction = viewer.add_labels(np.ones(SHAPE, np.uint8), scale=image.scale)
    remember(prediction, MadeBy(model, image.name))
    part.workspace.prediction = prediction
    (likely,) = make_maps(viewer, image, model, 1, SHAPE)
    likely.data[:] = 1
    likely.data[3, 32:64, 64:96] = 0.5
    likely.data[4] = 0.5
    add_slice(likely, 3)
    place = first_guess(part, qtbot)
    assert place.z == viewer.dims.current_step[0] == 3
    assert part.list.item(0).data(Qt.ItemDataRole.UserRole).box == place.box
    assert part.list.count() > 1


def test_a_prediction_of_another_image_of_the_same_name_tells_nothing(
    part: Any, viewer: Any, image: Image
) -> None:
    model = Path("a.safetensors")
    prediction = viewer.add_labels(np.ones(SHAPE, np.uint8), scale=image.scale)
    remember(prediction, MadeBy(model, image.name))
    prediction.metadata[MADE_FOR] = "prediction", str(image.unique_id)
    part.workspace.prediction = prediction
    add_slice(make_maps(viewer, image, model, 1, SHAPE)[0], 3)
    assert part._known(image, model)
    viewer.layers.remove(image)
    other = viewer.add_image(image.data, name=image.name, scale=image.scale)
    assert not part._known(other, model)


@pytest.mark.parametrize("removed", [False, True])
def test_the_first_guess_is_told_as_one_and_survives_a_stop_or_a_removed_image(
    part: Any, viewer: Any, qtbot: Any, removed: bool
) -> None:
    asked = Event()

    class Slow(UNet):
        """Answers the glance, and nothing more before it is let."""

        def probabilities(self, images: Any) -> Any:
            if self.num_answers > 1:
                asked.wait(60)
            self.num_answers += 1
            return super().probabilities(images)

    def slow() -> Model:
        model = make_model()
        model.network.__class__, model.network.num_answers = Slow, 0
        return model

    part._model = lambda: slow
    viewer.dims.set_current_step(0, 2)
    part.run_button.click()
    qtbot.waitUntil(lambda: part.list.count() > 0, timeout=60_000)
    place = part.list.item(0).data(Qt.ItemDataRole.UserRole)
    assert place.z == viewer.dims.current_step[0] == 2
    assert part.running
    assert "first guess" in part.status.text()
    assert part.list.item(0).text() == "first guess"
    if removed:
        viewer.layers.remove("em")
    else:
        part.run_button.click()
    asked.set()
    qtbot.waitUntil(lambda: not part.running, timeout=60_000)
    assert part.list.item(0).data(Qt.ItemDataRole.UserRole).box == place.box
    assert part.list.currentRow() == 0


def test_what_a_network_that_learns_has_drawn_gives_the_first_guess(
    part: Any, viewer: Any, qtbot: Any
) -> None:
    likely = np.zeros((2, 1, 96, 64), np.float32)
    likely[0] = 1
    likely[:, :, 40:72, 16:48] = 0.5
    core = (slice(4, 5), slice(0, 96), slice(0, 64))
    part._previews = lambda image: [
        Preview(core, likely.argmax(0).astype(np.uint8), likely, 3)
    ]
    place = first_guess(part, qtbot)
    assert place.z == 4
    assert part.list.count() == 8


def test_stopping_at_once_ends_well(part: Any, qtbot: Any) -> None:
    part.run_button.click()
    assert part.run_button.text() == "Stop searching"
    part.run_button.click()
    qtbot.waitUntil(lambda: not part.running, timeout=60_000)
    assert part.run_button.text() == "Annotate here next"


def test_a_search_outlives_the_layers_it_was_for(part: Any, viewer: Any, qtbot: Any):
    part.run_button.click()
    viewer.layers.clear()
    qtbot.waitUntil(lambda: not part.running, timeout=60_000)
    part.next()
    assert not part.running
    assert "image layer" in part.run_button.toolTip()


def test_the_button_tells_what_is_missing(viewer: Any, image: Image) -> None:
    workspace = Workspace.of(viewer)
    models: list[Callable[[], Model]] = []
    part = SuggestionList(viewer, lambda: models[0] if models else None)
    viewer.window.add_dock_widget(part)
    assert "image layer" in part.run_button.toolTip()
    workspace.image = image
    assert "annotation layer" in part.run_button.toolTip()
    workspace.annotations = viewer.add_labels(np.zeros(SHAPE, np.uint8))
    assert "Train a network first" in part.status.text()
    assert not part.run_button.isEnabled()
    models.append(make_model)
    part.refresh()
    assert part.run_button.isEnabled()
    assert part.status.text() == ""


@pytest.mark.one_binding
def test_a_model_file_will_do_and_one_that_does_not_fit_is_told(
    part: Any, search: Callable[[], None], tmp_path: Path
) -> None:
    path = tmp_path / "model.safetensors"
    save_model(path, make_model(channels=2))
    part._model = lambda: path
    search()
    assert "trained on 2" in part.status.text()
    save_model(path, make_model())
    search()
    assert part.list.count() == 8


def test_a_network_that_has_not_begun_is_told(
    part: Any, search: Callable[[], None]
) -> None:
    part._model = lambda: lambda: None
    search()
    assert "not begun to learn" in part.status.text()
    assert part.run_button.isEnabled()


@pytest.mark.one_binding
def test_annotations_of_another_image_are_told(part: Any, viewer: Any) -> None:
    layer = viewer.add_labels(np.ones((5, 20, 20), np.uint8), name="other")
    part.workspace.annotations = layer
    part.run_button.click()
    assert not part.running
    assert "choose annotations made on this image" in part.status.text()
