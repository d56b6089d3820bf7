"""Packages of models on the command line."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import tifffile
import torch
import yaml
from torch import nn

from napari_unet import UNet, UNetConfig, load_model
from napari_unet.model.card import ModelCard
from napari_unet.model.checkpoint import Model, save_model

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")


@pytest.fixture
def package(tmp_path):
    """A package that takes what is brighter than the mean for class 1."""
    file = io.BytesIO()
    with torch.inference_mode():
        scripted = torch.jit.trace(nn.Identity(), torch.zeros(1, 1, 32, 32))
        torch.jit.save(scripted, file)
    shape = {"min": [1, 1, 32, 32], "step": [0, 0, 16, 16]}
    kwargs = {"mode": "per_sample", "axes": "cyx"}
    step = {"name": "zero_mean_unit_variance", "kwargs": kwargs}
    after = {"reference_tensor": "raw", "scale": [1] * 4, "offset": [0] * 4}
    description = {
        "format_version": "0.4.10",
        "name": "Bright",
        "inputs": [
            {"name": "raw", "axes": "bcyx", "shape": shape, "preprocessing": [step]}
        ],
        "outputs": [
            {
                "name": "bright",
                "axes": "bcyx",
                "shape": after,
                "postprocessing": [{"name": "sigmoid"}],
            }
        ],
        "weights": {"torchscript": {"source": "net.pt"}},
    }
    path = tmp_path / "bright.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("rdf.yaml", yaml.safe_dump(description))
        archive.writestr("net.pt", file.getvalue())
    return path


def test_a_package_predicts(files, run, package):
    words = run(
        "predict", package, files / "image.tif", "--out", files / "out.tif"
    ).stdout
    assert "Bright, through TorchScript" in words
    assert "class 1 is bright" in words
    image = tifffile.imread(files / "image.tif").astype(float)
    bright = image > image.mean((1, 2), keepdims=True)
    np.testing.assert_array_equal(tifffile.imread(files / "out.tif"), bright)


def test_a_package_of_ours_is_imported_as_it_was(files, run, tmp_path):
    config = UNetConfig(base_channels=4, depth=2)
    save_model(
        files / "own.safetensors", Model(UNet(config), ModelCard(network=config))
    )
    own, weights = load_model(files / "own.safetensors"), io.BytesIO()
    torch.save(own.network.state_dict(), weights)
    entry = {"pytorch_state_dict": {"source": "weights.pt"}}
    with zipfile.ZipFile(tmp_path / "own.zip", "w") as archive:
        archive.writestr("rdf.yaml", yaml.safe_dump({"weights": entry}))
        archive.writestr("weights.pt", weights.getvalue())
        archive.writestr("napari_unet.json", own.card.model_dump_json(by_alias=True))
    out = files / "back.safetensors"
    assert f"wrote {out}" in run("import", tmp_path / "own.zip", out).stdout
    assert out.read_bytes() == (files / "own.safetensors").read_bytes()


def test_a_starter_network_is_exported_and_scored_by_its_name(files, run):
    torch_only = files / "starter.pt"
    run("export", "em-membranes", torch_only)
    assert torch.jit.load(torch_only)(torch.zeros(1, 1, 64, 64)).shape == (1, 2, 64, 64)
    labels, report = files / "labels.tif", files / "report.md"
    run("score", labels, labels, "--model", "em-membranes", "--report", report)
    assert r"em\_membranes.safetensors" in report.read_text("utf-8")


def test_nothing_is_written_over_by_an_import(files, failed, package):
    before = (files / "image.tif").read_bytes()
    for out, words in (("image.tif", "end the name"), ("there.safetensors", "already")):
        (files / "there.safetensors").write_bytes(b"mine")
        told = failed("import", package, files / out)
        assert words in told
        assert told.count("\n") == 1
    assert (files / "image.tif").read_bytes() == before
    assert (files / "there.safetensors").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("m.safetensors", "is a model file already: predict and export take it"),
        ("m.onnx", "predict works where it was exported here: to train it, use the"),
        ("m.pt", "use the .safetensors file that it was exported from, or a package"),
    ],
)
def test_an_import_of_another_file_that_we_export_says_what_it_is(
    files, failed, name, words
):
    (files / name).write_bytes(b"a network")
    assert words in failed("import", files / name)


def test_what_cannot_be_imported_says_that_it_can_be_predicted_with(
    files, failed, package
):
    told = failed("import", package, files / "out.safetensors")
    assert "no pytorch_state_dict" in told
    assert "predicted with" in told
