"""The export command."""

from __future__ import annotations

import zipfile

import pytest
import yaml

from napari_unet.errors import InputError


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
