"""Small files, and the command line in this process or in one of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner, Result

from napari_unet.cli import main
from napari_unet.cli.app import app
from napari_unet.data.stack import Stack
from napari_unet.data.write import write_stack


@pytest.fixture
def files(tmp_path) -> Path:
    """A folder with image.tif, labels.tif (5 x 48 x 64) and settings.yaml."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, (5, 6, 8)).repeat(8, 1).repeat(8, 2).astype(np.uint8)
    image = (60 + 120 * labels + rng.normal(0, 10, labels.shape)).astype(np.uint8)
    stack = Stack(image, "ZYX", (0.05, 0.004, 0.004), "µm", "image")
    write_stack(tmp_path / "image.tif", image, like=stack)
    write_stack(tmp_path / "labels.tif", labels, like=stack)
    settings = {
        "network": {"base_channels": 4, "depth": 2},
        "train": {"steps": 12, "batch_size": 2, "patch_size": 32, "device": "cpu"},
        "augment": {"elastic": 2.0},
    }
    text = yaml.safe_dump(settings)
    (tmp_path / "settings.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run a command in this process; a failure is raised.

    What ends with another exit code than 0 without one has it as `code`.
    """

    def start(*arguments, code=0) -> Result:
        words = [str(argument) for argument in arguments]
        result = CliRunner().invoke(app, words, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return start


@pytest.fixture
def failed(monkeypatch, capfd) -> Callable[..., str]:
    """Run a command that fails as a user sees it, but in this process for its speed.

    Return what stands on stderr.
    """

    def start(*arguments) -> str:
        monkeypatch.setattr(sys, "argv", ["napari-unet", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            main()
        assert leaving.value.code == 1
        return capfd.readouterr().err

    return start


@pytest.fixture
def shell() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command as a user does, in a process of its own."""

    def start(*arguments, cwd=None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "napari_unet", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=cwd
        )

    return start


@pytest.fixture
def train(files, run) -> Callable[..., Path]:
    """Train on the files and return the folder of the run."""

    def start(name="run", *arguments) -> Path:
        run(
            *("train", "--config", files / "settings.yaml", "--out", files / name),
            *("--image", files / "image.tif", "--labels", files / "labels.tif"),
            *arguments,
        )
        return files / name

    return start
