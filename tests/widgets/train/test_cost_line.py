"""What the Train tab says beforehand of a training."""

from __future__ import annotations

from typing import Any

import pytest

from napari_unet.widgets.train import cost_line

pytestmark = pytest.mark.one_binding


def test_both_ways_of_training_are_told_with_what_they_take(
    quick: Any, qtbot: Any, monkeypatch: Any
) -> None:
    asked, train = [], quick.train
    real = cost_line.cost_of_training

    def cost(*args: Any, **options: Any) -> Any:
        asked.append(options["held_out"])
        return real(*args, **options)

    monkeypatch.setattr(cost_line, "cost_of_training", cost)
    qtbot.waitUntil(lambda: "about 4 min" in train.cost.text(), timeout=30_000)
    live, timed = train.cost.text().splitlines()
    assert live.startswith("Live: about 0.")
    assert live.endswith("GB, until you stop it")
    assert timed.startswith("Train: ")
    for words in ("0", "none", ""):
        train.validation.setText(words)
        said = {"0": True, "none": False, "": None}[words]
        qtbot.waitUntil(lambda said=said: asked[-1:] == [said], timeout=30_000)
