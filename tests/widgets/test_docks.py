"""Load, Predict and Scores with what users really give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_unet.config import UNetConfig
from napari_unet.model.checkpoint import Model, ModelCard, save_model
from napari_unet.model.unet import UNet


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = UNetConfig(base_channels=2, depth=2)
    path = tmp_path / "model.safetensors"
    save_model(path, Model(UNet(config), ModelCard(network=config)))
    return path


def test_a_text_file_named_tif_is_told_in_one_sentence(
    dock: Any, finish: Any, tmp_path: Path
) -> None:
    path = tmp_path / "notes.tif"
    path.write_text("not an image")
    dock.load.rows["image"].setValue(path)
    dock.load.run_button.click()
    finish(dock.load)
    assert "notes.tif" in dock.load.status.text()
    assert "\n" not in dock.load.status.text()


def test_labels_of_another_shape_are_refused(
    dock: Any, files: Any, finish: Any, tmp_path: Path, viewer: Any
) -> None:
    from napari_unet.data.stack import write_stack

    write_stack(tmp_path / "small.tif", np.ones((6, 20, 20), np.uint8))
    dock.load.rows["image"].setValue(files.image)
    dock.load.rows["annotations"].setValue(tmp_path / "small.tif")
    dock.load.run_button.click()
    finish(dock.load)
    assert "choose labels of this image" in dock.load.status.text()


def test_a_pickle_is_refused_as_a_model(
    loaded: Any, finish: Any, tmp_path: Path
) -> None:
    path = tmp_path / "model.pt"
    torch.save({"a": torch.zeros(1)}, path)
    loaded.predict.model.setValue(path)
    loaded.predict.run_button.click()
    finish(loaded.predict)
    assert "pickle" in loaded.predict.status.text()


def test_the_current_slice_alone_is_predicted_and_scored(
    loaded: Any, viewer: Any, finish: Any, model: Path
) -> None:
    loaded.predict.model.setValue(model)
    for z in (2, 4):
        viewer.dims.set_current_step(0, z)
        loaded.predict.run_button.click()
        finish(loaded.predict)
    layer = viewer.layers["em prediction"]
    assert layer.metadata["napari_unet_slices"] == [2, 4]
    loaded.scores.run_button.click()
    finish(loaded.scores)
    assert [row.slice for row in loaded.scores.scores.slices] == [2, 4]


def test_a_single_image_is_predicted_into_two_dimensions(
    dock: Any, viewer: Any, finish: Any, model: Path
) -> None:
    image = viewer.add_image(
        np.random.default_rng(0).random((40, 50)), scale=(4, 4), name="one"
    )
    dock.predict.image.setValue(image)
    dock.predict.model.setValue(model)
    dock.predict.run_button.click()
    finish(dock.predict)
    layer = viewer.layers["one prediction"]
    assert layer.data.shape == (40, 50)
    np.testing.assert_allclose(layer.scale, (4, 4))


def test_stopping_a_prediction_keeps_the_slices_done(
    loaded: Any, viewer: Any, finish: Any, model: Path, qtbot: Any
) -> None:
    loaded.predict.model.setValue(model)
    loaded.predict.extent.setCurrentText("whole stack")
    loaded.predict.run_button.click()
    loaded.predict.run_button.click()
    finish(loaded.predict)
    layer = viewer.layers["em prediction"]
    assert 1 <= len(layer.metadata["napari_unet_slices"]) < 6


def test_removing_the_prediction_while_it_fills_harms_nothing(
    loaded: Any, viewer: Any, finish: Any, model: Path, qtbot: Any
) -> None:
    loaded.predict.model.setValue(model)
    loaded.predict.extent.setCurrentText("whole stack")
    loaded.predict.run_button.click()
    qtbot.waitUntil(lambda: "em prediction" in viewer.layers, timeout=60_000)
    viewer.layers.remove("em prediction")
    finish(loaded.predict)
    assert loaded.predict.run_button.isEnabled()


def test_renamed_and_removed_layers_are_followed(loaded: Any, viewer: Any) -> None:
    viewer.layers["em"].name = "renamed"
    box = loaded.train.image
    assert box.currentText() == "renamed"
    viewer.layers.remove("renamed")
    assert box.value() is None
    assert loaded.train.workspace.image is None


def test_scores_need_two_layers(loaded: Any, viewer: Any) -> None:
    scores = loaded.scores
    scores.prediction.setValue(viewer.layers["truth"])
    scores.truth.setValue(viewer.layers["truth"])
    assert not scores.run_button.isEnabled()
    assert "different layers" in scores.run_button.toolTip()


def test_closing_a_dock_lets_go_of_the_viewer(dock: Any, viewer: Any) -> None:
    viewer.window.remove_dock_widget("all")
    viewer.add_labels(np.zeros((4, 4), np.uint8))
    viewer.layers.clear()
