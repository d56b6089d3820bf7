"""What the docks make of layers that are no stack, flipped, or predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dask import delayed
from dask.array import from_delayed, stack
from napari.components import ViewerModel
from qtpy.QtWidgets import QFileDialog

from napari_unet.config import Region, Role
from napari_unet.widgets.layers.arrays import image_stack, misfit, painted_slices
from napari_unet.widgets.layers.marks import PREDICTED
from napari_unet.widgets.layers.region_shapes import draw_regions, make_layer
from napari_unet.widgets.train.training_set import TrainingSet
from napari_unet.widgets.weights.dock import WeightsWidget
from napari_unet.widgets.workflow import WorkflowWidget

SHAPE = (3, 32, 40)
MOVIE = np.zeros((2, *SHAPE), np.uint8)
NAMED = {"axis_labels": ("t", "z", "y", "x")}


@pytest.fixture
def model() -> ViewerModel:
    """A viewer without a window."""
    return ViewerModel()


@pytest.fixture
def open_docks(model: ViewerModel, qtbot: Any) -> Any:
    def open_docks() -> WorkflowWidget:
        docks = WorkflowWidget(model)
        qtbot.addWidget(docks)
        return docks

    return open_docks


def training_set(docks: Any) -> TrainingSet:
    found: TrainingSet = docks.train.data
    return found


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("options", [{}, NAMED])
def test_a_movie_of_stacks_opens_no_error_but_a_sentence(
    model: ViewerModel, open_docks: Any, first: bool, options: Any, tmp_path: Path
) -> None:
    docks = None if first else open_docks()
    model.add_image(MOVIE, name="movie", **options)
    docks = docks or open_docks()
    docks.predict.model.setValue(tmp_path / "some.safetensors")
    data = training_set(docks)
    for button in (
        docks.train.run_button,
        docks.train.live_button,
        docks.predict.run_button,
        data.new_button,
    ):
        assert not button.isEnabled()
        assert "The layer movie has 4 dimensions" in button.toolTip()
    docks.predict.run_button.click()
    data.new_button.click()
    assert len(model.layers) == 1


def test_labels_of_four_dimensions_are_refused_in_words_and_nothing_else(
    model: ViewerModel, open_docks: Any, qtbot: Any
) -> None:
    docks = open_docks()
    model.add_image(np.zeros(SHAPE, np.uint8), name="em")
    labels = model.add_labels(MOVIE, name="movie")
    regions = training_set(docks).regions
    qtbot.waitUntil(lambda: not regions.busy, timeout=20_000)
    labels.paint((0, 0, 5, 5), 1)
    weights = WeightsWidget(model)
    qtbot.addWidget(weights)
    for dock in (docks.train, weights):
        assert not dock.run_button.isEnabled()
        assert "The layer movie has 4 dimensions" in dock.status.text()
    assert not docks.train.live_button.isEnabled()


def test_a_single_time_point_of_labels_is_a_stack(model: ViewerModel) -> None:
    assert misfit(model.add_labels(MOVIE[:1])) == ""
    assert misfit(model.add_labels(MOVIE)) != ""
    assert misfit(None) == ""


def test_a_flipped_image_has_pixels_of_the_same_size(model: ViewerModel) -> None:
    layer = model.add_image(np.zeros(SHAPE), scale=(50, -4, 4), units=("nm",) * 3)
    assert image_stack(layer).zyx_size == (50, 4, 4)


@pytest.mark.parametrize("samples", [3, 4])
def test_colours_of_a_layer_are_read_as_those_of_a_file(
    model: ViewerModel, samples: int
) -> None:
    values = np.random.default_rng(0).integers(0, 255, (2, 20, 30)).astype(np.uint8)
    colours = np.stack([values] * samples, axis=-1)
    grey = image_stack(model.add_image(colours, rgb=True))
    assert grey.axes == "ZYX"
    np.testing.assert_array_equal(grey.data, values)
    colours[1, 3, 3, 0] ^= 1
    coloured = image_stack(model.add_image(colours, rgb=True))
    assert (coloured.axes, coloured.shape) == ("ZYXS", (2, 20, 30, 3))


def test_colours_are_looked_at_once_and_of_a_lazy_stack_in_some_planes(
    model: ViewerModel,
) -> None:
    asked: list[int] = []

    def plane(z: int) -> np.ndarray:
        asked.append(z)
        return np.full((20, 30, 3), z, np.uint8)

    planes = [from_delayed(delayed(plane)(z), (20, 30, 3), np.uint8) for z in range(40)]
    layer = model.add_image(stack(planes), rgb=True)
    asked.clear()
    for _ in range(3):
        found = image_stack(layer)
    assert len(asked) == 8
    assert (found.axes, found.shape) == ("ZYX", (40, 20, 30))
    layer.data = np.random.default_rng(0).integers(0, 255, (2, 20, 30, 3), np.uint8)
    assert image_stack(layer).axes == "ZYXS"


def test_regions_on_every_slice_of_a_stack_with_channels_are_trained_with(
    model: ViewerModel, open_docks: Any
) -> None:
    image = model.add_image(
        np.zeros((2, *SHAPE), np.uint8), name="em", axis_labels=("c", "z", "y", "x")
    )
    labels = model.add_labels(np.ones(SHAPE, np.uint8), name="cells")
    docks = open_docks()
    corners = ((2, 2), (2, 12), (12, 12), (12, 2))
    drawn = [Region(role=Role.TRAIN, slices=str(z), polygon=corners) for z in range(3)]
    layer = make_layer(model, image, Role.TRAIN)
    draw_regions(layer, drawn, image)
    data = training_set(docks)
    data.annotations.setValue(labels)
    (source,) = data.sources()
    assert [region.slices for region in source.regions] == ["0", "1", "2"]


def test_a_prediction_is_never_offered_as_annotations(
    model: ViewerModel, open_docks: Any
) -> None:
    docks = open_docks()
    data = training_set(docks)
    model.add_image(np.zeros(SHAPE, np.uint8), name="em")
    model.add_labels(np.ones(SHAPE, np.uint8), name="t", metadata={PREDICTED: [0]})
    assert data.annotations.count() == 0
    assert "There are no annotations" in docks.train.run_button.toolTip()
    assert docks.train.live_button.isEnabled()


def test_a_layer_that_was_chosen_stays_so_under_another_name(
    model: ViewerModel, open_docks: Any
) -> None:
    docks = open_docks()
    data, workspace = training_set(docks), docks.train.workspace
    model.add_image(np.zeros(SHAPE, np.uint8), name="em")
    first = model.add_labels(np.ones(SHAPE, np.uint8), name="first")
    second = model.add_labels(np.ones(SHAPE, np.uint8), name="second")
    # As if by hand, with the mouse.
    data.annotations.setCurrentIndex(1)
    data.annotations.activated.emit(1)
    assert workspace.annotations == second
    first.name = "renamed"
    assert data.annotations.value() == second


def test_a_layer_that_turns_out_to_be_the_prediction_is_let_go(
    model: ViewerModel, open_docks: Any, qtbot: Any
) -> None:
    docks = open_docks()
    data, workspace = training_set(docks), docks.train.workspace
    model.add_image(np.zeros(SHAPE, np.uint8), name="em")
    workspace.prediction = model.add_labels(np.ones(SHAPE, np.uint8), name="predicted")
    assert data.annotations.value() is None
    cells = model.add_labels(np.ones(SHAPE, np.uint8), name="cells")
    assert data.annotations.value() == cells


def test_live_training_makes_annotations_beside_a_prediction(
    model: ViewerModel, open_docks: Any, qtbot: Any
) -> None:
    train = open_docks().train
    model.add_image(np.zeros(SHAPE, np.uint8), name="em")
    model.add_labels(np.ones(SHAPE, np.uint8), name="t", metadata={PREDICTED: [0]})
    started: list[str] = []
    train.start = lambda title, *_work, **_options: started.append(title)
    train.live_button.click()
    qtbot.waitUntil(lambda: bool(started), timeout=30_000)
    assert started == ["Training U-Net live"]
    assert train.workspace.annotations.name == "annotations"
    assert not train.workspace.annotations.data.any()
    train.live.end()


def test_a_model_file_that_is_opened_is_the_model_of_all_docks(
    open_docks: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    docks = open_docks()
    for name, dock in (("a", docks.predict.model), ("b", docks.train.start_from)):
        path = tmp_path / f"{name}.safetensors"
        monkeypatch.setattr(
            QFileDialog, "getOpenFileName", lambda *_, path=path: (str(path), "")
        )
        dock._on_file()
        assert dock.value() == docks.predict.model.value() == path
        assert docks.train.workspace.model == path


def test_of_labels_only_the_painted_slices_are_copied(model: ViewerModel) -> None:
    layer = model.add_labels(np.zeros(SHAPE, np.uint16))
    layer.data[1, 2:5, 3:9] = 4
    taken = painted_slices(layer)
    assert taken.slices.tolist() == [1]
    np.testing.assert_array_equal(taken, layer.data)
    layer.data[1] = 0
    assert taken[1].max() == 4
