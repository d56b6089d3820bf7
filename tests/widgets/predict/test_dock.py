"""The Predict dock: what is chosen under More, and numbered objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from napari_unet.config import PostprocessConfig, PredictConfig, UNetConfig
from napari_unet.data.annotation import connected_objects
from napari_unet.data.fingerprint import fingerprint
from napari_unet.model.card import keep_finish, keep_threshold
from napari_unet.model.checkpoint import Model, ModelCard, load_model, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.made_by import MadeBy
from napari_unet.predict.rescale import RescaledPredictor
from napari_unet.starters import STARTERS
from napari_unet.widgets.layers.arrays import image_stack
from napari_unet.widgets.layers.maps import maps_of
from napari_unet.widgets.layers.marks import PREDICTED, made_by, untouched


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    config = UNetConfig(base_channels=2, depth=2)
    path = tmp_path / "model.safetensors"
    save_model(path, Model(UNet(config), ModelCard(network=config)))
    return path


@pytest.fixture
def predict(loaded: Any, model: Path) -> Any:
    loaded.predict.model.setValue(model)
    return loaded.predict


def number(predict: Any, **options: Any) -> None:
    every = {"objects": "connected", "min_size": 0}
    predict.finish.setValue(PostprocessConfig(**{**every, **options}))


@pytest.mark.one_binding
def test_by_default_nothing_is_changed(predict: Any) -> None:
    assert predict.value() == PredictConfig()
    assert predict.finish.value() == PostprocessConfig()


def test_what_is_chosen_under_more_is_predicted_with(predict: Any) -> None:
    expected = PredictConfig(
        threshold=0.35, tile_size=512, batch_size=2, average=True, device="cpu"
    )
    predict.settings.setValue(expected)
    assert predict.value() == expected


@pytest.mark.one_binding
def test_objects_take_the_place_of_the_classes(
    predict: Any, viewer: Any, finish: Any
) -> None:
    predict.extent.setCurrentText("whole stack")
    predict.run_button.click()
    finish(predict)
    classes = viewer.layers["prediction"].data.copy()
    number(predict)
    predict.run_button.click()
    finish(predict)
    layer = viewer.layers["prediction"]
    assert layer.data.dtype == np.uint16
    np.testing.assert_array_equal(layer.data, connected_objects(classes > 0))
    assert layer.data.max() > 6
    assert f"{layer.data.max():,} objects" in predict.status.text()
    assert predict.workspace.prediction == layer


@pytest.mark.parametrize("extent", ["current slice", "whole stack"])
@pytest.mark.one_binding
def test_nothing_is_predicted_on_the_info_bar_that_the_load_tab_was_told(
    loaded: Any, predict: Any, viewer: Any, finish: Any, extent: str
) -> None:
    loaded.load.info_bar.rows.setValue(30)
    predict.extent.setCurrentText(extent)
    predict.probabilities.setChecked(True)
    predict.run_button.click()
    finish(predict)
    layer = viewer.layers["prediction"]
    assert layer.data.shape == viewer.layers["em"].data.shape
    assert layer.data[:, :-30].any()
    assert not layer.data[:, -30:].any()
    shown = viewer.dims.current_step[0]
    slices = [*range(len(layer.data))] if extent == "whole stack" else [shown]
    assert layer.metadata[PREDICTED] == slices
    (likely,) = maps_of(viewer, layer)
    assert not np.asarray(likely.data)[:, -30:].any()
    assert likely.metadata[PREDICTED] == slices


@pytest.mark.one_binding
def test_objects_of_single_slices_keep_their_numbers_apart(
    predict: Any, viewer: Any, finish: Any
) -> None:
    number(predict, min_size=4)
    for z in (1, 3):
        viewer.dims.set_current_step(0, z)
        predict.run_button.click()
        finish(predict)
    data = viewer.layers["prediction"].data
    numbers = [set(np.unique(data[z])) - {0} for z in (1, 3)]
    assert all(numbers)
    assert not numbers[0] & numbers[1]
    assert set(np.unique(data)) == set(range(len(numbers[0] | numbers[1]) + 1))


@pytest.mark.one_binding
def test_classes_and_objects_never_share_a_layer(
    predict: Any, viewer: Any, finish: Any
) -> None:
    for z, prepare in ((1, lambda: None), (3, lambda: number(predict))):
        prepare()
        viewer.dims.set_current_step(0, z)
        predict.run_button.click()
        finish(predict)
    layer = viewer.layers["prediction"]
    assert layer.metadata["napari_unet_slices"] == [3]
    assert not layer.data[1].any()


@pytest.mark.one_binding
def test_a_single_image_gets_objects_in_two_dimensions(
    dock: Any, viewer: Any, finish: Any, model: Path
) -> None:
    values = np.random.default_rng(0).random((40, 50))
    dock.predict.image.setValue(viewer.add_image(values, name="one"))
    dock.predict.model.setValue(model)
    number(dock.predict)
    dock.predict.run_button.click()
    finish(dock.predict)
    assert viewer.layers["prediction"].data.shape == (40, 50)
    assert viewer.layers["prediction"].data.max() > 1


@pytest.mark.one_binding
def test_a_full_memory_is_told_in_the_dock_and_the_result_is_whole(
    predict: Any, viewer: Any, finish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forward(self: UNet, image: torch.Tensor) -> torch.Tensor:
        if image.numel() > 90 * 90:
            raise torch.OutOfMemoryError("out of memory")
        return plain(self, image)

    plain = UNet.forward
    monkeypatch.setattr(UNet, "forward", forward)
    predict.extent.setCurrentText("whole stack")
    predict.run_button.click()
    finish(predict)
    assert "is full: tiles now of" in predict.status.text()
    layer = viewer.layers["prediction"]
    assert layer.metadata["napari_unet_slices"] == list(range(6))
    assert layer.data.any(axis=(1, 2)).all()


def test_the_dock_reads_well_when_narrow(predict: Any) -> None:
    assert predict.minimumSizeHint().width() <= 360


def test_a_prediction_into_a_layer_is_one_step_back_to_what_was_there(
    predict: Any, viewer: Any, finish: Any
) -> None:
    predict.extent.setCurrentText("whole stack")
    states = []
    for objects in ("no", "connected"):
        predict.finish.setValue(PostprocessConfig(objects=objects))
        predict.run_button.click()
        finish(predict)
        states.append(viewer.layers["prediction"].data.copy())
    layer = viewer.layers["prediction"]
    assert not np.array_equal(*states)
    layer.undo()
    np.testing.assert_array_equal(layer.data, states[0])
    layer.redo()
    np.testing.assert_array_equal(layer.data, states[1])


@pytest.mark.one_binding
def test_after_an_undo_the_next_prediction_takes_the_same_layer(
    predict: Any, viewer: Any, finish: Any
) -> None:
    for z in (1, 3):
        viewer.dims.set_current_step(0, z)
        predict.run_button.click()
        finish(predict)
    layer = viewer.layers["prediction"]
    layer.undo()
    assert layer.data[1].any()
    assert not layer.data[3].any()
    viewer.dims.set_current_step(0, 4)
    predict.run_button.click()
    finish(predict)
    assert layer.data[1].any()
    assert layer.data[4].any()
    assert layer.metadata["napari_unet_slices"] == [1, 4]
    assert "prediction [1]" not in viewer.layers


@pytest.mark.one_binding
def test_what_was_corrected_by_hand_is_never_predicted_over(
    predict: Any, viewer: Any, finish: Any
) -> None:
    predict.run_button.click()
    finish(predict)
    layer = viewer.layers["prediction"]
    layer.paint((0, 20, 20), 5)
    corrected = layer.data.copy()
    predict.run_button.click()
    finish(predict)
    np.testing.assert_array_equal(layer.data, corrected)
    assert "prediction [1]" in viewer.layers


@pytest.mark.one_binding
def test_slices_after_a_correction_share_one_new_layer(
    predict: Any, viewer: Any, finish: Any
) -> None:
    for z in range(4):
        viewer.dims.set_current_step(0, z)
        predict.run_button.click()
        finish(predict)
        if z == 0:
            viewer.layers["prediction"].paint((0, 20, 20), 5)
    names = [one.name for one in viewer.layers if "prediction" in one.name]
    assert names == ["prediction", "prediction [1]"]
    predicted = viewer.layers["prediction [1]"]
    assert predicted.metadata["napari_unet_slices"] == [1, 2, 3]
    predicted.name = "the user keeps it"
    predict.run_button.click()
    finish(predict)
    assert "prediction [1]" in viewer.layers


@pytest.fixture
def sized(tmp_path: Path) -> Path:
    """A model that learnt on pixels half as large as those of the image."""
    config = UNetConfig(base_channels=2, depth=2)
    path = tmp_path / "sized.safetensors"
    card = ModelCard(network=config, pixel_size=(50, 2, 2), unit="nm")
    save_model(path, Model(UNet(config), card))
    return path


def place(layer: Any) -> None:
    layer.scale, layer.units = (50, 4, 4), ("nm",) * 3


@pytest.mark.one_binding
def test_another_pixel_size_is_warned_of_and_rescaled_on_a_click(
    predict: Any, viewer: Any, finish: Any, sized: Path
) -> None:
    assert predict.sizes.isHidden()
    assert predict.rescale.isHidden()
    place(viewer.layers["em"])
    predict.model.setValue(sized)
    assert not predict.rescale.isHidden()
    assert "trained on pixels of 2 nm, this image has 4 nm" in predict.sizes.text()
    assert "the mask will be poor" in predict.sizes.text()
    predict.rescale.setChecked(True)
    assert "the mask will be poor" not in predict.sizes.text()
    predict.run_button.click()
    finish(predict)
    layer = viewer.layers["prediction"]
    (z,) = layer.metadata["napari_unet_slices"]
    image = image_stack(viewer.layers["em"]).slices(str(z)).as_czyx()
    expected = RescaledPredictor(load_model(sized), (1, 2, 2)).predict(image)
    np.testing.assert_array_equal(layer.data[z], expected.labels[0])


@pytest.mark.one_binding
def test_a_single_image_is_rescaled_tile_by_tile(
    dock: Any, viewer: Any, finish: Any, sized: Path
) -> None:
    values = np.random.default_rng(0).random((40, 50))
    layer = viewer.add_image(values, name="one", scale=(4, 4), units=("nm",) * 2)
    dock.predict.image.setValue(layer)
    dock.predict.model.setValue(sized)
    dock.predict.settings.setValue(PredictConfig(tile_size=16, device="cpu"))
    dock.predict.rescale.setChecked(True)
    dock.predict.run_button.click()
    finish(dock.predict)
    assert dock.predict.status.text().startswith("Done")
    expected = RescaledPredictor(load_model(sized), (1, 2, 2))
    predicted = viewer.layers["prediction"].data
    np.testing.assert_array_equal(
        predicted, expected.predict(values[None, None]).labels[0]
    )


def test_a_broken_model_file_is_told_by_the_run_alone(
    predict: Any, tmp_path: Path, finish: Any
) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    predict.model.setValue(tmp_path / "broken.safetensors")
    assert predict.sizes.isHidden()
    predict.run_button.click()
    finish(predict)
    assert "broken.safetensors is no model file" in predict.status.text()


@pytest.mark.one_binding
def test_the_threshold_of_a_model_is_shown_and_counts(
    predict: Any, viewer: Any, finish: Any, model: Path
) -> None:
    assert predict.threshold.isHidden()
    keep_threshold(model, 0.42)
    predict.workspace.model = model
    assert predict.threshold.text() == "Threshold: 0.42 (of the model)"
    predict.probabilities.setChecked(True)
    predict.run_button.click()
    finish(predict)
    layer, likely = viewer.layers["prediction"], viewer.layers["probability"]
    np.testing.assert_array_equal(layer.data[0] > 0, likely.data[0] > 0.42)
    predict.settings.setValue(PredictConfig(threshold=0.3))
    assert "your own; the model keeps 0.42" in predict.threshold.text()
    predict.run_button.click()
    finish(predict)
    np.testing.assert_array_equal(layer.data[0] > 0, likely.data[0] > 0.3)


@pytest.mark.one_binding
def test_what_a_model_keeps_is_shown_and_numbers_objects(
    predict: Any, viewer: Any, finish: Any, model: Path
) -> None:
    kept = PostprocessConfig(objects="watershed", neck=0.6)
    keep_finish(model, None, kept, "numbered objects: so it was taught")
    predict.workspace.model = model
    words = "Numbered objects, split at necks below 0.6"
    assert predict.threshold.text() == f"{words} (of the model)"
    predict.run_button.click()
    finish(predict)
    layer = viewer.layers["prediction"]
    assert layer.data.max() > 1
    assert made_by(layer).finish == kept.settled()
    assert "so it was taught" in predict.status.text()
    predict.finish.setValue(PostprocessConfig(objects="no"))
    assert predict.threshold.text() == "A mask of classes (your own)"
    predict.run_button.click()
    finish(predict)
    assert viewer.layers["prediction"].data.max() == 1
    assert "so it was taught" not in predict.status.text()


def test_necks_can_be_set_where_the_model_splits_objects(
    predict: Any, model: Path
) -> None:
    neck = predict.finish._editors["neck"].native
    assert not neck.isEnabled()
    keep_finish(model, None, PostprocessConfig(objects="watershed"))
    predict.workspace.model = model
    assert neck.isEnabled()


@pytest.mark.one_binding
def test_a_prediction_knows_model_threshold_and_image(
    predict: Any, viewer: Any, finish: Any, model: Path
) -> None:
    predict.probabilities.setChecked(True)
    for z in (1, 3):
        viewer.dims.set_current_step(0, z)
        predict.run_button.click()
        finish(predict)
    layer = viewer.layers["prediction"]
    stack = image_stack(viewer.layers["em"])
    expected = MadeBy(model, "em", image=fingerprint(stack.as_czyx()), slices=(1, 3))
    assert made_by(layer) == untouched(layer) == expected
    (likely,) = maps_of(viewer, layer)
    assert likely.metadata["napari_unet_slices"] == [1, 3]
    assert likely.data[1].any()
    layer.data_setitem((np.array([0]), np.array([0]), np.array([0])), 1)
    assert untouched(layer) is None
    assert made_by(layer) == expected


def test_a_prediction_again_can_be_taken_back_by_its_own_button(
    predict: Any, viewer: Any, finish: Any
) -> None:
    seen = []
    predict.workspace.events.busy.connect(seen.append)
    viewer.dims.set_current_step(0, 1)
    assert "1 slice of 96 x 112" in predict.cost.text()
    predict.run_button.click()
    finish(predict)
    assert seen == ["predicting", ""]
    assert "Score it" in predict.status.text()
    assert predict.status.action_button.isHidden(), "nothing was there before"
    layer = predict.workspace.prediction
    first = layer.data.copy()
    assert " at the last speed" in predict.cost.text()
    viewer.dims.set_current_step(0, 3)
    predict.run_button.click()
    finish(predict)
    assert not predict.status.action_button.isHidden()
    viewer.layers.selection.active = viewer.layers["em"]
    predict.status.action_button.click()
    np.testing.assert_array_equal(layer.data, first)
    assert layer.metadata["napari_unet_slices"] == [1]
    assert predict.status.text() == "Taken back."


def test_objects_are_a_choice_at_first_sight_with_the_size_that_counts(
    predict: Any, model: Path
) -> None:
    objects = predict.finish._editors["objects"].native
    least = predict.finish._editors["min_size"].native
    assert all(one.parent() is not predict.finish for one in (objects, least))
    assert objects.currentText() == "as the model"
    assert least.text() == "auto (0)", "a mask of classes"
    predict.finish.setValue(PostprocessConfig(objects="watershed"))
    assert least.text() == "auto (10)"
    keep_finish(model, None, PostprocessConfig(objects="connected", min_size=4))
    predict.finish.setValue(PostprocessConfig())
    predict.workspace.model = model
    assert least.text() == "auto (4)"
    least.setValue(7)
    assert predict.finish.value() == PostprocessConfig(min_size=7)


def test_what_was_chosen_is_copied_as_a_command(dock: Any, viewer: Any) -> None:
    from qtpy.QtWidgets import QApplication

    viewer.add_image(np.zeros((3, 40, 40), np.uint8), name="em")
    part = dock.predict
    part.model.setValue(STARTERS[0].path)
    part.extent.setCurrentText("whole stack")
    part.copy_button.click()
    words = QApplication.clipboard().text()
    assert words.startswith("napari-unet predict ")
    assert words.endswith("em.tif --out em-prediction.tif")
    part.extent.setCurrentText("current slice")
    viewer.dims.set_current_step(0, 2)
    part.copy_button.click()
    assert QApplication.clipboard().text().endswith("--slices 2:3")


def test_an_image_that_is_exchanged_ends_its_prediction_and_the_dock_says_so(
    predict: Any, viewer: Any, finish: Any, qtbot: Any
) -> None:
    predict.extent.setCurrentText("whole stack")
    predict.settings.setValue(PredictConfig(tile_size=16))
    predict.run_button.click()
    qtbot.waitUntil(lambda: predict.bar.value() > 0, timeout=60_000)
    viewer.layers["em"].data = np.zeros((2, 5, 5), np.uint8)
    finish(predict)
    assert "Stopped after tile" in predict.status.text()
    assert "em has other data now: predict again." in predict.status.text()
