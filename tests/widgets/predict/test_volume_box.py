"""A volume on disk is predicted to disk from the Predict dock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from dask.array import Array

from napari_unet.config import EngineConfig, PostprocessConfig, UNetConfig
from napari_unet.data.ome_zarr import open_volume
from napari_unet.data.ome_zarr_writer import create_image, planned
from napari_unet.data.pyramid import fill_pyramid
from napari_unet.data.volume import write_box
from napari_unet.model import compiled
from napari_unet.model.checkpoint import Model, ModelCard, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.predict import backend, blocks
from napari_unet.predict.engines import Waiting
from napari_unet.samples import em_stack
from napari_unet.score import volume_scoring
from napari_unet.widgets.layers.marks import SOURCE
from napari_unet.widgets.layers.roles import Role, role_of
from napari_unet.widgets.predict import volume_box
from napari_unet.widgets.scores import subject

pytest.importorskip("zarr")
SHAPE = (24, 600, 64)


@pytest.fixture
def volume(request: Any, tmp_path: Path) -> Path:
    """A volume as OME-Zarr, or in HDF5."""
    path = tmp_path / getattr(request, "param", "em.ome.zarr")
    grey = np.asarray(em_stack(SHAPE, seed=0)[0].data)
    if path.suffix == ".h5":
        with pytest.importorskip("h5py").File(path, "w") as file:
            held = file.create_dataset("raw", data=grey, chunks=(8, 64, 64))
            held.attrs["element_size_um"] = (0.05, 0.004, 0.004)
        return path
    levels = create_image(planned(path, "ZYX", SHAPE, np.uint8, (50, 4, 4), "nm"))
    write_box(levels[0], (slice(None),) * 3, grey)
    list(fill_pyramid(levels, labels=False))
    return path


@pytest.fixture
def predict(dock: Any, volume: Path, tmp_path: Path, finish: Any) -> Any:
    """The Predict dock with a small network, and a volume that Load has opened."""
    torch.manual_seed(0)
    config = UNetConfig(base_channels=2, depth=2)
    model = tmp_path / "model.safetensors"
    save_model(model, Model(UNet(config), ModelCard(network=config)))
    assert not dock.predict.volume.isVisibleTo(dock.predict)
    dock.load.rows["image"].setValue(volume)
    dock.load.run_button.click()
    finish(dock.load)
    dock.predict.model.setValue(model)
    return dock.predict


def test_a_volume_is_not_rescaled_and_a_box_that_is_hidden_is_not_ticked(
    predict: Any, viewer: Any, tmp_path: Path
) -> None:
    plain, path = predict.model.value(), tmp_path / "sized.safetensors"
    config = UNetConfig(base_channels=2, depth=2)
    card = ModelCard(network=config, pixel_size=(50, 2, 2), unit="nm")
    save_model(path, Model(UNet(config), card))
    button = predict.volume.run_button
    predict.model.setValue(path)
    predict.rescale.setChecked(True)
    assert predict.value().rescale
    assert "cannot be rescaled" in button.toolTip()
    predict.model.setValue(plain)
    assert predict.rescale.isHidden()
    assert not predict.value().rescale
    assert button.isEnabled()
    # The same where the image gets the pixels that the model learnt.
    predict.model.setValue(path)
    assert not button.isEnabled()
    predict.pixel_size.sizes.setText("50 2 2")
    predict.pixel_size.set_button.click()
    assert predict.rescale.isHidden()
    assert button.isEnabled()


def test_a_volume_is_predicted_to_disk_stopped_and_gone_on_with(
    predict: Any, viewer: Any, tmp_path: Path, qtbot: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(blocks, "BLOCK_VOXELS", 8 * 600 * 64)
    box = predict.volume
    assert box.isVisibleTo(predict)
    editors = box.engine._editors
    assert "This program works alone" in editors["workers"].native.toolTip()
    box.engine.setValue(EngineConfig(engine="dask"))
    assert editors["workers"].native.isEnabled()
    assert not editors["memory"].native.isEnabled()
    box.engine.setValue(EngineConfig())
    assert predict.run_button.isEnabled()
    with monkeypatch.context() as little_memory:
        little_memory.setattr(volume_box, "_BYTES_A_VOXEL", 10**9)
        predict.extent.setCurrentText("whole stack")
        predict.refresh()
        assert "take Predict volume ... below" in predict.run_button.toolTip()
        assert box.run_button.isEnabled()
    finish = {"objects": "connected", "core": 0, "min_size": 0, "follow_slices": True}
    predict.finish.setValue(PostprocessConfig(**finish))
    box.job.stepped.connect(lambda step: hasattr(step, "stage") and box.job.stop())
    box.run_button.click()
    qtbot.waitUntil(lambda: not box.running, timeout=60_000)
    assert "Stopped after" in box.status.text()
    assert "goes on with what is missing" in box.status.text()
    box.job.stepped.disconnect()
    box.job.stepped.connect(box.on_step)
    box.run_button.click()
    qtbot.waitUntil(lambda: not box.running, timeout=60_000)
    assert "Done in" in box.status.text()
    layer, image = viewer.layers["em-labels"], viewer.layers["em"]
    assert [one.shape for one in layer.data] == [one.shape for one in image.data]
    assert all(isinstance(one, Array) for one in layer.data)
    np.testing.assert_allclose(layer.scale, image.scale)
    assert np.asarray(layer.data[0]).max() > 1
    marks = tmp_path / "em-labels.ome.zarr.blocks" / "done.txt"
    assert marks.read_text(encoding="utf-8").count("predicted") == 3


@pytest.mark.parametrize("volume", ["em.h5"], indirect=True)
def test_what_was_predicted_to_disk_is_scored_all_at_once_or_in_parts(
    predict: Any, dock: Any, viewer: Any, finish: Any, monkeypatch: Any
) -> None:
    box = predict.volume
    assert box.isVisibleTo(predict)
    box.run_button.click()
    finish(box)
    layer, scores = viewer.layers["em-labels"], dock.scores
    assert role_of(layer) is Role.PREDICTION
    np.testing.assert_allclose(layer.scale, viewer.layers["em"].scale)
    assert [one.shape for one in layer.data] == [SHAPE, (24, 300, 32)]
    truth = np.roll(np.asarray(layer.data[0]) > 0, 3, axis=1).astype(np.uint8)
    viewer.add_labels(truth, name="truth", scale=layer.scale, units=layer.units)
    assert scores.prediction.value() == layer
    found = []
    for large in (False, True):
        monkeypatch.setattr(subject, "is_large", lambda *_, large=large: large)
        monkeypatch.setattr(volume_scoring, "_VOXELS", 5 * 600 * 64)
        scores.run_button.click()
        finish(scores)
        found.append(scores.scores.values())
    assert found[0] == pytest.approx(found[1])
    assert 0 < found[0]["iou"] < 1
    assert "the memory does not hold all" in scores.errors.why_not()
    scores.save_report("report.html")
    assert "does not hold the pictures" in scores.status.text()


def test_what_was_set_for_a_layer_and_is_not_in_its_file_is_told(
    predict: Any, dock: Any, viewer: Any, finish: Any, tmp_path: Path
) -> None:
    box, image = predict.volume, viewer.layers["em"]
    config = UNetConfig(base_channels=2, depth=2)
    card = ModelCard(network=config, pixel_size=(50, 16, 16), unit="nm")
    save_model(tmp_path / "sized.safetensors", Model(UNet(config), card))
    predict.model.setValue(tmp_path / "sized.safetensors")
    assert box.about.text().endswith("from disk to disk.")
    dock.load.info_bar.rows.setValue(20)
    predict.pixel_size.sizes.setText("50 8 8")
    predict.pixel_size.set_button.click()
    told = "Its info bar of 20 rows is predicted like the rest. The result on disk has"
    assert told in box.about.text()
    box.run_button.click()
    finish(box)
    labels = viewer.layers["em-labels"]
    np.testing.assert_allclose(labels.scale, image.scale)
    assert labels.scale[-1] == 8
    assert open_volume(labels.metadata[SOURCE]).scale == (50, 4, 4)
    assert "trained on pixels of 16 nm" in predict.sizes.text()
    assert "20 rows is predicted like the rest" in box.status.text()
    assert "trained on pixels" not in box.status.text()


@pytest.mark.one_binding
def test_what_had_to_be_changed_and_what_is_waited_for_stands_in_the_status(
    predict: Any, finish: Any, monkeypatch: Any
) -> None:
    pytest.importorskip("openvino")

    def fail(*_: Any) -> None:
        raise RuntimeError("no such operation")

    monkeypatch.setattr(compiled.CompiledNetwork, "probabilities", fail)
    monkeypatch.setattr(backend, "_PAYS", 1)
    monkeypatch.setattr(blocks, "BLOCK_VOXELS", 8 * 600 * 64)
    box, seen = predict.volume, []
    box.job.stepped.connect(lambda _: seen.append(box.status.text()))
    box.run_button.click()
    finish(box)
    fails = "OpenVINO fails (no such operation): torch predicts."
    assert any(fails in text and "blocks" in text for text in seen)
    assert box.status.text().count(fails) == 1
    assert "OpenVINO" in seen[0]
    last = seen[-1].replace(fails, "")
    assert "On CPU" in last
    assert "OpenVINO" not in last
    box.on_step(Waiting("No job of SLURM works yet."))
    assert box.status.text() == "Waiting ...\nNo job of SLURM works yet."
