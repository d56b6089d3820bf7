"""Predictions side by side, and the history of a project."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import Qt

from napari_unet.score.report.score_history import UNKNOWN, ScoreHistory, ScoreRecord
from napari_unet.widgets.project.open_project import OpenProject
from napari_unet.widgets.scores.compare_box import IMAGE, LATEST, PROJECT, CompareBox

pytestmark = pytest.mark.one_binding


def record(prediction: str, **given: Any) -> ScoreRecord:
    return ScoreRecord("2026-11-23T15:40:00+00:00", prediction, "em", "cells", **given)


def otsu(iou: float, prediction: str = "Otsu", **values: float) -> ScoreRecord:
    return record(prediction, model="Otsu threshold", values={"iou": iou, **values})


@pytest.fixture
def box(viewer: Any, qtbot: Any) -> CompareBox:
    made = CompareBox(viewer)
    qtbot.addWidget(made)
    made.resize(380, 400)
    made.show()
    return made


def texts(box: CompareBox, title: str) -> list[str]:
    model, across = box.table.model(), Qt.Orientation.Horizontal
    titles = [model.headerData(n, across) for n in range(model.columnCount())]
    column = titles.index(title)
    return [model.index(row, column).data() for row in range(model.rowCount())]


def tip(box: CompareBox, row: int, column: int) -> str:
    text: str = box.table.model().index(row, column).data(Qt.ItemDataRole.ToolTipRole)
    return text


def is_italic(box: CompareBox, row: int, column: int) -> bool:
    font = box.table.model().index(row, column).data(Qt.ItemDataRole.FontRole)
    return font is not None and font.italic()


def fill(box: CompareBox, home: Path) -> None:
    model = str(home / "runs" / "a" / "best.safetensors")
    box.add(
        record(
            "prediction",
            model=model,
            threshold=0.42,
            slices="24:30",
            values={"iou": 0.91, "v_rand": 0.97},
            intervals={"iou": (0.89, 0.93)},
        )
    )
    box.add(otsu(0.62, v_rand=math.nan))
    box.add(
        record(
            "prediction",
            model=model,
            threshold=0.42,
            slices="0:3",
            trained="1",
            values={"iou": 0.95},
        )
    )


def test_scorings_stand_side_by_side_with_what_made_them(
    box: CompareBox, runs_in_tmp: Path
) -> None:
    assert "No scores yet" in box.words.text()
    fill(box, runs_in_tmp)
    assert texts(box, "Prediction") == ["prediction", "Otsu", "prediction"]
    assert texts(box, "IoU") == ["0.9100", "0.6200", "0.9500"]
    assert texts(box, "Rand F") == ["0.9700", "-", "-"]
    assert texts(box, "Threshold") == ["0.42", "-", "0.42"]
    assert texts(box, "Slices") == ["24:30", "", "0:3"]
    assert texts(box, "Model / truth") == [
        "best, a / cells",
        "Otsu threshold / cells",
        "best, a / cells",
    ]
    assert "Slices 1 were trained on" in tip(box, 2, 0)
    assert is_italic(box, 2, 2)
    assert not is_italic(box, 0, 2)


def test_it_is_told_where_nobody_knows_what_a_model_learnt_from(
    box: CompareBox,
) -> None:
    box.add(record("prediction", trained=UNKNOWN, values={"iou": 0.9}))
    assert texts(box, "Image") == ["em"]
    assert "not known" in tip(box, 0, 0)
    assert not is_italic(box, 0, 2)


def test_rows_are_sorted_by_value(box: CompareBox, runs_in_tmp: Path) -> None:
    fill(box, runs_in_tmp)
    box.table.sortByColumn(2, box.table.horizontalHeader().sortIndicatorOrder())
    assert sorted(texts(box, "IoU")) in (texts(box, "IoU"), texts(box, "IoU")[::-1])
    assert box.table.rows()[1].values["iou"] == 0.91


def test_the_newest_scores_of_each_prediction_or_all(
    box: CompareBox, runs_in_tmp: Path
) -> None:
    fill(box, runs_in_tmp)
    box.add(otsu(0.7))
    box.add(replace(otsu(0.5, "other"), image="another"))
    box.add(otsu(0.71))
    for extent, expected in (
        (LATEST, ["0.9100", "0.7100", "0.9500"]),
        (IMAGE, ["0.9100", "0.6200", "0.9500", "0.7000", "0.7100"]),
        (PROJECT, ["0.9100", "0.6200", "0.9500", "0.7000", "0.5000", "0.7100"]),
    ):
        box.extent.setCurrentText(extent)
        assert texts(box, "IoU") == expected


def test_a_project_that_is_opened_shows_its_history_again(
    box: CompareBox, viewer: Any, runs_in_tmp: Path, tmp_path: Path, qtbot: Any
) -> None:
    fill(box, runs_in_tmp)
    line = (runs_in_tmp / "scores.jsonl").read_text("utf-8").splitlines()[0]
    assert json.loads(line)["model"] == "runs/a/best.safetensors"
    project = OpenProject.of(viewer)
    first = project.project
    project.start_new(tmp_path / "other")
    assert box.table.count() == 0
    box.add(otsu(0.1))
    assert len(ScoreHistory(tmp_path / "other" / "scores.jsonl").read()[0]) == 1
    project._switch(first)
    assert texts(box, "IoU") == ["0.9100", "0.6200", "0.9500"]
    assert box.table.rows()[0].intervals == {"iou": (0.89, 0.93)}


def test_a_row_that_is_removed_stays_away(box: CompareBox, runs_in_tmp: Path) -> None:
    fill(box, runs_in_tmp)
    assert box.table.row() == 2
    box.table.clearSelection()
    assert not box.remove_button.isEnabled()
    box.table.selectRow(1)
    box.remove_button.click()
    assert texts(box, "IoU") == ["0.9100", "0.9500"]
    found, _ = ScoreHistory(runs_in_tmp / "scores.jsonl").read()
    assert [one.values["iou"] for one in found] == [0.91, 0.95]


def test_the_table_is_saved_as_it_is_shown(
    box: CompareBox, runs_in_tmp: Path, tmp_path: Path
) -> None:
    fill(box, runs_in_tmp)
    box.save(str(tmp_path / "table.csv"))
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert lines[0].endswith("trained,iou,v_rand")
    assert lines[1].endswith(",0.42,24:30,,0.910000,0.970000")
    assert len(lines) == 4
    box.save(str(tmp_path))
    assert "cannot be written" in box.words.text()


def test_a_history_that_is_damaged_is_told_and_the_rest_shown(
    viewer: Any, qtbot: Any, runs_in_tmp: Path
) -> None:
    first = CompareBox(viewer)
    qtbot.addWidget(first)
    fill(first, runs_in_tmp)
    with (runs_in_tmp / "scores.jsonl").open("a") as file:
        file.write("nonsense\n")
    second = CompareBox(viewer)
    qtbot.addWidget(second)
    assert second.table.count() == 3
    assert "1 line of scores.jsonl cannot be read" in second.words.text()


def test_the_plot_draws_the_chosen_score(box: CompareBox, runs_in_tmp: Path) -> None:
    fill(box, runs_in_tmp)
    box.measure.setCurrentIndex(box.measure.findData("iou"))
    x, y = box._plot._dots.getData()
    assert x.tolist() == [1, 2, 3]
    assert y.tolist() == [0.91, 0.62, 0.95]
    box.measure.setCurrentIndex(box.measure.findData("v_rand"))
    assert box._plot._dots.getData()[0].tolist() == [1]
