"""Load, Predict and Scores with what users really give them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_unet.config import PredictConfig, UNetConfig
from napari_unet.model.checkpoint import Model, ModelCard, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.train.checkpoints import title


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = UNetConfig(base_channels=2, depth=2)
    path = tmp_path / "model.safetensors"
    save_model(path, Model(UNet(config), ModelCard(network=config)))
    return path


@pytest.mark.one_binding
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


@pytest.mark.one_binding
def test_labels_of_another_shape_are_refused(
    dock: Any, files: Any, finish: Any, tmp_path: Path, viewer: Any
) -> None:
    from napari_unet.data.write import write_stack

    write_stack(tmp_path / "small.tif", np.ones((6, 20, 20), np.uint8))
    dock.load.rows["image"].setValue(files.image)
    dock.load.rows["annotations"].setValue(tmp_path / "small.tif")
    dock.load.run_button.click()
    finish(dock.load)
    assert "choose labels of this image" in dock.load.status.text()


@pytest.mark.one_binding
def test_a_pickle_is_refused_as_a_model(
    loaded: Any, finish: Any, tmp_path: Path
) -> None:
    path = tmp_path / "model.pt"
    torch.save({"a": torch.zeros(1)}, path)
    loaded.predict.model.setValue(path)
    loaded.predict.run_button.click()
    finish(loaded.predict)
    assert "pickle" in loaded.predict.status.text()


@pytest.mark.one_binding
def test_the_current_slice_alone_is_predicted_and_scored(
    loaded: Any, viewer: Any, finish: Any, model: Path
) -> None:
    loaded.predict.model.setValue(model)
    for z in (2, 4):
        viewer.dims.set_current_step(0, z)
        loaded.predict.run_button.click()
        finish(loaded.predict)
    layer = viewer.layers["prediction"]
    assert layer.metadata["napari_unet_slices"] == [2, 4]
    loaded.scores.run_button.click()
    finish(loaded.scores)
    assert [row.slice for row in loaded.scores.scores.slices] == [2, 4]


@pytest.mark.one_binding
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
    layer = viewer.layers["prediction"]
    assert layer.data.shape == (40, 50)
    np.testing.assert_allclose(layer.scale, (4, 4))


def stop_at_the_first_tile(predict: Any, viewer: Any) -> None:
    viewer.layers.events.inserted.connect(lambda _event: predict.run_button.click())


def test_removing_the_prediction_while_it_fills_harms_nothing(
    loaded: Any, viewer: Any, finish: Any, model: Path, qtbot: Any
) -> None:
    loaded.predict.model.setValue(model)
    loaded.predict.extent.setCurrentText("whole stack")
    loaded.predict.run_button.click()
    qtbot.waitUntil(lambda: "prediction" in viewer.layers, timeout=60_000)
    viewer.layers.remove("prediction")
    finish(loaded.predict)
    assert loaded.predict.run_button.isEnabled()
    assert loaded.predict.workspace.prediction is None


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


@pytest.mark.one_binding
def test_what_the_user_corrected_is_never_overwritten(
    loaded: Any, viewer: Any, finish: Any, model: Path
) -> None:
    loaded.predict.model.setValue(model)
    loaded.predict.extent.setCurrentText("whole stack")
    loaded.predict.run_button.click()
    finish(loaded.predict)
    first = viewer.layers["prediction"]
    first.data_setitem((np.array([0]), np.array([0]), np.array([0])), 7)
    corrected = first.data.copy()
    loaded.predict.run_button.click()
    finish(loaded.predict)
    np.testing.assert_array_equal(first.data, corrected)
    assert loaded.predict.workspace.prediction != first


@pytest.mark.one_binding
def test_slices_of_two_models_never_share_a_layer(
    loaded: Any, viewer: Any, finish: Any, model: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.safetensors"
    other.write_bytes(model.read_bytes())
    for z, path in ((2, model), (3, other)):
        loaded.predict.model.setValue(path)
        viewer.dims.set_current_step(0, z)
        loaded.predict.run_button.click()
        finish(loaded.predict)
    layer = viewer.layers["prediction"]
    assert layer.metadata["napari_unet_slices"] == [3]
    assert not layer.data[2].any()


@pytest.mark.one_binding
def test_stopping_a_prediction_keeps_the_slices_done_and_no_fragment(
    loaded: Any, viewer: Any, finish: Any, model: Path, qtbot: Any
) -> None:
    predict = loaded.predict
    predict.model.setValue(model)
    predict.extent.setCurrentText("whole stack")
    # Slow enough to be stopped on any machine.
    predict.settings.setValue(PredictConfig(tile_size=16, average=True))
    stop_at_the_first_tile(predict, viewer)
    predict.run_button.click()
    finish(predict)
    done = viewer.layers["prediction"].metadata["napari_unet_slices"]
    assert predict.status.text().startswith("Stopped after tile")
    words = predict.status.text().split()
    tiles, total = int(words[3]), int(words[5])
    assert total > 6, "several tiles for each of 6 slices"
    assert len(done) == tiles // (total // 6)


@pytest.mark.parametrize(
    ("axes", "kept"),
    # Layers share the sliders of their last axes: channels before Y keep their place.
    [("cyx", "yx"), ("czyx", "zyx"), ("zcyx", "zcyx")],
)
@pytest.mark.one_binding
def test_labels_of_an_image_with_channels_lie_on_all_of_them(
    dock: Any, viewer: Any, finish: Any, tmp_path: Path, axes: str, kept: str
) -> None:
    config = UNetConfig(base_channels=2, depth=2, in_channels=2)
    path = tmp_path / "two.safetensors"
    save_model(path, Model(UNet(config), ModelCard(network=config)))
    sizes = {"c": 2, "z": 3, "y": 32, "x": 48}
    scales = {"c": 1, "z": 50, "y": 4, "x": 4}
    image = viewer.add_image(
        np.random.default_rng(0).random([sizes[letter] for letter in axes]),
        scale=[scales[letter] for letter in axes],
        axis_labels=tuple(axes),
        name="channels",
    )
    dock.predict.image.setValue(image)
    dock.predict.model.setValue(path)
    dock.predict.extent.setCurrentText("whole stack")
    dock.predict.run_button.click()
    finish(dock.predict)
    layer = viewer.layers["prediction"]
    # One channel, as long as the two of the image.
    sizes["c"], scales["c"] = 1, 2
    assert layer.data.shape == tuple(sizes[letter] for letter in kept)
    np.testing.assert_allclose(layer.scale, [scales[letter] for letter in kept])


@pytest.mark.one_binding
def test_a_prediction_lies_on_a_turned_image(
    dock: Any, viewer: Any, finish: Any, model: Path
) -> None:
    image = viewer.add_image(
        np.random.default_rng(0).random((2, 40, 48)),
        scale=(30, 8, 8),
        translate=(100, 50, -70),
        rotate=30,
        name="turned",
    )
    dock.predict.image.setValue(image)
    dock.predict.model.setValue(model)
    dock.predict.extent.setCurrentText("whole stack")
    dock.predict.run_button.click()
    finish(dock.predict)
    layer = viewer.layers["prediction"]
    corner = (1, 39, 47)
    np.testing.assert_allclose(layer.data_to_world(corner), image.data_to_world(corner))


@pytest.mark.one_binding
def test_an_image_with_several_resolutions_is_predicted_at_the_finest(
    dock: Any, viewer: Any, finish: Any, model: Path
) -> None:
    data = np.random.default_rng(0).random((64, 64))
    image = viewer.add_image([data, data[::2, ::2]], multiscale=True, name="pyramid")
    dock.predict.image.setValue(image)
    dock.predict.model.setValue(model)
    dock.predict.run_button.click()
    finish(dock.predict)
    assert viewer.layers["prediction"].data.shape == (64, 64)


def test_scores_go_when_their_layers_change(
    loaded: Any, viewer: Any, finish: Any
) -> None:
    loaded.scores.prediction.setValue(viewer.layers["annotations"])
    loaded.scores.truth.setValue(viewer.layers["truth"])
    loaded.scores.run_button.click()
    finish(loaded.scores)
    assert loaded.scores.table.rows()
    loaded.scores.prediction.setValue(viewer.layers["truth"])
    assert not loaded.scores.table.rows()
    assert not loaded.scores.save_button.isEnabled()


@pytest.mark.one_binding
def test_what_is_tuned_in_the_weights_dock_is_trained_with(loaded: Any) -> None:
    tuned = loaded.weights.settings
    tuned.setValue(tuned.value().model_copy(update={"w0": 12}))
    assert loaded.train.settings().weight_map.w0 == 12
    form = loaded.train.forms["weight_map"]
    form.setValue(form.value().model_copy(update={"sigma": 2.57, "w0": 200}))
    assert tuned.value().sigma == pytest.approx(2.57, abs=0.1)
    assert loaded.train.settings().weight_map.sigma == 2.57
    assert loaded.train.settings().weight_map.w0 == 200


def test_docks_do_not_push_the_window_off_a_small_screen(viewer: Any) -> None:
    viewer.window.resize(1280, 800)
    for name in ("Train", "Predict", "Scores"):
        _, widget = viewer.window.add_plugin_dock_widget("napari-unet-em", name)
        assert widget.minimumSizeHint().height() < 200


def test_models_of_one_image_are_told_apart_by_their_time() -> None:
    first = Path("runs/2026-11-23-071020-em/best.safetensors")
    second = Path("runs/2026-11-23-081020-em/best.safetensors")
    assert title(first) == "07:10 em, 11-23 (best)"
    assert title(second)[:5] == "08:10"
    assert title(Path("models/mine.safetensors")) == "mine, models"


def test_loading_says_which_file_is_read(dock: Any, files: Any, finish: Any) -> None:
    dock.load.rows["image"].setValue(files.image)
    dock.load.rows["truth"].setValue(files.truth)
    said: list[tuple[str, int]] = []
    dock.load.run_button.click()
    bar, status = dock.load.bar, dock.load.status
    dock.load.job.stepped.connect(lambda _: said.append((status.text(), bar.value())))
    finish(dock.load)
    assert said[0] == ("Reading em.tif ...", 0)
    assert any("Reading truth.tif" in words and share > 0 for words, share in said)
    assert "Reading" not in status.text()
