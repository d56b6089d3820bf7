"""A stack is predicted, rescaled and finished by one generator, however it is given."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np
import pytest
import torch

import napari_unet
from napari_unet.config import PostprocessConfig, PredictConfig, UNetConfig
from napari_unet.data.fingerprint import fingerprint
from napari_unet.data.stack import Stack
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError, ModelFileError
from napari_unet.model.card import ModelCard
from napari_unet.model.checkpoint import Model, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.model.started import Started
from napari_unet.predict.postprocessing import postprocess
from napari_unet.predict.prediction import TileDone
from napari_unet.predict.predictor import Predictor
from napari_unet.predict.rescale import RescaledPredictor
from napari_unet.predict.segment import Finishing, Segmentation, segment, segment_steps
from napari_unet.starters import find_starter
from napari_unet.steps import result_of

if TYPE_CHECKING:
    from napari_unet.predict.segment import SegmentStep

OBJECTS = PostprocessConfig(objects="watershed", min_size=4)


@pytest.fixture
def model() -> Model:
    torch.manual_seed(0)
    config = UNetConfig(base_channels=2, depth=2)
    return Model(
        UNet(config).eval(),
        ModelCard(network=config, pixel_size=(50, 4, 4), unit="nm", threshold=0.45),
    )


@pytest.fixture
def stack() -> Stack:
    data = np.random.default_rng(0).integers(0, 255, (3, 48, 40), np.uint8)
    return Stack(data, "ZYX", (50, 4, 4), "nm", "a test")


def run(*args: Any, **options: Any) -> tuple[list[SegmentStep], Segmentation]:
    steps: list[SegmentStep] = []
    result = result_of(segment_steps(*args, **options), steps.append)
    return steps, result


def test_classes_are_those_of_the_predictor(model: Model, stack: Stack) -> None:
    expected = Predictor(model).predict(stack.as_czyx(), keep=True)
    found = segment(model, stack, probabilities=True)
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    assert found.complete
    assert found.words.startswith("Done in")
    assert segment(model, stack).probabilities is None


def test_many_probabilities_lie_in_a_file(
    model: Model, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    barred = replace(stack, info_bar=5)
    tiles = PredictConfig(tile_size=16, device="cpu")
    expected = segment(model, barred, tiles, probabilities=True)
    monkeypatch.setattr("napari_unet.predict.segment.plain_limit", lambda: 0)
    found = segment(model, barred, tiles, probabilities=True)
    assert not isinstance(found.probabilities, np.ndarray)
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)


def test_model_and_image_may_be_files_and_the_image_an_array(
    model: Model, stack: Stack, tmp_path: Path
) -> None:
    path, image = tmp_path / "model.safetensors", tmp_path / "em.tif"
    save_model(path, model)
    write_stack(image, stack.data, like=stack)
    expected = segment(model, stack).labels
    for given in (stack, np.asarray(stack.data), image, str(image)):
        np.testing.assert_array_equal(segment(path, given).labels, expected)
    one = segment(str(path), np.asarray(stack.data)[1])
    np.testing.assert_array_equal(one.labels, expected[1:2])


def test_a_starter_network_segments_by_its_name(stack: Stack) -> None:
    expected = segment(find_starter("em-membranes").path, stack).labels
    np.testing.assert_array_equal(segment("em-membranes", stack).labels, expected)


def test_a_file_wins_over_a_starter_network_of_its_name(
    model: Model, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_model("em-membranes", model)
    expected = segment(model, stack).labels
    np.testing.assert_array_equal(segment("em-membranes", stack).labels, expected)


@pytest.mark.parametrize("lazy", [False, True])
def test_a_model_of_colours_sees_grey_as_three_that_are_equal(
    stack: Stack, lazy: bool
) -> None:
    """Earlier versions trained on grey that was stored in colours as on colours."""
    torch.manual_seed(0)
    config = UNetConfig(base_channels=2, depth=2, in_channels=3)
    model = Model(UNet(config).eval(), ModelCard(network=config))
    colours = np.stack([np.asarray(stack.data)] * 3)
    grey = replace(stack, data=da.from_array(stack.data)) if lazy else stack
    expected = Predictor(model).predict(colours).labels
    np.testing.assert_array_equal(segment(model, grey).labels, expected)


def test_what_cannot_be_segmented_is_told(model: Model, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"The image has 1 dimensions"):
        segment(model, np.zeros(3))
    with pytest.raises(InputError, match="2 channel"):
        segment(model, np.zeros((2, 1, 32, 32)))
    with pytest.raises(ModelFileError, match="no model file"):
        segment(tmp_path / "none", np.zeros((32, 32)))


def test_objects_are_made_with_the_threshold_of_the_model(
    model: Model, stack: Stack
) -> None:
    predicted = Predictor(model).predict(stack.as_czyx(), keep=True)
    expected = postprocess(
        predicted.labels,
        OBJECTS,
        probabilities=predicted.probabilities,
        threshold=model.card.threshold,
    )
    found = segment(model, stack, finish=OBJECTS)
    np.testing.assert_array_equal(found.labels, expected)
    assert found.words.startswith(f"{expected.max():,} objects in ")
    assert found.probabilities is None, "they were needed, but nobody asked for them"


def test_another_pixel_size_is_rescaled_where_wanted(model: Model) -> None:
    data = np.random.default_rng(1).integers(0, 255, (2, 60, 60), np.uint8)
    finer = Stack(data, "ZYX", (50, 2, 2), "nm", "finer")
    expected = RescaledPredictor(model, (1, 0.5, 0.5)).predict(finer.as_czyx())
    found = segment(model, finer, PredictConfig(rescale=True))
    np.testing.assert_array_equal(found.labels, expected.labels)


def test_steps_are_the_device_every_tile_and_the_finish(
    model: Model, stack: Stack
) -> None:
    steps, _ = run(model, stack, None, OBJECTS)
    assert isinstance(steps[0], Started)
    assert all(isinstance(step, TileDone) for step in steps[1:-1])
    assert isinstance(steps[-1], Finishing)
    steps, _ = run(model, stack)
    assert isinstance(steps[-1], TileDone), "there is nothing to finish"


@pytest.mark.parametrize("rescale", [False, True])
def test_stopped_early_it_keeps_the_tiles_that_are_done(
    model: Model, rescale: bool
) -> None:
    data = np.random.default_rng(1).integers(0, 255, (3, 60, 60), np.uint8)
    finer = Stack(data, "ZYX", (50, 2, 2), "nm", "finer")
    config = PredictConfig(rescale=rescale)
    expected = segment(model, finer, config).labels
    stop = Event()
    seen: list[SegmentStep] = []

    def show(step: SegmentStep) -> None:
        seen.append(step)
        if isinstance(step, TileDone):
            stop.set()

    result = result_of(segment_steps(model, finer, config, OBJECTS, stop), show)
    assert not result.complete
    assert result.words == "Stopped after tile 1 of 3"
    assert not any(isinstance(step, Finishing) for step in seen)
    np.testing.assert_array_equal(result.labels[0], expected[0])
    assert not result.labels[1:].any()


def test_stopped_at_once_nothing_is_predicted(model: Model, stack: Stack) -> None:
    stop = Event()
    stop.set()
    steps, result = run(model, stack, None, None, stop)
    assert len(steps) == 1
    assert result.words == "Stopped before the first tile"
    assert not result.complete
    assert not result.labels.any()


@pytest.mark.parametrize(("finish", "complete"), [(None, True), (OBJECTS, False)])
def test_stopped_after_the_last_tile_only_a_finish_is_missing(
    model: Model, stack: Stack, finish: PostprocessConfig | None, complete: bool
) -> None:
    stop = Event()

    def show(step: SegmentStep) -> None:
        if isinstance(step, TileDone) and step.done == step.total:
            stop.set()

    result = result_of(segment_steps(model, stack, None, finish, stop), show)
    assert result.complete is complete


def test_the_fingerprint_is_that_of_the_whole_image(model: Model, stack: Stack) -> None:
    part = stack.slices("1")
    _, result = run(model, part, of=stack)
    assert result.image == fingerprint(stack.as_czyx())
    assert segment(model, stack).image == ""


def test_the_short_names_lead_from_files_to_scores(
    model: Model, stack: Stack, tmp_path: Path
) -> None:
    write_stack(tmp_path / "em.tif", stack.data, like=stack)
    found = napari_unet.segment(model, tmp_path / "em.tif")
    write_stack(tmp_path / "truth.tif", found.labels, like=stack)
    truth = napari_unet.read_stack(tmp_path / "truth.tif")
    for prediction in (found.labels, truth, tmp_path / "truth.tif"):
        scores = napari_unet.score_labels(prediction, truth)
        assert isinstance(scores, napari_unet.Scores)
        assert scores.values()["iou"] == 1
