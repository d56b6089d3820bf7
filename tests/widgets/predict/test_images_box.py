"""All images are predicted one after the other; what comes next is a button away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_unet.config import UNetConfig
from napari_unet.model.checkpoint import Model, ModelCard, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.widgets.layers.marks import REVIEWED, ROLE
from napari_unet.widgets.layers.roles import Role


@pytest.fixture
def predict(dock: Any, viewer: Any, tmp_path: Path) -> Any:
    """The Predict tab with a small model and three images, of which one is none."""
    torch.manual_seed(0)
    config = UNetConfig(base_channels=2, depth=2)
    path = tmp_path / "model.safetensors"
    save_model(path, Model(UNet(config), ModelCard(network=config)))
    rng = np.random.default_rng(0)
    for name, shape in {
        "a": (32, 40),
        "film": (2, 3, 32, 40),
        "b": (2, 48, 40),
    }.items():
        data = rng.integers(0, 255, shape, np.uint8)
        viewer.add_image(data, name=name, metadata={ROLE: Role.IMAGE})
    dock.predict.model.setValue(path)
    return dock.predict


def wait(predict: Any, qtbot: Any) -> None:
    images = predict.images
    qtbot.waitUntil(lambda: images._now is None and not predict.running, timeout=60_000)


def cells(images: Any) -> list[list[str]]:
    images.refresh()
    columns = images.table._rows.columns
    return [[column.text(row) for column in columns[1:]] for row in images.table.rows()]


def test_all_images_are_predicted_and_one_failure_is_told_at_the_end(
    predict: Any, viewer: Any, qtbot: Any, project: Any
) -> None:
    images = predict.images
    painted = np.zeros((2, 48, 40), np.uint8)
    painted[1, 5:9] = 2
    viewer.add_labels(painted, name="strokes", metadata={ROLE: Role.ANNOTATIONS})
    assert cells(images) == [
        ["a", "", "", "", ""],
        ["film", "", "", "", ""],
        ["b", "✓", "", "", ""],
    ]
    images.run_button.click()
    wait(predict, qtbot)
    assert "2 of 3 images predicted" in predict.status.text()
    assert "film: The layer film has 4 dimensions" in predict.status.text()
    assert predict.status.level == "error"
    predictions = {one.name for one in viewer.layers if "prediction" in one.name}
    assert predictions == {"a prediction", "b prediction"}
    viewer.layers["b prediction"].metadata[REVIEWED] = {"objects": "", "slices": "1:a"}
    assert [row[1:4] for row in cells(images)] == [
        ["", "✓", ""],
        ["", "", ""],
        ["✓", "✓", "1/2"],
    ]
    project.predictions.now()
    qtbot.waitUntil(lambda: cells(images)[0][4] != "", timeout=10_000)


def test_stop_ends_all_of_it_and_a_tick_leaves_an_image_out(
    predict: Any, viewer: Any, qtbot: Any
) -> None:
    images = predict.images
    images.refresh()
    images.table.rows()[1].used = False
    images.run_button.click()
    predict.run_button.click()
    wait(predict, qtbot)
    assert "Stopped. 0 of 0 images" in predict.status.text()
    assert "b prediction" not in viewer.layers


def test_measuring_and_proofreading_open_on_the_prediction(
    predict: Any, viewer: Any, finish: Any, qtbot: Any
) -> None:
    assert predict.next.isHidden()
    predict.predict_layer(viewer.layers["b"])
    finish(predict)
    labels = viewer.layers["b prediction"]
    for other in ("a", "b"):
        viewer.add_labels(np.zeros(viewer.layers[other].data.shape, int), name=other)
    predict.next.measure_button.click()
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Measure")
    assert (dock.labels.value(), dock.image.value()) == (labels, viewer.layers["b"])
    predict.next.proofread_button.click()
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Proofread")
    assert dock.labels.value() == labels
    qtbot.waitUntil(lambda: not dock._job.running, timeout=20_000)
