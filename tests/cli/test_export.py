"""The export command."""

from __future__ import annotations

import zipfile

import pytest
import yaml

from napari_unet.config import UNetConfig
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import Model, ModelCard, save_model
from napari_unet.model.networks.unet import UNet


def test_a_trained_model_becomes_a_package(files, run, train):
    model, out = train() / "last.safetensors", files / "model.zip"
    told = run(
        *("export", model, out, "--author", "A. Person", "--author", "B. Person"),
        *("--license", "MIT", "--name", "Synthetic cells", "--cite", "10.1234/abc"),
    )
    assert "torchscript: probabilities differ by" in told.stdout
    assert f"wrote {out}" in told.stdout
    with zipfile.ZipFile(out) as archive:
        described = yaml.safe_load(archive.read("rdf.yaml"))
    assert described["name"] == "Synthetic cells"
    assert len(described["authors"]) == 2
    assert described["license"] == "MIT"
    assert described["cite"][1]["doi"] == "10.1234/abc"
    assert described["inputs"][0]["axes"][2]["unit"] == "nanometer"


def test_a_setting_that_others_refuse_is_said_before_any_work(files, run):
    with pytest.raises(InputError, match="command line: license = 'mine'"):
        run("export", "never.safetensors", files / "m.zip", "--license", "mine")


def test_a_package_never_takes_the_place_of_the_model(files, run):
    (files / "m.pt").write_bytes(b"weights")
    with pytest.raises(InputError, match="read or written already"):
        run("export", files / "m.pt", files / "m.pt")
    assert (files / "m.pt").read_bytes() == b"weights"


def test_only_an_export_takes_the_place_of_a_file(tmp_path, run):
    config = UNetConfig(base_channels=1, depth=1)
    model = tmp_path / "m.safetensors"
    save_model(model, Model(UNet(config), ModelCard(network=config)))
    for name in ("m.zip", "m.pt", "m.onnx"):
        out = tmp_path / name
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("thesis.txt", "years of work")
        before = out.read_bytes()
        with pytest.raises(InputError, match="not what napari-unet export made"):
            run("export", model, out)
        assert out.read_bytes() == before
        run("export", model, out, "--overwrite")
        run("export", model, out)
