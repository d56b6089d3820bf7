"""The Scores dock, in a real window."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_unet.baselines.apply import MadeByBaseline
from napari_unet.data.fingerprint import fingerprint
from napari_unet.predict.made_by import MadeBy
from napari_unet.score import scoring
from napari_unet.score.borders.warping import warping_error
from napari_unet.score.measures import SHOWN
from napari_unet.score.report.score_history import ScoreHistory
from napari_unet.widgets.layers.marks import IGNORED, SOURCE, remember
from napari_unet.widgets.qt.parts import WrappedLabel
from napari_unet.widgets.qt.status import Status
from napari_unet.widgets.scores.all_scores import AllScores
from napari_unet.widgets.scores.score_table import ScoreTable
from napari_unet.widgets.scores.score_totals import ScoreTotals

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


def paint(layer: Any, z: int, value: int) -> None:
    """Paint one stroke, as the brush does."""
    with layer.block_history():
        layer.paint((z, 10, 10), value)


def history(home: Path) -> list[Any]:
    return ScoreHistory(home / "scores.jsonl").read()[0]


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
    grid = scored.table_page.all_scores.content().layout().itemAt(0).widget()
    labels = grid.findChildren(type(scored.totals.brief))
    texts = {label.text(): label.toolTip() for label in labels}
    assert "membrane" in texts["<b>IoU</b>"]
    assert "border" in texts["<b>Warping error</b>"]
    assert texts["Cells found, at IoU 0.50"].startswith("<p>7 cells found, 1 missed")


def test_everything_that_was_scored_fits_into_a_narrow_dock(
    scored: Any, qtbot: Any
) -> None:
    lines, totals = AllScores(), ScoreTotals()
    lines.show_scores(scored.scores)
    totals.show_scores(scored.scored.headlines(), scored.scores.trained_words)
    lines.expand(animate=False)
    for part in (lines, totals):
        qtbot.addWidget(part)
        part.show()
        qtbot.wait(50)
        # A dock of 360 pixels leaves 320, and napari's font is a quarter larger.
        assert part.minimumSizeHint().width() <= 250


def test_no_title_of_the_table_is_cut_when_it_is_narrow(qtbot: Any) -> None:
    table = ScoreTable()
    qtbot.addWidget(table)
    table.resize(320, 200)
    table.show()
    header = table.horizontalHeader()
    for column in range(table.model().columnCount()):
        title = table.model().headerData(column, Qt.Orientation.Horizontal)
        needed = header.fontMetrics().horizontalAdvance(title)
        assert header.sectionSize(column) >= needed + 2, title


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
    saved = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert set(saved["overall"]["intervals"]) >= {"iou", "v_rand", "warping_error"}


@pytest.mark.one_binding
def test_what_is_ignored_is_not_scored(scored: Any, finish: Any, viewer: Any) -> None:
    worse = scored.scores.values()["v_rand"]
    ignored = np.zeros(SHAPE, bool)
    ignored[2] = True
    viewer.layers["cells"].metadata[IGNORED] = ignored
    scored.errors.ignoredChanged.emit()
    assert "ignored since: score again" in scored.why_not_save()
    scored.run_button.click()
    finish(scored)
    assert slices(scored) == [0, 1, 3]
    assert not scored.why_not_save()
    assert scored.scores.values()["v_rand"] > worse


def test_a_simpler_method_is_scored_beside_the_prediction(
    scored: Any, finish: Any, qtbot: Any, viewer: Any
) -> None:
    image = viewer.layers["em"]
    image.data = cells() * 100.0
    scored.baselines.setValue("otsu")
    scored.baselines.run()
    qtbot.waitUntil(lambda: "otsu" in viewer.layers, timeout=20_000)
    qtbot.waitUntil(lambda: scored.compare.table.count() == 2, timeout=20_000)
    finish(scored)
    assert scored.prediction.value().name == "otsu"
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


def test_scores_are_never_given_to_a_layer_chosen_meanwhile(
    dock: Any, finish: Any, viewer: Any, runs_in_tmp: Path
) -> None:
    bad = viewer.add_labels(np.zeros(SHAPE, np.uint8), name="bad")
    dock.run_button.click()
    dock.prediction.setValue(bad)
    finish(dock)
    assert dock.scores is None
    assert history(runs_in_tmp) == []
    dock.run_button.click()
    viewer.layers.remove("bad")
    finish(dock)
    assert dock.scores is None
    assert history(runs_in_tmp) == []


def test_first_numbers_stand_before_the_borders_and_go_when_it_is_stopped(
    dock: Any, finish: Any, qtbot: Any, monkeypatch: Any
) -> None:
    waiting = Event()

    def slow(*masks: Any) -> Any:
        assert waiting.wait(30)
        return warping_error(*masks)

    monkeypatch.setattr(scoring, "warping_error", slow)
    monkeypatch.setattr(scoring, "_NUMBERS_AFTER", 0)
    first, seen = dock.totals.numbers[0], []
    words = dock.totals.brief
    dock.job.stepped.connect(lambda _: seen.append((first.text(), words.text())))
    dock.run_button.click()
    qtbot.waitUntil(lambda: len(dock.table.rows()) == 4, timeout=30_000)
    assert dock.scores is None
    told = [two for two in seen if "2 of 4 slices so far" in two[1]]
    assert told
    assert told[0][0] != "–"
    assert "so far" not in words.text()
    assert not dock.save_button.isEnabled()
    assert "Scored slice" in dock.status.text()
    dock.on_step(scoring.SliceScored(1, 4, 0.8, borders=True))
    assert "Borders of slice 1 of 4" in dock.status.text()
    dock.run_button.click()
    waiting.set()
    finish(dock)
    assert (first.text(), dock.table.rows(), dock.scores) == ("–", [], None)
    dock.run_button.click()
    finish(dock)
    assert first.text() != "–"
    assert dock.scores is not None


def test_a_layer_that_was_painted_on_is_to_be_scored_again(
    scored: Any, finish: Any, viewer: Any, qtbot: Any, tmp_path: Path
) -> None:
    layer = viewer.layers["prediction"]
    assert not scored.totals.changes.text()
    paint(layer, 1, 0)
    assert "prediction has changed since: score again" in scored.totals.changes.text()
    assert not scored.save_button.isEnabled()
    assert "score again" in scored.report_button.toolTip()
    scored.save(str(tmp_path / "scores.csv"))
    assert not (tmp_path / "scores.csv").exists()
    layer.undo()
    qtbot.waitUntil(scored.save_button.isEnabled, timeout=30_000)
    assert not scored.totals.changes.text()
    paint(viewer.layers["cells"], 2, 0)
    assert "cells has changed" in scored.totals.changes.text()
    scored.run_button.click()
    finish(scored)
    assert not scored.totals.changes.text()
    assert scored.report_button.isEnabled()


def test_other_data_and_strokes_while_it_is_scored_are_noticed(
    scored: Any, finish: Any, viewer: Any, qtbot: Any
) -> None:
    layer = viewer.layers["prediction"]
    layer.data = cells()
    qtbot.waitUntil(lambda: not scored.save_button.isEnabled(), timeout=30_000)
    scored.run_button.click()
    paint(layer, 0, 0)
    finish(scored)
    assert scored.scores.values()["iou"] == 1
    assert not scored.save_button.isEnabled()


def test_what_ends_during_a_scoring_is_scored_after_it(
    dock: Any, qtbot: Any, viewer: Any, runs_in_tmp: Path
) -> None:
    layer = viewer.add_labels(cells(), name="em otsu")
    dock.run_button.click()
    dock.baselines.made.emit(layer)
    qtbot.waitUntil(lambda: dock.scores is not None, timeout=30_000)
    assert dock.prediction.value().name == "em otsu"
    assert dock.scores.values()["iou"] == 1
    assert [one.prediction for one in history(runs_in_tmp)] == ["em otsu"]


@pytest.mark.one_binding
def test_a_mask_of_another_image_is_told_and_not_scored(
    dock: Any, viewer: Any, qtbot: Any
) -> None:
    layer = viewer.add_labels(np.zeros((2, 8, 8), np.uint8), name="small otsu")
    dock.baselines.made.emit(layer)
    words = "choose layers of one image"
    qtbot.waitUntil(lambda: words in dock.status.text(), timeout=30_000)


@pytest.mark.one_binding
def test_scores_belong_to_the_image_and_the_model_of_the_prediction(
    dock: Any, finish: Any, viewer: Any, runs_in_tmp: Path, tmp_path: Path
) -> None:
    dock.workspace.image = viewer.add_image(np.zeros(SHAPE), name="other")
    layer = viewer.layers["prediction"]
    made = MadeByBaseline("otsu", "Otsu threshold", "em")
    layer.metadata["napari_unet_baseline"] = made
    layer.metadata[SOURCE] = tmp_path / "opened.tif"
    (tmp_path / "opened.tif").write_bytes(b"something else by now")
    dock.run_button.click()
    finish(dock)
    assert [one.image for one in history(runs_in_tmp)] == ["em"]
    compared = fingerprint(np.asarray(layer.data)[None])
    remember(layer, MadeBy(tmp_path / "newer.safetensors", "other", 0.25))
    dock.save_report(str(tmp_path / "scores.md"))
    finish(dock)
    text = (tmp_path / "scores.md").read_text(encoding="utf-8")
    assert "| Image | em |" in text
    assert f"| Prediction | {compared} |" in text
    assert "| Prediction | opened from opened.tif |" in text
    assert "SHA-256" not in text
    assert "| Method | Otsu threshold |" in text
    assert "| Threshold |" not in text


@pytest.mark.one_binding
def test_what_is_not_known_is_not_taken_for_held_out(
    scored: Any, finish: Any, viewer: Any, runs_in_tmp: Path, tmp_path: Path
) -> None:
    words = "not known which slices the network learnt from"
    assert words in scored.totals.brief.text()
    cell = scored.compare.table.model().index(0, 0)
    assert "not known" in cell.data(Qt.ItemDataRole.ToolTipRole)
    assert [one.trained for one in history(runs_in_tmp)] == ["?"]
    scored.save(str(tmp_path / "scores.csv"))
    with (tmp_path / "scores.csv").open(newline="") as file:
        assert {row["trained_on"] for row in csv.DictReader(file)} == {""}
    scored.save_report(str(tmp_path / "scores.md"))
    finish(scored)
    assert words in (tmp_path / "scores.md").read_text(encoding="utf-8")
    made = MadeByBaseline("forest", "Random forest", "em", (1,))
    viewer.layers["prediction"].metadata["napari_unet_baseline"] = made
    scored.run_button.click()
    finish(scored)
    assert "learnt from 1 of the 4 slices" in scored.totals.brief.text()


def test_three_scores_stand_first_in_plain_words_with_the_term_under_the_mouse(
    dock: Any, finish: Any
) -> None:
    assert [one.text() for one in dock.totals.numbers] == ["–", "–", "–"]
    dock.run_button.click()
    finish(dock)
    values = dock.scores.values()
    for number, name in zip(
        dock.totals.numbers, ("iou", "v_rand", "v_info"), strict=True
    ):
        assert number.text() == f"{values[name]:.3f}"
    low, high = dock.scores.intervals["iou"]
    assert f"IoU {values['iou']:.3f}" in dock.totals.numbers[0].toolTip()
    assert f"{low:.3f} to {high:.3f}" in dock.totals.numbers[0].toolTip()
    assert "IoU" not in dock.totals.numbers[0].words.text()


def test_one_page_is_seen_at_a_time_and_says_what_to_do_while_it_is_empty(
    dock: Any,
) -> None:
    pages = {
        "Table": dock.table_page,
        "Errors": dock.errors,
        "Threshold": dock.threshold,
        "Comparison": dock.compare,
    }
    for name, shown in pages.items():
        dock.pages.buttons[name].click()
        seen = [one for one, page in pages.items() if page.isVisibleTo(dock)]
        assert seen == [name]
        kinds = (WrappedLabel, Status)
        words = [one.text() for kind in kinds for one in shown.findChildren(kind)]
        assert any(text.startswith("No scores yet: ") for text in words), name


def test_errors_and_curves_are_made_for_the_page_that_is_seen(
    scored: Any, qtbot: Any
) -> None:
    assert scored.errors.errors is None
    assert not scored.errors.running
    scored.window().show()
    scored.pages.buttons["Errors"].click()
    qtbot.waitUntil(lambda: scored.errors.errors is not None, timeout=30_000)


def test_nothing_is_drawn_on_a_page_that_is_not_seen(scored: Any, qtbot: Any) -> None:
    plot = scored.compare._plot
    assert not plot.plots
    scored.window().show()
    scored.pages.buttons["Comparison"].click()
    qtbot.waitUntil(lambda: len(plot.plots) == 1)
    assert plot._dots.getData()[0].tolist() == [1]


def test_other_docks_hear_what_is_scored(dock: Any, finish: Any, viewer: Any) -> None:
    heard: list[str] = []
    dock.workspace.events.busy.connect(heard.append)
    dock.run_button.click()
    finish(dock)
    assert heard == ["scoring", ""]
    assert dock.workspace.scored
    viewer.layers.remove("prediction")
    assert not dock.workspace.scored


def test_slices_sorted_by_a_score_are_compared_by_it(scored: Any) -> None:
    scored.table.sortByColumn(1 + SHOWN.index("dice"), Qt.SortOrder.AscendingOrder)
    assert scored.compare.measure.currentText() == "Dice"
    titles = scored.compare.table.model()
    across = Qt.Orientation.Horizontal
    assert titles.headerData(0, across) == "Model / truth"
    assert titles.headerData(1, across) == "Dice"
    assert titles.index(0, 0).data() == "prediction / cells"
    assert scored.compare.table.row() == 0
