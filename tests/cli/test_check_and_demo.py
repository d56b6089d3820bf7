"""`napari-unet check` and `demo`, and how fast the program says what it can do."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from napari_unet.cli import check
from napari_unet.cli import demo_command as demo
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import load_model


def test_check_names_versions_device_and_speed(run, monkeypatch):
    monkeypatch.setattr(check, "_SECONDS", 0.01)
    lines = run("check", "--device", "cpu").stdout.splitlines()
    assert f"torch {torch.__version__}" in lines[0]
    assert any(line.startswith("device: CPU, ") for line in lines)
    assert any(line.startswith("training: ") and "ms a step" in line for line in lines)
    assert any(line.startswith("prediction on CPUs: OpenVINO 2") for line in lines)


def test_demo_leaves_everything_from_stack_to_picture(run, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_SHAPE", (20, 64, 64))
    result = run("demo", "--out", tmp_path / "demo", "--minutes", "0.01")
    out = tmp_path / "demo"
    names = {path.name for path in out.iterdir()}
    assert names == {
        "image.tif",
        "truth.tif",
        "model.safetensors",
        "run",
        "prediction.tif",
        "scores.json",
        "overlay.png",
        "napari-unet-demo.txt",
    }
    assert load_model(out / "model.safetensors").card.step > 0
    prediction = tifffile.imread(out / "prediction.tif") > 0
    assert prediction.shape == (4, 64, 64)
    scores = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    assert [row["slice"] for row in scores["slices"]] == [16, 17, 18, 19]
    truth = tifffile.imread(out / "truth.tif")[16:]
    both, either = (truth & prediction).sum(), (truth | prediction).sum()
    assert scores["overall"]["iou"] == pytest.approx(both / either, abs=1e-5)
    with Image.open(out / "overlay.png") as picture:
        assert np.asarray(picture).std() > 0
    assert "which were never trained on" in result.stdout


@pytest.mark.parametrize("name", ["image.tif", "truth.tif", "run", "scores.json"])
def test_demo_never_writes_over_files_of_the_user(run, tmp_path, name):
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="choose another folder"):
        run("demo", "--out", tmp_path, "--minutes", "0.01")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_demo_takes_its_own_folder_again(run, tmp_path, monkeypatch):
    monkeypatch.setattr(demo, "_SHAPE", (20, 64, 64))
    for seed in (0, 1):
        (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
        run("demo", "--out", tmp_path, "--minutes", "0.01", "--seed", seed)
        settings = (tmp_path / "run" / "run.yaml").read_text(encoding="utf-8")
        assert f"seed: {seed}\n" in settings
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have a display")
def test_demo_misses_the_display_before_it_trains(run, tmp_path, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(InputError, match="no display"):
        run("demo", "--gui", "--out", tmp_path / "demo")
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(
    "command", ["check", "weights", "train", "predict", "score", "demo"]
)
def test_every_command_describes_itself(run, command):
    assert command in run("--help").stdout
    assert "--" in run(command, "--help").stdout


def test_help_and_version_come_without_torch():
    code = (
        "import sys; from napari_unet.cli.app import app\n"
        "app(['--version'], standalone_mode=False)\n"
        "print([name for name in ('torch', 'scipy', 'qtpy') if name in sys.modules])"
    )
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "[]"
