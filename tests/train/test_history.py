"""The curves of a run are kept as a table, and read back whatever version wrote it."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from napari_unet.errors import InputError
from napari_unet.train.history import read_history, write_history

ROWS = [
    {"step": 1, "loss": 0.75, "validation_iou": None, "seconds": 0.5},
    {"step": 2, "loss": 0.5, "validation_iou": 0.25, "seconds": 1.25},
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / "history.csv"


def without_seconds(row):
    return {name: value for name, value in row.items() if name != "seconds"}


def test_it_is_a_table_with_a_line_for_each_step(path):
    write_history(path, ROWS)
    with path.open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert [row["loss"] for row in read] == ["0.75", "0.5"]
    assert [row["validation_iou"] for row in read] == ["", "0.25"]


def test_a_history_without_steps_is_an_empty_file(path):
    write_history(path, [])
    assert path.read_text(encoding="utf-8") == ""
    assert read_history(path).steps.size == 0


def test_curves_come_back_equal(path):
    write_history(path, ROWS)
    history = read_history(path)
    assert history.steps.tolist() == [1, 2]
    assert history.losses.tolist() == [0.75, 0.5]
    np.testing.assert_array_equal(history.scores, [np.nan, 0.25])
    assert history.moments().tolist() == [0.5, 1.25]


def test_runs_that_noted_no_times_are_drawn_against_their_steps(path):
    write_history(path, [without_seconds(row) for row in ROWS])
    history = read_history(path)
    assert history.seconds is None
    assert history.moments().tolist() == [1, 2]


def test_a_run_of_an_older_version_can_be_gone_on_with(path):
    write_history(path, [without_seconds(ROWS[0]), ROWS[1]])
    history = read_history(path)
    assert history.losses.tolist() == [0.75, 0.5]
    assert history.seconds is None


@pytest.mark.parametrize(
    "text",
    [
        "name,value\na,1\n",
        "step,loss,validation_iou\n1,0.5\n",
        "step,loss,validation_iou\n1,much,\n",
        "step,loss,validation_iou\n,0.5,\n",
        "step\n1\n",
        b"\xff\xfe\x00",
        "a\rb\0",
    ],
)
def test_another_table_is_refused_in_one_sentence(path, text):
    path.parent.mkdir()
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match="no table of a training run"):
        read_history(path)


def test_a_missing_table_is_told(path):
    with pytest.raises(InputError, match="does not exist"):
        read_history(path)
