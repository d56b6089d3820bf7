"""Layers are filled by tiles and a result alone, without a dock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_unet.config import PostprocessConfig
from napari_unet.predict.made_by import MadeBy
from napari_unet.predict.prediction import TileDone
from napari_unet.predict.segment import Segmentation
from napari_unet.widgets.layers.annotations import add_annotations
from napari_unet.widgets.layers.eye import EM, Eye
from napari_unet.widgets.layers.maps import maps_of
from napari_unet.widgets.layers.marks import (
    INFO_BAR,
    NUMBERED,
    PREDICTED,
    made_by,
    untouched,
)
from napari_unet.widgets.layers.places import lies_on
from napari_unet.widgets.predict.predicted_layers import PredictedLayers

pytestmark = pytest.mark.one_binding

SHAPE = (3, 8, 6)
PLAIN = MadeBy(Path("model.safetensors"), "em")


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def image(viewer: ViewerModel) -> Image:
    return viewer.add_image(np.zeros(SHAPE, np.uint8), name="em")


def tile(rows: slice, z: int = 0, value: float = 1.0) -> TileDone:
    core = (slice(z, z + 1), rows, slice(0, 6))
    likely = np.full((1, rows.stop - rows.start, 6), value, np.float32)
    return TileDone(1, 2, core, np.stack([1 - likely, likely]))


def fill(layers: PredictedLayers, slices: Sequence[int], value: float = 1.0) -> None:
    for z in slices:
        assert layers.add(tile(slice(0, 4), z, value))
        assert layers.add(tile(slice(4, 8), z, value))


def done(labels: np.ndarray | None = None, *, complete: bool = True) -> Segmentation:
    labels = np.ones(SHAPE, np.uint8) if labels is None else labels
    return Segmentation(labels, image="00ff", complete=complete)


def test_only_whole_slices_count_as_predicted(
    viewer: ViewerModel, image: Image
) -> None:
    layers = PredictedLayers(viewer, image, PLAIN, maps=True)
    fill(layers, [0])
    assert layers.add(tile(slice(0, 4), 1))
    layers.finish(done(complete=False))
    assert layers.labels.metadata[PREDICTED] == [0]
    assert viewer.layers["probability"].metadata[PREDICTED] == [0]
    made = untouched(layers.labels)
    assert (made.slices, made.image, made.model) == ((0,), "00ff", PLAIN.model)


def test_a_slice_is_whole_without_its_info_bar(
    viewer: ViewerModel, image: Image
) -> None:
    image.metadata[INFO_BAR] = 4
    layers = PredictedLayers(viewer, image, PLAIN, maps=True)
    image.metadata[INFO_BAR] = 0
    assert layers.add(tile(slice(0, 4), 0))
    assert layers.add(tile(slice(0, 3), 1))
    layers.finish(done(complete=False))
    assert layers.labels.metadata[PREDICTED] == [0]
    assert viewer.layers["probability"].metadata[PREDICTED] == [0]


def test_a_slice_alone_goes_to_its_place_and_the_others_stay(
    viewer: ViewerModel, image: Image
) -> None:
    for z in (0, 2):
        layers = PredictedLayers(viewer, image, PLAIN, only=z)
        fill(layers, [0])
        layers.finish(done())
    (labels,) = (one for one in viewer.layers if one.name != "em")
    assert labels.data.any(axis=(1, 2)).tolist() == [True, False, True]
    assert labels.metadata[PREDICTED] == [0, 2]
    labels.undo()
    assert labels.data.any(axis=(1, 2)).tolist() == [True, False, False]


def test_what_was_made_of_the_tiles_takes_their_place_only_when_complete(
    viewer: ViewerModel, image: Image
) -> None:
    made = MadeBy(Path("m"), "em", finish=PostprocessConfig(objects="connected"))
    objects = np.arange(np.prod(SHAPE), dtype=np.uint16).reshape(SHAPE)
    layers = PredictedLayers(viewer, image, made)
    fill(layers, range(3))
    layers.finish(done(np.zeros(SHAPE, np.uint8), complete=False))
    assert (layers.labels.data == 1).all(), "classes of the tiles"
    layers = PredictedLayers(viewer, image, made)
    fill(layers, range(3))
    layers.finish(done(objects))
    np.testing.assert_array_equal(layers.labels.data, objects)
    layers.labels.undo()
    assert (layers.labels.data == 1).all(), "all of it is one step"
    layers.labels.redo()
    np.testing.assert_array_equal(layers.labels.data, objects)


def test_numbers_that_outgrow_the_layer_can_be_taken_back(
    viewer: ViewerModel, image: Image
) -> None:
    made = MadeBy(Path("m"), "em", finish=PostprocessConfig(objects="connected"))
    high = np.full((1, *SHAPE[1:]), 2**16 - 1, np.uint16)
    for z in (0, 1):
        layers = PredictedLayers(viewer, image, made, only=z)
        fill(layers, [0])
        layers.finish(done(high))
    assert layers.labels.data.max() == 2 * (2**16 - 1)
    layers.labels.undo()
    assert not layers.labels.data[1].any()
    assert (layers.labels.data[0] == high[0]).all()


def test_a_prediction_of_another_type_is_taken_back_with_its_slices(
    viewer: ViewerModel, image: Image
) -> None:
    first = PredictedLayers(viewer, image, PLAIN, only=0)
    fill(first, [0])
    first.finish(done())
    again = PredictedLayers(viewer, image, NUMBERS)
    fill(again, range(3))
    again.finish(done(np.full(SHAPE, 2**16, np.uint32)))
    labels = again.labels
    assert (labels.data == 2**16).all()
    assert labels.metadata[PREDICTED] == [0, 1, 2]
    again.undo()
    assert labels.data.any(axis=(1, 2)).tolist() == [True, False, False]
    assert labels.metadata[PREDICTED] == [0]
    assert untouched(labels) == replace(PLAIN, image="00ff", slices=(0,))
    labels.redo()
    assert untouched(labels) == replace(NUMBERS, image="00ff", slices=(0, 1, 2))


NUMBERS = replace(PLAIN, finish=PostprocessConfig(objects="connected").settled())


def half_over(viewer: ViewerModel, image: Image) -> tuple[PredictedLayers, np.ndarray]:
    """Layers whose second prediction is half done, and what the first one was."""
    layers = PredictedLayers(viewer, image, PLAIN)
    fill(layers, range(3))
    layers.finish(done())
    before = layers.labels.data.copy()
    layers = PredictedLayers(viewer, image, NUMBERS)
    fill(layers, [1], value=0.0)
    assert not layers.labels.data.any()
    return layers, before


@pytest.mark.parametrize("end", ["failed", "removed"])
def test_what_was_there_comes_back_where_nobody_sees_the_end(
    viewer: ViewerModel, image: Image, end: str
) -> None:
    layers, before = half_over(viewer, image)
    labels, gone = layers.labels, list[np.ndarray]()
    viewer.layers.events.removed.connect(lambda e: gone.append(e.value.data.copy()))
    if end == "failed":
        layers.put_back()
    else:
        viewer.layers.clear()
        np.testing.assert_array_equal(gone[0], before)
    np.testing.assert_array_equal(labels.data, before)
    assert labels.data.dtype == before.dtype
    assert untouched(labels) == replace(PLAIN, image="00ff", slices=(0, 1, 2))
    assert labels.metadata[PREDICTED] == [0, 1, 2]
    assert labels.metadata[NUMBERED] is False


def test_a_first_prediction_that_failed_leaves_nothing(
    viewer: ViewerModel, image: Image
) -> None:
    layers = PredictedLayers(viewer, image, PLAIN)
    fill(layers, [0])
    layers.discard()
    assert [one.name for one in viewer.layers] == ["em"]
    layers = PredictedLayers(viewer, image, PLAIN)
    fill(layers, range(3))
    layers.finish(done())
    layers.discard()
    assert [one.name for one in viewer.layers] == ["em", "prediction"]


def test_what_is_whole_is_never_put_back(viewer: ViewerModel, image: Image) -> None:
    layers, _ = half_over(viewer, image)
    layers.finish(done(np.zeros(SHAPE, np.uint8)))
    layers.put_back()
    assert not layers.labels.data.any()


def test_a_layer_that_was_removed_is_told_and_not_made_again(
    viewer: ViewerModel, image: Image
) -> None:
    layers = PredictedLayers(viewer, image, PLAIN)
    assert layers.add(tile(slice(0, 4)))
    viewer.layers.remove(layers.labels)
    assert not layers.add(tile(slice(4, 8)))
    assert layers.broken == "The layer prediction was removed: predict again."
    layers.finish(done(complete=False))
    assert [one.name for one in viewer.layers] == ["em"]


def test_without_a_tile_there_is_no_layer(viewer: ViewerModel, image: Image) -> None:
    layers = PredictedLayers(viewer, image, PLAIN)
    layers.finish(done(complete=False))
    assert layers.labels is None
    assert len(viewer.layers) == 1


def test_a_prediction_again_is_taken_back_with_what_it_held(
    viewer: ViewerModel, image: Image
) -> None:
    first = PredictedLayers(viewer, image, PLAIN, only=0)
    fill(first, [0])
    first.finish(done())
    assert first.undo is None, "nothing was there before"
    again = PredictedLayers(viewer, image, PLAIN, only=2)
    fill(again, [0])
    again.finish(done())
    labels = again.labels
    other = viewer.add_labels(np.zeros(SHAPE, np.uint8), name="other")
    other.paint((0, 4, 3), 1)
    again.undo()
    assert labels.data.any(axis=(1, 2)).tolist() == [True, False, False]
    assert labels.metadata[PREDICTED] == [0]
    assert other.data.any()
    labels.undo()
    assert labels.data[0].any(), "no stroke is left to be written into it"


def test_a_stroke_that_was_taken_back_is_not_written_into_the_next_prediction(
    viewer: ViewerModel, image: Image
) -> None:
    first = PredictedLayers(viewer, image, PLAIN)
    fill(first, range(3))
    first.finish(done())
    first.labels.paint((1, 4, 3), 5)
    first.labels.undo()
    again = PredictedLayers(viewer, image, PLAIN)
    fill(again, range(3), value=0.0)
    again.finish(done(np.zeros(SHAPE, np.uint8)))
    assert again.labels == first.labels
    again.labels.redo()
    assert not again.labels.data.any()
    again.labels.undo()
    assert (again.labels.data == 1).all()


def test_the_brush_stays_in_hand_and_nothing_paints_into_a_prediction(
    viewer: ViewerModel, image: Image
) -> None:
    annotations = add_annotations(viewer, image)
    for value in (1, 0):
        layers = PredictedLayers(viewer, image, PLAIN, maps=True)
        fill(layers, range(3), value)
        layers.finish(done(np.full(SHAPE, value, np.uint8)))
        assert viewer.layers.selection.active is annotations
        assert annotations.mode == "paint"
        names = [one.name for one in viewer.layers]
        assert names == ["em", "prediction", "probability", "annotations"]
        assert not layers.labels.editable
    layers.labels.undo()
    assert layers.labels.data.all(), "what cannot be painted on is taken back, too"


def test_classes_are_a_light_fill_in_the_colours_that_they_are_painted_in(
    viewer: ViewerModel, image: Image
) -> None:
    annotations = add_annotations(viewer, image)
    layers = PredictedLayers(viewer, image, PLAIN)
    fill(layers, range(3))
    layers.finish(done())
    assert layers.labels.opacity < 0.5
    painted, predicted = annotations.get_color(2), layers.labels.get_color(1)
    np.testing.assert_array_equal(painted, predicted)


def test_a_prediction_is_seen_alone_again_when_more_is_predicted(
    viewer: ViewerModel, image: Image
) -> None:
    for only in (0, 1):
        layers = PredictedLayers(viewer, image, PLAIN, only=only)
        fill(layers, [0])
        layers.finish(done())
        assert layers.labels.visible
        Eye.of(viewer).show(EM)
        assert not layers.labels.visible


def predict(viewer: ViewerModel, image: Image, z: int) -> PredictedLayers:
    layers = PredictedLayers(viewer, image, PLAIN, only=z, maps=True)
    fill(layers, [0])
    layers.finish(done(np.ones((1, *SHAPE[1:]), np.uint8)))
    return layers


def test_slices_of_another_image_of_the_same_name_are_no_part_of_a_prediction(
    viewer: ViewerModel, image: Image
) -> None:
    first = predict(viewer, image, 0)
    viewer.layers.remove(image)
    other = viewer.add_image(np.ones(SHAPE, np.uint8), name="em")
    second = predict(viewer, other, 2)
    assert second.labels is not first.labels
    for layer in (second.labels, *maps_of(viewer, second.labels)):
        assert layer.metadata[PREDICTED] == [2]
    assert maps_of(viewer, first.labels) == first.maps != second.maps


def test_a_prediction_goes_where_its_image_was_moved_to(
    viewer: ViewerModel, image: Image
) -> None:
    first = predict(viewer, image, 0)
    image.scale, image.name = (50, 4, 4), "renamed"
    second = predict(viewer, image, 2)
    assert second.labels is first.labels
    assert second.labels.metadata[PREDICTED] == [0, 2]
    assert all(lies_on(one, image) for one in (second.labels, *second.maps))


def test_a_duplicate_keeps_how_it_was_made(viewer: ViewerModel, image: Image) -> None:
    first = predict(viewer, image, 0).labels
    copy = Labels(first.data.copy(), metadata=first.metadata)
    other = MadeBy(Path("other.safetensors"), "em")
    layers = PredictedLayers(viewer, image, other)
    fill(layers, [0, 1, 2], 0.0)
    layers.finish(done(np.zeros(SHAPE, np.uint8)))
    assert layers.labels is first
    assert made_by(first).model == other.model
    assert made_by(copy).model == PLAIN.model


@pytest.mark.parametrize("what", ["em", "prediction", "probability"])
def test_data_that_are_exchanged_meanwhile_end_it_with_a_sentence(
    viewer: ViewerModel, image: Image, what: str
) -> None:
    layers = PredictedLayers(viewer, image, PLAIN, maps=True)
    assert layers.add(tile(slice(0, 4)))
    viewer.layers[what].data = np.zeros((2, 5, 5), np.uint8)
    assert not layers.add(tile(slice(4, 8)))
    assert layers.broken == f"The layer {what} has other data now: predict again."
    layers.finish(done(complete=False))
    assert not viewer.layers[what].data.any()


def test_another_image_that_came_before_the_first_tile_gets_no_layer(
    viewer: ViewerModel, image: Image
) -> None:
    layers = PredictedLayers(viewer, image, PLAIN)
    image.data = np.ones(SHAPE, np.uint8)
    assert not layers.add(tile(slice(0, 4)))
    assert len(viewer.layers) == 1
