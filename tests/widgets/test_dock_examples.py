"""The examples of docks open in a real window, and do what they show."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from napari.layers import Image, Labels

EXAMPLES = Path(__file__).parents[2] / "examples" / "docks"


@pytest.fixture
def shown(
    viewer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finish: Any
) -> Callable[[str], Any]:
    """Run an example in the viewer, and return its dock once its work has ended."""
    monkeypatch.chdir(tmp_path)

    def show(name: str) -> Any:
        same, dock = runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"](viewer)
        assert same is viewer
        if name not in ("workflow", "proofread"):
            finish(dock)
        return dock

    return show


def test_load_makes_layers_of_files(shown: Callable[[str], Any], viewer: Any) -> None:
    shown("load")
    assert [type(layer) for layer in viewer.layers] == [Image, Labels]


def test_weights_shows_the_map_of_the_slice(
    shown: Callable[[str], Any], viewer: Any, qtbot: Any
) -> None:
    shown("weights")
    qtbot.waitUntil(lambda: len(viewer.layers) == 3, timeout=10_000)
    assert viewer.layers[-1].name == "slice weights"


def test_train_is_ready_to_start(shown: Callable[[str], Any]) -> None:
    dock = shown("train")
    assert dock.run_button.isEnabled()
    assert dock.live_button.isEnabled()


def test_predict_adds_a_prediction(shown: Callable[[str], Any], viewer: Any) -> None:
    dock = shown("predict")
    assert "Done" in dock.status.text()
    assert isinstance(viewer.layers[-1], Labels)


def test_scores_fills_its_table(shown: Callable[[str], Any]) -> None:
    dock = shown("scores")
    assert dock.scored is not None


def test_workflow_opens_where_one_paints(shown: Callable[[str], Any]) -> None:
    dock = shown("workflow")
    assert dock.tabs.currentWidget() is dock.train


def test_each_example_is_tested_here() -> None:
    tests = Path(__file__).read_text("utf-8")
    names = [path.stem for path in EXAMPLES.glob("*.py")]
    assert names
    assert [name for name in names if f'shown("{name}")' not in tests] == []


def test_measure_lists_the_cells(shown: Callable[[str], Any], viewer: Any) -> None:
    dock = shown("measure")
    assert dock.table.count() == len(dock.found) > 5
    assert len(viewer.layers["cells"].features) in (0, len(dock.found))


def test_proofread_waits_for_a_click(shown: Callable[[str], Any]) -> None:
    dock = shown("proofread")
    assert dock.number > 0
    assert dock.modes["merge"].isChecked()
