"""Scorings as rows of a table that can be sorted by any column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_unet.score.measures import MEASURES
from napari_unet.score.report.score_history import ScoreRecord
from napari_unet.widgets.choose.model_box import title

UNKNOWN = "?"
"""In place of the slices that a model had learnt from, where they are not known."""
_FIRST = ("Prediction", "Threshold")
_LAST = ("Slices", "Model", "Image", "Date")
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_RECORD = Qt.ItemDataRole.UserRole


class CompareTable(QTableWidget):
    """One row for each scoring, with a column for each score that any of them has.

    Rows of slices that the model was trained on are in italics, and say so.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 0, parent)
        self.names: tuple[str, ...] = ()
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self.setMinimumHeight(150)
        self.setSortingEnabled(True)
        # Only on a click: else the rows would turn round with the first one.
        self.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        mode = QHeaderView.ResizeMode.ResizeToContents
        self.horizontalHeader().setSectionResizeMode(mode)

    def show_records(self, records: Sequence[ScoreRecord]) -> None:
        """Fill the table, in the order that was sorted by last."""
        found = {name for record in records for name in record.values}
        self.names = tuple(name for name in MEASURES if name in found)
        titles = (*_FIRST, *(MEASURES[name].title for name in self.names), *_LAST)
        self.setSortingEnabled(False)
        self.setColumnCount(len(titles))
        self.setHorizontalHeaderLabels(titles)
        for column, name in enumerate(self.names, start=len(_FIRST)):
            self.horizontalHeaderItem(column).setToolTip(MEASURES[name].sentence)
        self.setRowCount(len(records))
        for row, record in enumerate(records):
            for column, cell in enumerate(self._cells(record)):
                self.setItem(row, column, cell)
        self.setSortingEnabled(True)

    def records(self) -> list[ScoreRecord]:
        """Return the rows, from top to bottom."""
        return [self._record(row) for row in range(self.rowCount())]

    def chosen(self) -> ScoreRecord | None:
        """Return the selected row, or None."""
        rows = self.selectionModel().selectedRows()
        return self._record(rows[0].row()) if rows else None

    def _record(self, row: int) -> ScoreRecord:
        record: ScoreRecord = self.item(row, 0).data(_RECORD)
        return record

    def _cells(self, record: ScoreRecord) -> list[QTableWidgetItem]:
        name = _Cell(record.prediction, record.prediction.lower())
        name.setData(_RECORD, record)
        values = [record.values.get(one, math.nan) for one in self.names]
        cells = [
            name,
            _Cell(*_threshold(record.threshold)),
            *(_Cell("-" if math.isnan(v) else f"{v:.4f}", _last(v)) for v in values),
            _Cell(record.slices, _first_number(record.slices)),
            _Cell(model_name(record.model), record.model),
            _Cell(record.image, record.image),
            _Cell(*_date(record.date)),
        ]
        for cell in cells[1 : len(values) + 3]:
            cell.setTextAlignment(_RIGHT)
        cells[-3].setToolTip(record.model)
        if record.trained:
            _mark(cells, record.trained)
        return cells


class _Cell(QTableWidgetItem):
    """A cell that is sorted by a value, not by its text."""

    def __init__(self, text: str, value: Any) -> None:
        super().__init__(text)
        self._value = value

    def __lt__(self, other: QTableWidgetItem) -> bool:
        if isinstance(other, _Cell):
            return bool(self._value < other._value)
        return False


def model_name(model: str) -> str:
    """Write a model file as the Predict dock does, and any other method as it is.

    >>> model_name("runs/2026-11-23-071020-em/best.safetensors")
    '07:10 em, 11-23 (best)'
    >>> model_name("Otsu threshold")
    'Otsu threshold'
    """
    return title(Path(model)) if model.endswith(".safetensors") else model


def _mark(cells: Sequence[QTableWidgetItem], trained: str) -> None:
    """Set apart what was scored on slices that the model was trained on."""
    if trained == UNKNOWN:
        cells[0].setToolTip("It is not known which slices the model learnt from.")
        return
    for cell in cells:
        font = cell.font()
        font.setItalic(True)
        cell.setFont(font)
        cell.setToolTip(
            f"Slices {trained} were trained on: these scores say little of other "
            "images."
        )


def _last(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def _threshold(value: float | None) -> tuple[str, float]:
    return ("-", -1.0) if value is None else (f"{value:g}", value)


def _first_number(slices: str) -> int:
    digits = slices.partition(":")[0].partition(",")[0]
    return int(digits) if digits.isdigit() else -1


def _date(text: str) -> tuple[str, float]:
    moment = datetime.fromisoformat(text).astimezone()
    return f"{moment:%Y-%m-%d %H:%M}", moment.timestamp()
