"""Scorings as rows of a table that can be sorted by any column."""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari_unet.score.measures import MEASURES
from napari_unet.score.report.score_history import ScoreRecord
from napari_unet.train.checkpoints import model_name
from napari_unet.widgets.qt.rows_table import Column, RowsTable

_TITLES = {"v_rand": "Rand F", "v_info": "Info F"}
_CHARACTERS = 28
"""That a name has room for, so that the score beside it is seen as well."""


class CompareTable(RowsTable):
    """One row for each scoring, with a column for each score that any of them has.

    A row is called by its model and its ground truth. Rows of slices that the model
    was trained on are in italics, and say so.
    """

    def __init__(self) -> None:
        # Only on a click: else the rows would turn round with the first one.
        super().__init__(*_columns(()), italic=lambda record: record.flatters)
        self.names: tuple[str, ...] = ()
        self.setFixedHeight(150)
        self.headers[1].show()

    def show_records(self, records: Sequence[ScoreRecord], first: str = "") -> None:
        """Fill the table, in the order that was sorted by last.

        Parameters
        ----------
        records
            The rows.
        first
            Name of the score that stands before the others.
        """
        found = {name for record in records for name in record.values}
        self.names = tuple(name for name in MEASURES if name in found)
        width = _CHARACTERS * self.fontMetrics().averageCharWidth()
        names = sorted(self.names, key=lambda name: name != first)
        self.show_rows(records, *_columns(names, width))


def name_of(record: ScoreRecord) -> str:
    """Return what a scoring is called: its model, or its method, and the truth.

    Where nobody knows what made a prediction, that is called by its own name.
    """
    maker = model_name(record.model) or record.prediction
    return f"{maker} / {record.truth}" if record.truth else maker


def _columns(names: Sequence[str], width: int | None = None) -> tuple[Column, ...]:
    return (
        Column(
            "Model / truth",
            name_of,
            key=lambda record: name_of(record).lower(),
            tip=_about,
            left=True,
            width=width,
        ),
        *(_measure(name) for name in names),
        Column(
            "Threshold",
            lambda r: "-" if r.threshold is None else f"{r.threshold:g}",
            key=lambda r: -1.0 if r.threshold is None else r.threshold,
            tip=_tip,
        ),
        Column("Slices", lambda r: r.slices, key=_first_number, tip=_tip),
        Column("Prediction", lambda record: record.prediction, tip=_tip, left=True),
        Column("Image", lambda record: record.image, tip=_tip, left=True),
        Column(
            "Date",
            lambda record: f"{record.moment:%Y-%m-%d %H:%M}",
            key=lambda record: record.moment,
            tip=_tip,
            left=True,
        ),
    )


def _measure(name: str) -> Column:
    def value(record: ScoreRecord) -> float:
        return record.values.get(name, math.nan)

    return Column(
        _TITLES.get(name, MEASURES[name].title),
        lambda r: "-" if math.isnan(value(r)) else f"{value(r):.4f}",
        key=value,
        about=MEASURES[name].sentence,
        tip=_tip,
    )


def _about(record: ScoreRecord) -> str:
    """Return the whole name, the file of the model, and how far the scores flatter."""
    lines = (name_of(record), record.model, record.trained_words)
    return "\n".join(dict.fromkeys(filter(None, lines)))


def _tip(record: ScoreRecord) -> str:
    return record.trained_words


def _first_number(record: ScoreRecord) -> int:
    digits = record.slices.partition(":")[0].partition(",")[0]
    return int(digits) if digits.isdigit() else -1
