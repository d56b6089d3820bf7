"""What the README shows can be run as it stands, only for a shorter time."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_unet.cli import app
from napari_unet.data.stack import read_stack, write_stack
from napari_unet.samples import em_stack

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    stack, objects = em_stack((30, 64, 64), seed=0)
    write_stack("em.tif", stack.data, like=stack)
    write_stack("cells.tif", (objects > 0).astype(np.uint8), like=stack)
    return tmp_path


def _block(language: str, word: str) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", README.read_text("utf-8"), re.S)
    (found,) = [block for block in blocks if word in block]
    return found


def test_the_python_example_trains_and_predicts(folder: Path) -> None:
    code = _block("python", "Predictor")
    assert "minutes=4" in code
    exec(compile(code.replace("minutes=4", "minutes=0.02"), "README", "exec"), {})
    assert read_stack("prediction.tif").shape == (30, 64, 64)


def test_the_commands_train_predict_and_score(folder: Path) -> None:
    lines = _block("sh", "napari-unet predict").strip().splitlines()
    assert len(lines) == 3
    for line in lines:
        words = shlex.split(line.replace("--minutes 4", "--minutes 0.02"))
        result = CliRunner().invoke(app, words[1:], catch_exceptions=False)
        assert result.exit_code == 0, result.output
    assert read_stack("prediction.tif").shape == (6, 64, 64)
