"""`napari-unet score` marks the slices it knows of, and writes what it was asked."""

from __future__ import annotations

import csv
import json

import pytest
import tifffile

from napari_unet.errors import InputError


@pytest.fixture
def predicted(files):
    """A prediction beside the files: as the labels, but for a missed row of cells."""
    prediction = tifffile.imread(files / "labels.tif")
    prediction[:, :7] = 0
    tifffile.imwrite(files / "prediction.tif", prediction)
    return files


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


# --------------------------------------------------------------------- files written


def test_the_list_of_errors_has_a_file_of_its_own(predicted, run):
    result = run(
        *("score", predicted / "prediction.tif", predicted / "labels.tif"),
        *("--json", predicted / "x.json", "--error-map", predicted / "x.tif"),
    )
    assert "overall" in read(predicted / "x.json")
    numbers = [row["number"] for row in read(predicted / "x-errors.json")]
    assert numbers
    assert numbers == list(range(1, len(numbers) + 1))
    assert "x-errors.json" in "".join(result.stdout.split())


def test_the_list_of_errors_overwrites_nothing(predicted, run):
    listed = predicted / "x-errors.json"
    with pytest.raises(InputError, match=r"x-errors\.json is read or written already"):
        run(
            *("score", predicted / "prediction.tif", predicted / "labels.tif"),
            *("--json", listed, "--error-map", predicted / "x.tif"),
        )
    assert not listed.exists()


def test_tables_are_what_the_option_says_whatever_their_names(predicted, run):
    run(
        *("score", predicted / "prediction.tif", predicted / "labels.tif"),
        *("--csv", predicted / "table.txt", "--json", predicted / "scores.txt"),
    )
    with (predicted / "table.txt").open(encoding="utf-8", newline="") as file:
        slices = [row["slice"] for row in csv.DictReader(file)]
    assert slices == ["0", "1", "2", "3", "4", "all"]
    assert len(read(predicted / "scores.txt")["slices"]) == 5
