"""The Scores dock, in a real window."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_unet.score.measures import SHOWN
from napari_unet.widgets.error_list import IGNORED

SHAPE = (4, 60, 60)


def cells() -> np.ndarray:
    """Two cells on every slice."""
    truth = np.zeros(SHAPE, np.uint8)
    truth[:, 2:28, 2:58] = truth[:, 30:58, 2:58] = 1
    return truth


@pytest.fixture
def dock(viewer: Any) -> Any:
    prediction = cells()
    prediction[2, 28:30, 20:40] = 1
    prediction[3, :10] = 0
    viewer.add_image(np.random.default_rng(0).random(SHAPE), name="em")
    viewer.add_labels(prediction, name="prediction")
    viewer.add_labels(cells(), name="cells")
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Scores")
    dock.prediction.setValue(viewer.layers["prediction"])
    dock.truth.setValue(viewer.layers["cells"])
    dock.workspace.image = viewer.layers["em"]
    return dock


@pytest.fixture
def scored(dock: Any, finish: Any) -> Any:
    dock.run_button.click()
    finish(dock)
    assert dock.scores is not None
    return dock


def slices(dock: Any) -> list[int]:
    return [row.slice for row in dock.table.rows()]


def test_slices_are_sorted_by_a_score_and_lead_to_their_place(
    scored: Any, viewer: Any
) -> None:
    table = scored.table
    assert slices(scored) == [0, 1, 2, 3]
    table.sortByColumn(1 + SHOWN.index("v_rand"), Qt.SortOrder.AscendingOrder)
    assert slices(scored)[0] == 2
    table.sortByColumn(1 + SHOWN.index("iou"), Qt.SortOrder.AscendingOrder)
    assert slices(scored)[0] == 3
    table.clicked.emit(table.model().index(0, 0))
    assert viewer.dims.current_step[0] == 3


def test_all_scores_say_what_they_are_good_for(scored: Any) -> None:
    totals = scored.totals
    grid = totals.fold.content().layout().itemAt(0).widget()
    labels = grid.findChildren(type(totals.brief))
    texts = {label.text(): label.toolTip() for label in labels}
    assert "membrane" in texts["<b>IoU</b>"]
    assert "border" in texts["<b>Warping error</b>"]
    assert texts["Cells found, at IoU 0.50"].startswith("<p>7 cells found, 1 missed")


def test_a_report_and_tables_are_written(
    scored: Any, finish: Any, tmp_path: Any
) -> None:
    scored.save_report(str(tmp_path / "scores.md"))
    finish(scored)
    text = (tmp_path / "scores.md").read_text(encoding="utf-8")
    assert "| Prediction | prediction |" in text
    assert (tmp_path / "scores-pictures" / "worst.png").is_file()
    scored.save_report(str(tmp_path / "scores.pdf"))
    assert "end the name in one" in scored.status.text()
    scored.save(str(tmp_path / "scores.json"))
    told = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert set(told["overall"]["intervals"]) >= {"iou", "v_rand", "warping_error"}


def test_what_is_ignored_is_not_scored(scored: Any, finish: Any, viewer: Any) -> None:
    worse = scored.scores.values()["v_rand"]
    ignored = np.zeros(SHAPE, bool)
    ignored[2] = True
    viewer.layers["cells"].metadata[IGNORED] = ignored
    scored.run_button.click()
    finish(scored)
    assert slices(scored) == [0, 1, 3]
    assert scored.scores.values()["v_rand"] > worse


def test_a_simpler_method_is_scored_beside_the_prediction(
    scored: Any, finish: Any, qtbot: Any, viewer: Any
) -> None:
    image = viewer.layers["em"]
    image.data = cells() * 100.0
    scored.baselines.setValue("otsu")
    scored.baselines.run()
    qtbot.waitUntil(lambda: "em otsu" in viewer.layers, timeout=20_000)
    qtbot.waitUntil(lambda: scored.compare.table.rowCount() == 2, timeout=20_000)
    finish(scored)
    assert scored.prediction.value().name.startswith("em ")
    assert scored.scores.values()["iou"] > 0.85


def test_scoring_twice_in_a_hurry_and_closing_end_well(
    dock: Any, finish: Any, viewer: Any
) -> None:
    dock.run_button.click()
    dock.run_button.click()
    finish(dock)
    dock.run_button.click()
    viewer.layers.remove("prediction")
    finish(dock)
    assert dock.scores is None or not dock.table.rows() or dock.why_not()
