"""Scores of a project come back, whatever happened to the file meanwhile."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from napari_unet.errors import OutputError
from napari_unet.score.comparison import Comparison
from napari_unet.score.report.score_history import (
    UNKNOWN,
    ScoreHistory,
    ScoreRecord,
    to_csv,
)
from napari_unet.score.scoring import score

MODEL = Path("models", "best.safetensors").absolute()


def record(number: int = 0, **changes) -> ScoreRecord:
    given = {
        "date": "2026-11-23T15:40:00+00:00",
        "prediction": f"em prediction {number}",
        "image": "em",
        "model": str(MODEL),
        "threshold": 0.42,
        "slices": "24:30",
        "trained": "",
        "values": {"iou": 0.9, "dice": 0.95},
        "intervals": {"iou": (0.88, 0.92)},
    }
    return ScoreRecord(**{**given, **changes})


@pytest.fixture
def history(tmp_path: Path) -> ScoreHistory:
    return ScoreHistory(tmp_path / "project" / "scores.jsonl")


def test_scorings_come_back_in_their_order(history: ScoreHistory) -> None:
    assert history.read() == ([], 0)
    for number in range(3):
        history.add(record(number))
    assert ScoreHistory(history.path).read() == ([record(n) for n in range(3)], 0)


def test_a_score_that_is_not_defined_stays_so(history: ScoreHistory) -> None:
    history.add(record(values={"iou": math.nan}, threshold=None))
    (row,), _ = history.read()
    assert math.isnan(row.values["iou"])
    assert row.threshold is None


def test_a_line_that_was_cut_off_spoils_no_other(history: ScoreHistory) -> None:
    history.add(record(0))
    history.add(record(1))
    history.path.write_bytes(history.path.read_bytes()[:-20])
    history.add(record(2))
    assert history.read() == ([record(0), record(2)], 1)


@pytest.mark.parametrize(
    ("learnt", "trained", "flatters"),
    [
        (frozenset({1, 2, 9}), "6:8", True),
        (frozenset(), "", False),
        (None, UNKNOWN, False),
    ],
)
def test_a_record_of_scores_names_the_slices_that_were_learnt_from(
    learnt: frozenset[int] | None, trained: str, flatters: bool
) -> None:
    cells = np.zeros((4, 20, 20), np.uint8)
    cells[:, 5:15, 5:15] = 1
    cells[3] = 255
    scores = score(Comparison(cells % 255, cells, first_slice=5, trained_on=learnt))
    made = ScoreRecord.of(scores, "em prediction", "em", str(MODEL), 0.42)
    assert (made.slices, made.trained, made.flatters) == ("5:8", trained, flatters)
    assert (made.values["iou"], made.intervals["iou"]) == (1, (1, 1))
    assert datetime.now().astimezone() - made.moment < timedelta(minutes=1)


def test_a_last_line_without_its_end_is_read_and_kept(history: ScoreHistory) -> None:
    history.add(record(0))
    history.add(record(1))
    history.path.write_bytes(history.path.read_bytes().removesuffix(b"\n"))
    assert history.read() == ([record(0), record(1)], 0)
    history.remove(record(0))
    assert history.read() == ([record(1)], 0)
    history.add(record(2))
    assert history.read() == ([record(1), record(2)], 0)


@pytest.mark.parametrize(
    "line", ["[]", "{}", '{"date": 3, "prediction": "x"}', '{"date": "now"}', "\x00"]
)
def test_damaged_lines_are_counted_and_left_out(history, line) -> None:
    history.add(record())
    with history.path.open("a") as file:
        file.write(line + "\n")
    assert history.read() == ([record()], 1)


def test_what_a_newer_version_adds_is_left_out(history: ScoreHistory) -> None:
    history.add(record())
    text = history.path.read_text().replace('"image"', '"mood": "good", "image"')
    history.path.write_text(text)
    assert history.read() == ([record()], 0)


def test_one_scoring_is_taken_out_and_the_others_stay(history: ScoreHistory) -> None:
    gone = record(1, values={"iou": math.nan})
    for one in (record(0), gone, record(2)):
        history.add(one)
    history.remove(gone)
    assert history.read() == ([record(0), record(2)], 0)


def test_several_windows_add_at_the_same_time(history: ScoreHistory) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: ScoreHistory(history.path).add(record(n)), range(200)))
    found, damaged = history.read()
    assert damaged == 0
    assert {one.prediction for one in found} == {
        f"em prediction {n}" for n in range(200)
    }


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        ScoreHistory(tmp_path / "file" / "scores.jsonl").add(record())


def test_a_table_has_a_column_for_each_score() -> None:
    text = to_csv(
        [record(), record(1, values={"v_rand": 0.5}, threshold=None)], ["iou", "v_rand"]
    )
    head, first, second = text.splitlines()
    assert (
        head == "date,prediction,image,truth,model,threshold,slices,trained,iou,v_rand"
    )
    assert first.endswith(",0.42,24:30,,0.900000,")
    assert second.endswith(",,24:30,,,0.500000")


def test_a_folder_that_was_moved_finds_its_models(history: ScoreHistory) -> None:
    folder = history.path.parent
    history.add(record(0, model=str(folder / "runs" / "best.safetensors")))
    history.add(record(1, model="Otsu's threshold"))
    moved = folder.rename(folder.with_name("moved"))
    rows, _ = ScoreHistory(moved / "scores.jsonl").read()
    models = [str(moved / "runs" / "best.safetensors"), "Otsu's threshold"]
    assert [row.model for row in rows] == models
