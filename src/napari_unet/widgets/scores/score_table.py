"""The table of scores: a row for each slice, a bar behind each figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from napari_unet.score.measures import MEASURES, SHOWN
from napari_unet.score.scores import SliceScores

_TITLES = {"v_rand": "Rand F", "v_info": "Info F", "warping_error": "Warp ‰"}
_WIDEST = "9999 * "
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_UP = Qt.SortOrder.AscendingOrder
_SHARE = Qt.ItemDataRole.UserRole
_GOOD, _BAD = QColor("#009E73"), QColor("#D55E00")
_OPACITY = 0.45
# Above the title, which fills a narrow column.
_ARROW = """
QHeaderView::section {padding: 5px 1px 2px 1px}
QHeaderView::up-arrow, QHeaderView::down-arrow {
    subcontrol-position: top center; width: 9px; height: 6px
}
"""


class ScoreTable(QTableView):
    """Slices and their scores; a click on a title sorts, one on a row goes there.

    Signals
    -------
    chosen(int)
        The number of the slice that was clicked.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = _Rows(self)
        self.setModel(self._rows)
        self.setItemDelegate(_Bars(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setMinimumHeight(160)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(22)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(0, self.fontMetrics().horizontalAdvance(_WIDEST))
        header.setMinimumSectionSize(30)
        header.setStyleSheet(_ARROW)
        self.setSortingEnabled(True)
        self.sortByColumn(0, _UP)
        # With the keyboard it would search its rows for the keys of the viewer.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.clicked.connect(
            lambda index: self.chosen.emit(self._rows.rows[index.row()].slice)
        )

    def show_rows(self, rows: Sequence[SliceScores]) -> None:
        """Show other slices, in the order that was chosen."""
        self._rows.fill(rows)

    def rows(self) -> list[SliceScores]:
        """Return what is shown, from top to bottom."""
        return list(self._rows.rows)

    def text(self, row: int, name: str) -> str:
        """Return what a cell shows."""
        index = self._rows.index(row, 1 + SHOWN.index(name))
        return str(index.data(Qt.ItemDataRole.DisplayRole))


class _Rows(QAbstractTableModel):
    """Slices as rows."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.rows: list[SliceScores] = []
        self._order = (0, _UP)
        self._largest: dict[str, float] = {}

    def fill(self, rows: Sequence[SliceScores]) -> None:
        """Show other slices."""
        self.beginResetModel()
        self.rows = self._sorted(rows)
        for name in SHOWN:
            values = [row.values()[name] for row in rows]
            known = [value for value in values if not math.isnan(value)]
            self._largest[name] = max(known, default=0.0)
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = _UP) -> None:
        """Sort by a column; slices without that score come last."""
        self._order = (column, order)
        self.layoutAboutToBeChanged.emit()
        chosen = [self.rows[index.row()] for index in self.persistentIndexList()]
        before = self.persistentIndexList()
        self.rows = self._sorted(self.rows)
        for index, row in zip(before, chosen, strict=True):
            there = self.index(self.rows.index(row), index.column())
            self.changePersistentIndex(index, there)
        self.layoutChanged.emit()

    def _sorted(self, rows: Sequence[SliceScores]) -> list[SliceScores]:
        column, order = self._order
        sign = 1 if order == _UP else -1

        def key(row: SliceScores) -> tuple[bool, float]:
            value = row.slice if column == 0 else row.values()[SHOWN[column - 1]]
            return (math.isnan(value), 0 if math.isnan(value) else sign * value)

        return sorted(rows, key=key)

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """Return the number of slices."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else 1 + len(SHOWN)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = 0
    ) -> Any:
        """Return a title, or what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        name = SHOWN[section - 1] if section else ""
        if role == Qt.ItemDataRole.DisplayRole:
            return _TITLES.get(name, MEASURES[name].title) if name else "Slice"
        if role == Qt.ItemDataRole.ToolTipRole:
            return MEASURES[name].sentence if name else "Click a row to go there."
        return _RIGHT if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return what a cell shows, and as `_SHARE` how long its bar is."""
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT
        if column == 0:
            return _number(row, role)
        name = SHOWN[column - 1]
        value = row.values()[name]
        if role == Qt.ItemDataRole.DisplayRole:
            return _cell(value, name)
        if role == _SHARE and not math.isnan(value):
            best = MEASURES[name].best
            return value if best else value / (self._largest[name] or 1.0)
        return None


class _Bars(QStyledItemDelegate):
    """Paints a bar under the figure: green where long is good, else orange."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """Paint a cell."""
        share = index.data(_SHARE)
        if share is not None:
            bar = option.rect.adjusted(2, 2, -2, -2)
            bar.setWidth(round(bar.width() * min(max(share, 0.0), 1.0)))
            good = MEASURES[SHOWN[index.column() - 1]].best
            painter.save()
            painter.setOpacity(_OPACITY)
            painter.fillRect(bar, _GOOD if good else _BAD)
            painter.restore()
        super().paint(painter, option, index)


def figure(value: float, name: str) -> str:
    """Write a score as a table shows it."""
    if math.isnan(value):
        return "-"
    if name.startswith("surface") or name.startswith("voi"):
        return f"{value:.2f}"
    return f"{value:#.2g}" if name == "warping_error" else f"{value:.3f}"


def _cell(value: float, name: str) -> str:
    """Write a score in a narrow column; warping errors are thousandths."""
    known = name == "warping_error" and not math.isnan(value)
    return f"{1000 * value:.2f}" if known else figure(value, name)


def _number(row: SliceScores, role: int) -> Any:
    if role == Qt.ItemDataRole.DisplayRole:
        return f"{row.slice} *" if row.trained_on else str(row.slice)
    if role == Qt.ItemDataRole.ToolTipRole and row.trained_on:
        return "The network learnt from this slice: its scores flatter."
    return None
