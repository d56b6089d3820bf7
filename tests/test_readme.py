"""What README and docs show can be run as it stands, only for a shorter time."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_unet.cli.app import app
from napari_unet.data.read import read_stack
from napari_unet.data.write import write_stack
from napari_unet.model.checkpoint import load_model
from napari_unet.samples import em_stack

README = Path(__file__).parents[1] / "README.md"
DOCS = README.parent / "docs"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    stack, objects = em_stack((30, 64, 64), seed=0)
    write_stack("em.tif", stack.data, like=stack)
    write_stack("cells.tif", (objects > 0).astype(np.uint8), like=stack)
    return tmp_path


def _block(language: str, word: str, page: Path = README) -> str:
    blocks = re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.S)
    (found,) = [block for block in blocks if word in block]
    return found


def _run(line: str) -> None:
    result = CliRunner().invoke(app, shlex.split(line)[1:], catch_exceptions=False)
    assert result.exit_code == 0, result.output


def test_the_python_example_trains_saves_predicts_and_scores(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = _block("python", "segment")
    assert "minutes=4" in code
    exec(compile(code.replace("minutes=4", "minutes=0.02"), "README", "exec"), {})
    assert load_model("model.safetensors").card.step > 0
    assert read_stack("prediction.tif").shape == (30, 64, 64)
    assert 0 <= float(capsys.readouterr().out.splitlines()[-1]) <= 1


def test_the_commands_train_predict_and_score(folder: Path) -> None:
    lines = _block("sh", "napari-unet predict").strip().splitlines()
    assert len(lines) == 3
    for line in lines:
        _run(line.replace("--minutes 4", "--minutes 0.02"))
    assert read_stack("prediction.tif").shape == (6, 64, 64)


def test_the_settings_file_and_the_page_on_scores_follow_each_other(
    folder: Path,
) -> None:
    settings = _block("yaml", "augment:", DOCS / "command-line.md")
    (folder / "settings.yaml").write_text(settings, "utf-8")
    train = _block("sh", "--config settings.yaml", DOCS / "command-line.md")
    _run(f"{train.strip()} --steps 2")
    score = _block("sh", "--truth-slices", DOCS / "scores.md")
    for line in score.replace("\\\n", " ").strip().splitlines():
        _run(line)
    written = ["scores.json", "scores.csv", "scores.html", "errors.tif"]
    assert all((folder / name).is_file() for name in written)
