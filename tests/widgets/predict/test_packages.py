"""Packages of other programs in the Predict dock."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from qtpy.QtWidgets import QFileDialog
from torch import nn

from napari_unet.config import UNetConfig
from napari_unet.model.card import ModelCard
from napari_unet.model.checkpoint import Model, load_model, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.widgets.layers.marks import made_by

pytestmark = [
    pytest.mark.one_binding,
    pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning"),
]
_SHAPE = {"min": [1, 1, 32, 32], "step": [0, 0, 16, 16]}
_STEP = {
    "name": "zero_mean_unit_variance",
    "kwargs": {"mode": "per_sample", "axes": "cyx"},
}
_CODE = b"""
import torch


class Same(torch.nn.Module):
    def forward(self, image):
        return image
"""


def write(path: Path, weights: dict[str, Any], **files: bytes) -> Path:
    """Write a package that takes what is brighter than the mean for class 1."""
    after = {"reference_tensor": "raw", "scale": [1] * 4, "offset": [0] * 4}
    output = {"name": "bright", "axes": "bcyx", "shape": after}
    description = {
        "format_version": "0.4.10",
        "name": "Bright",
        "inputs": [
            {"name": "raw", "axes": "bcyx", "shape": _SHAPE, "preprocessing": [_STEP]}
        ],
        "outputs": [output | {"postprocessing": [{"name": "sigmoid"}]}],
        "weights": weights,
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rdf.yaml", yaml.safe_dump(description))
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return path


def saved(what: Any) -> bytes:
    file = io.BytesIO()
    what(file)
    return file.getvalue()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    with torch.inference_mode():
        scripted = torch.jit.trace(nn.Identity(), torch.zeros(1, 1, 32, 32))
    data = saved(lambda file: torch.jit.save(scripted, file))
    return write(
        tmp_path / "bright.zip", {"torchscript": {"source": "net.pt"}}, net_pt=data
    )


@pytest.fixture
def predict(loaded: Any) -> Any:
    loaded.predict.extent.setCurrentText("whole stack")
    return loaded.predict


def test_a_package_is_predicted_with_as_a_model_is(
    predict: Any, viewer: Any, package: Path, finish: Any
) -> None:
    predict.model.setValue(package)
    predict.run_button.click()
    finish(predict)
    layer = viewer.layers["prediction"]
    image = np.asarray(viewer.layers["em"].data, float)
    bright = image > image.mean((1, 2), keepdims=True)
    np.testing.assert_array_equal(layer.data, bright)
    assert made_by(layer).model == package
    assert "class 1 is bright" in predict.device.text()
    assert not predict.trust.isVisibleTo(predict)


def test_a_package_is_chosen_as_a_file_and_nothing_is_trained_from_it(
    predict: Any, loaded: Any, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answer(*arguments: Any) -> tuple[str, str]:
        asked.append(arguments[3])
        return str(package), ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", answer)
    predict.model._on_file()
    assert predict.model.value() == package
    assert "*.zip" in asked[0]
    box = loaded.train.start_from.box
    assert box.findData(str(package)) < 0


def test_code_of_a_package_runs_once_the_user_has_said_so(
    predict: Any, viewer: Any, tmp_path: Path, finish: Any, qtbot: Any
) -> None:
    entry = {"source": "state.pt", "architecture": "net.py:Same"}
    state = saved(lambda file: torch.save({}, file))
    weights = {"pytorch_state_dict": entry}
    path = write(tmp_path / "code.zip", weights, net_py=_CODE, state_pt=state)
    predict.model.setValue(path)
    qtbot.waitUntil(lambda: predict.trust.isVisibleTo(predict))
    assert "net.py:Same" in predict.trust.words.text()
    assert not predict.run_button.isEnabled()
    assert "run its code" in predict.run_button.toolTip()
    predict.trust.allow.click()
    assert not predict.trust.isVisibleTo(predict)
    assert predict.run_button.isEnabled()
    predict.run_button.click()
    finish(predict)
    assert viewer.layers["prediction"].data.any()


def test_an_imported_model_is_chosen(
    predict: Any, tmp_path: Path, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = UNetConfig(base_channels=2, depth=2)
    own = tmp_path / "own.safetensors"
    save_model(own, Model(UNet(config), ModelCard(network=config)))
    model = load_model(own)
    state = saved(lambda file: torch.save(model.network.state_dict(), file))
    path = write(
        tmp_path / "package.zip",
        {"pytorch_state_dict": {"source": "weights.pt"}},
        weights_pt=state,
    )
    with zipfile.ZipFile(path, "a") as archive:
        card = model.card.model_dump_json(by_alias=True)
        archive.writestr("napari_unet.json", card)
    out = tmp_path / "back.safetensors"
    answers = {"getOpenFileName": path, "getSaveFileName": out}
    for name, answer in answers.items():
        monkeypatch.setattr(QFileDialog, name, lambda *_, one=answer: (str(one), ""))
    predict.share.import_button.click()
    qtbot.waitUntil(lambda: not predict.share.job.running, timeout=20_000)
    assert predict.share.words.text().startswith("Imported: a model of napari-unet")
    assert predict.model.value() == out
    assert out.read_bytes() == own.read_bytes()


def test_what_cannot_be_imported_is_said(
    predict: Any, package: Path, tmp_path: Path, qtbot: Any
) -> None:
    predict.share.import_package(package, tmp_path / "out.safetensors")
    qtbot.waitUntil(lambda: not predict.share.job.running, timeout=20_000)
    assert "no pytorch_state_dict" in predict.share.words.text()
    assert not (tmp_path / "out.safetensors").exists()


def test_a_model_is_exported_checked_and_predicted_with(
    predict: Any,
    viewer: Any,
    tmp_path: Path,
    finish: Any,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = UNetConfig(base_channels=2, depth=2)
    own, out = tmp_path / "own.safetensors", tmp_path / "out.zip"
    save_model(own, Model(UNet(config), ModelCard(network=config)))
    predict.model.setValue(own)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    predict.share.export_button.click()
    qtbot.waitUntil(lambda: not predict.share.job.running, timeout=60_000)
    words = predict.share.words.text()
    assert "out.zip written; checked: largest difference" in words
    assert zipfile.is_zipfile(out)
    predict.model.setValue(out)
    assert not predict.share.export_button.isEnabled()
    predict.run_button.click()
    finish(predict)
    exported = viewer.layers["prediction"].data.copy()
    predict.model.setValue(own)
    predict.run_button.click()
    finish(predict)
    np.testing.assert_array_equal(viewer.layers["prediction"].data, exported)
