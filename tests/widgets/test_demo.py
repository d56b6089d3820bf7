"""`make demo GUI=1` ends in a window with layers, dock and scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from napari_unet.cli import demo_command as cli_demo
from napari_unet.widgets.demo import show


def test_the_demonstration_is_shown_with_its_scores(
    viewer: Any,
    finish: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cli_demo, "_SHAPE", (20, 64, 64))
    cli_demo.run_demo(tmp_path, minutes=0.02, seed=0, gui=False)
    dock = show(tmp_path, viewer)
    finish(dock.scores)
    assert [layer.name for layer in viewer.layers] == [
        "synthetic EM",
        "ground truth",
        "prediction",
    ]
    written = json.loads((tmp_path / "scores.json").read_text())
    iou = f"{written['overall']['iou']:.3f}"
    assert dock.scores.totals.numbers[0].text() == iou
    assert len(dock.scores.table.rows()) == len(written["slices"]) == 4
    assert dock.predict.model.value() == tmp_path / "model.safetensors"
