"""Tables for spreadsheets."""

from __future__ import annotations

import csv
import io

import pytest

from napari_unet.data.files import csv_text


@pytest.mark.parametrize("name", ["=1+2", "@SUM(A1)", "+cmd|x", "-a", "\t=1", "=1,\n2"])
def test_no_name_is_computed(name):
    (row,) = csv.reader(io.StringIO(csv_text([[name, "plain"]])))
    assert row == [f"'{name}", "plain"]


@pytest.mark.parametrize(
    "cell", [-1, -0.5, "-1.5", "+3", "-1e-05", None, "a=b", "-inf"]
)
def test_numbers_stay_numbers(cell):
    (row,) = csv.reader(io.StringIO(csv_text([[cell, 1]])))
    assert row == ["" if cell is None else str(cell), "1"]
