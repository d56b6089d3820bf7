"""The table of errors: what it is, where, and how large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from napari_unet.score.errors.error_kinds import KIND_COLORS, KIND_NAMES, Error

_TITLES = ("Error", "Slice", "Pixels")
_KEYS = (
    lambda error: KIND_NAMES[error.kind],
    lambda error: error.slice,
    lambda error: error.pixels,
)
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_DOWN = Qt.SortOrder.DescendingOrder


class ErrorTable(QTableView):
    """Errors, the largest first; a click on a title sorts by it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = _Rows(self)
        self.setModel(self._rows)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSortingEnabled(True)
        self.sortByColumn(2, _DOWN)
        self.setShowGrid(False)
        self.setMinimumHeight(180)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(22)
        header = self.horizontalHeader()
        header.setMinimumSectionSize(72)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        # With the keyboard it would search its entries for the keys of the viewer.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def count(self) -> int:
        """Return how many errors are listed."""
        return len(self._rows.errors)

    def errors(self) -> list[Error]:
        """Return what is listed, from top to bottom."""
        return list(self._rows.errors)

    def show_errors(self, errors: Sequence[Error], first_slice: int = 0) -> None:
        """Show other errors, in the order that was chosen."""
        self._rows.first_slice = first_slice
        self._rows.fill(errors)

    def row(self) -> int:
        """Return the row that is chosen, or -1."""
        return int(self.currentIndex().row())

    def choose(self, row: int) -> Error | None:
        """Choose a row and return its error; none below 0."""
        if not 0 <= row < len(self._rows.errors):
            self.setCurrentIndex(QModelIndex())
            return None
        self.setCurrentIndex(self._rows.index(row, 0))
        return self._rows.errors[row]

    def chosen(self) -> Error | None:
        """Return the error that is chosen, or None."""
        row = self.row()
        return self._rows.errors[row] if row >= 0 else None


class _Rows(QAbstractTableModel):
    """Errors as rows."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.errors: list[Error] = []
        self.first_slice = 0
        self._order = (2, _DOWN)

    def fill(self, errors: Sequence[Error]) -> None:
        """Show other errors."""
        self.beginResetModel()
        self.errors = self._sorted(errors)
        self.endResetModel()

    def sort(self, column: int, order: Qt.SortOrder = _DOWN) -> None:
        """Sort by a column; what is chosen stays so."""
        self._order = (column, order)
        before = self.errors
        kept = self.persistentIndexList()
        chosen = [before[index.row()].number for index in kept]
        self.layoutAboutToBeChanged.emit()
        self.errors = self._sorted(before)
        rows = {error.number: row for row, error in enumerate(self.errors)}
        for index, number in zip(kept, chosen, strict=True):
            there = self.index(rows[number], index.column())
            self.changePersistentIndex(index, there)
        self.layoutChanged.emit()

    def _sorted(self, errors: Sequence[Error]) -> list[Error]:
        column, order = self._order
        by_size = sorted(errors, key=lambda error: error.number)
        return sorted(by_size, key=_KEYS[column], reverse=order == _DOWN)

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """Return the number of errors."""
        return 0 if parent is not None and parent.isValid() else len(self.errors)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(_TITLES)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = 0
    ) -> Any:
        """Return a title."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return _TITLES[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            # On the right the arrow of the order is drawn over the title.
            return Qt.AlignmentFlag.AlignCenter if section else _LEFT
        return None

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return what a cell shows."""
        error, column = self.errors[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            texts = (
                KIND_NAMES[error.kind],
                str(error.slice + self.first_slice),
                f"{error.pixels:,}",
            )
            return texts[column]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column else _LEFT
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return QColor(KIND_COLORS[error.kind])
        return None
