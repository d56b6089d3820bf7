"""Scores of a stack, slice by slice and overall, as a table, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import IGNORE
from napari_unet.data.files import atomic_write
from napari_unet.errors import InputError
from napari_unet.score.comparison import compare
from napari_unet.score.overlap import Overlap, overlap

COLUMNS = ("iou", "dice", "accuracy", "pixel_error")
"""Names of the scores, in the order in which they are shown."""


@dataclass(frozen=True, eq=False)
class SliceScores:
    """Scores of one slice."""

    slice: int
    overlap: Overlap

    def values(self) -> dict[str, float]:
        """Return the scores by name; NaN where a score is not defined."""
        return _values(self.overlap)


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of a stack: one row for each slice with truth, and all pixels together.

    Attributes
    ----------
    slices
        One row for each slice that has ground truth.
    overall
        Counts of all slices added up, so that large slices count more and an empty
        slice does not count as perfect.
    """

    slices: tuple[SliceScores, ...]
    overall: Overlap

    def values(self) -> dict[str, float]:
        """Return the overall scores by name."""
        return _values(self.overall)

    def to_dict(self) -> dict[str, Any]:
        """Return `overall` and `slices` as JSON types; undefined scores are None."""
        return {
            "overall": {
                **_finite(self.values()),
                "iou_per_class": _list(self.overall.iou_per_class),
                "dice_per_class": _list(self.overall.dice_per_class),
                "pixels": self.overall.pixels,
            },
            "slices": [
                {
                    "slice": row.slice,
                    **_finite(row.values()),
                    "pixels": row.overlap.pixels,
                }
                for row in self.slices
            ],
        }

    def to_csv(self) -> str:
        """Return one line for each slice and a last one, "all", for the whole."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["slice", *COLUMNS])
        for row in self.slices:
            writer.writerow([row.slice, *_cells(row.values())])
        writer.writerow(["all", *_cells(self.values())])
        return text.getvalue()

    def save(self, path: str | Path) -> None:
        """Write JSON, or CSV where `path` ends in .csv.

        Raises
        ------
        OutputError
            When the file cannot be written.
        """
        csv_wanted = Path(path).suffix.lower() == ".csv"
        text = self.to_csv() if csv_wanted else json.dumps(self.to_dict(), indent=2)
        with atomic_write(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def score_stack(
    prediction: NDArray[np.generic],
    truth: NDArray[np.uint8],
    *,
    num_classes: int | None = None,
    first_slice: int = 0,
) -> Scores:
    """Score a prediction against ground truth.

    Parameters
    ----------
    prediction
        (Z, Y, X) class indices.
    truth
        (Z, Y, X) class indices, `IGNORE` where there is no truth.
    num_classes
        Classes, background included; the highest that occurs when left out.
    first_slice
        Number by which the first slice is called in the report.

    Raises
    ------
    InputError
        When shapes differ, or no slice has ground truth.
    """
    if num_classes is None:
        known = truth[truth != IGNORE]
        highest = max(int(prediction.max(initial=1)), int(known.max(initial=1)))
        num_classes = highest + 1
    rows = [
        SliceScores(first_slice + z, overlap(told, true, num_classes))
        for z, (told, true) in enumerate(_pairs(prediction, truth))
        if (true != IGNORE).any()
    ]
    if not rows:
        raise InputError("No slice has ground truth: there is nothing to score.")
    return Scores(tuple(rows), reduce(add, (row.overlap for row in rows)))


def score_labels(
    prediction: NDArray[np.generic],
    truth: NDArray[np.generic],
    kind: AnnotationKind | None = None,
    *,
    first_slice: int = 0,
    slices: Sequence[int] | None = None,
) -> tuple[Scores, tuple[str, ...]]:
    """Score a prediction against ground truth as it is stored, whatever its values.

    Parameters
    ----------
    prediction
        (Z, Y, X) class indices; where the truth has two classes, everything above 0
        is foreground, so that masks of 0 and 255 and numbered objects work too.
    truth
        (Z, Y, X) labels as painted or saved.
    kind
        What the values of `truth` mean; guessed when left out.
    first_slice
        Number by which the first slice is called in the report.
    slices
        Score only these slices, such as those that were predicted; all when left out.

    Returns
    -------
    The scores, and words to the user on how the values were read.

    Raises
    ------
    InputError
        When shapes or classes differ, or there is no truth.
    """
    read = compare(prediction, truth, kind, first_slice=first_slice, slices=slices)
    scores = score_stack(
        read.prediction,
        read.truth,
        num_classes=read.num_classes,
        first_slice=first_slice,
    )
    return scores, read.notes


def _pairs(
    prediction: NDArray[np.generic], truth: NDArray[np.uint8]
) -> list[tuple[NDArray[np.generic], NDArray[np.uint8]]]:
    if prediction.shape == truth.shape and prediction.ndim != 3:
        raise InputError(
            f"Arrays of {prediction.ndim} dimensions cannot be scored: give slices, "
            "Y and X."
        )
    if prediction.shape != truth.shape:
        overlap(prediction, truth, 255)
    return list(zip(prediction, truth, strict=True))


def _values(counts: Overlap) -> dict[str, float]:
    return {name: float(getattr(counts, name)) for name in COLUMNS}


def _finite(values: dict[str, float]) -> dict[str, float | None]:
    return {n: None if math.isnan(v) else round(v, 6) for n, v in values.items()}


def _list(values: NDArray[np.float64]) -> list[float | None]:
    return [None if math.isnan(v) else round(float(v), 6) for v in values]


def _cells(values: dict[str, float]) -> list[str]:
    return ["" if math.isnan(v) else f"{v:.6f}" for v in values.values()]
