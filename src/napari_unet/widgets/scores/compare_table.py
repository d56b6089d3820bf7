"""Scorings as rows of a table that can be sorted by any column."""

from __future__ import annotations

import math
from collections.abc import Sequence

from napari_unet.score.measures import MEASURES
from napari_unet.score.report.score_history import ScoreRecord
from napari_unet.train.checkpoints import model_name
from napari_unet.widgets.qt.rows_table import Column, RowsTable


class CompareTable(RowsTable):
    """One row for each scoring, with a column for each score that any of them has.

    Rows of slices that the model was trained on are in italics, and say so.
    """

    def __init__(self) -> None:
        # Only on a click: else the rows would turn round with the first one.
        super().__init__(*_columns(()), italic=lambda record: record.flatters)
        self.names: tuple[str, ...] = ()
        self.setMinimumHeight(150)
        self.headers[1].show()

    def show_records(self, records: Sequence[ScoreRecord]) -> None:
        """Fill the table, in the order that was sorted by last."""
        found = {name for record in records for name in record.values}
        self.names = tuple(name for name in MEASURES if name in found)
        self.show_rows(records, *_columns(self.names))


def _columns(names: Sequence[str]) -> tuple[Column, ...]:
    return (
        Column(
            "Prediction",
            lambda record: record.prediction,
            key=lambda record: record.prediction.lower(),
            tip=_tip,
            left=True,
        ),
        Column(
            "Threshold",
            lambda r: "-" if r.threshold is None else f"{r.threshold:g}",
            key=lambda r: -1.0 if r.threshold is None else r.threshold,
            tip=_tip,
        ),
        *(_measure(name) for name in names),
        Column("Slices", lambda r: r.slices, key=_first_number, tip=_tip),
        Column(
            "Model",
            lambda record: model_name(record.model),
            key=lambda record: record.model,
            tip=lambda record: _tip(record) or record.model,
            left=True,
        ),
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
        MEASURES[name].title,
        lambda r: "-" if math.isnan(value(r)) else f"{value(r):.4f}",
        key=value,
        about=MEASURES[name].sentence,
        tip=_tip,
    )


def _tip(record: ScoreRecord) -> str:
    return record.trained_words


def _first_number(record: ScoreRecord) -> int:
    digits = record.slices.partition(":")[0].partition(",")[0]
    return int(digits) if digits.isdigit() else -1
