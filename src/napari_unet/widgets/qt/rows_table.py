"""A table whose rows are objects: sorted by value, with bars, ticks and widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QModelIndex,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor, QFont, QPainter
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from napari_unet.widgets.qt.parts import present

_ROLE = Qt.ItemDataRole
_BAR = _ROLE.UserRole
_MIDDLE = Qt.AlignmentFlag.AlignVCenter
_SIDES = {True: Qt.AlignmentFlag.AlignLeft, False: Qt.AlignmentFlag.AlignRight}
_TICKS = {True: Qt.CheckState.Checked, False: Qt.CheckState.Unchecked}
_FOR_QT: dict[int, Callable[[Any], Any]] = {
    _ROLE.DecorationRole: QColor,
    _ROLE.CheckStateRole: _TICKS.get,
}
_UP = Qt.SortOrder.AscendingOrder
_OPACITY = 0.45
# The arrow of the order lies above the title, which fills a narrow column.
_ARROW = """
QHeaderView::section {padding: 5px 1px 2px 1px}
QHeaderView::up-arrow, QHeaderView::down-arrow {
    subcontrol-position: top center; width: 9px; height: 6px
}
"""


def _nothing(_row: Any) -> str:
    return ""


@dataclass(frozen=True)
class Column:
    """What a table shows of its rows in one column; all functions take a row.

    Attributes
    ----------
    title, about
        The title, and what it means.
    text, tip
        What a cell says, and what it says under the mouse.
    key
        By what the rows are sorted, NaN last; by the text when left out.
    left
        Whether words begin on the left; figures end on the right.
    width
        In pixels; as wide as what it holds when left out.
    stretch
        Whether it takes the room that is left.
    colour
        Of a square before the text.
    bar
        Length from 0 to 1 and colour of a bar behind the text, or None.
    ticked, tick
        Whether a cell is ticked, and what is called when the user changes that.
    widget
        Makes a widget that lies in the cell.
    """

    title: str
    text: Callable[[Any], str] = _nothing
    key: Callable[[Any], Any] | None = None
    about: str = ""
    tip: Callable[[Any], str] = _nothing
    left: bool = False
    width: int | None = None
    stretch: bool = False
    colour: Callable[[Any], str] | None = None
    bar: Callable[[Any], tuple[float, str] | None] | None = None
    ticked: Callable[[Any], bool] | None = None
    tick: Callable[[Any, bool], None] | None = None
    widget: Callable[[Any], QWidget] | None = None

    @property
    def side(self) -> Qt.AlignmentFlag:
        """Where title and text stand."""
        return _SIDES[self.left] | _MIDDLE


class RowsTable(QTableView):
    """Shows objects as rows, of which one can be chosen.

    Parameters
    ----------
    *columns
        From left to right.
    sorted_by
        The column that sorts at first, and whether upwards; (-1, True) leaves the
        rows as they are given. None: the user cannot sort.
    italic
        Whether a row is set apart.

    Signals
    -------
    chosenChanged()
        Another row is chosen, or none.
    """

    chosenChanged = Signal()  # noqa: N815 (Qt's own spelling)

    def __init__(
        self,
        *columns: Column,
        sorted_by: tuple[int, bool] | None = (-1, True),
        italic: Callable[[Any], bool] = lambda _row: False,
    ) -> None:
        super().__init__()
        self._rows = _Rows(self, columns, italic)
        self.setModel(self._rows)
        self.setItemDelegate(_Bars(self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        titles, numbers = self.headers
        numbers.hide()
        numbers.setDefaultSectionSize(22)
        if sorted_by is not None:
            column, upwards = sorted_by
            order = _UP if upwards else Qt.SortOrder.DescendingOrder
            titles.setSortIndicator(column, order)
            titles.setStyleSheet(_ARROW)
            self.setSortingEnabled(True)
        self._resize_columns()
        present(self.selectionModel()).selectionChanged.connect(self._on_selection)

    @property
    def headers(self) -> tuple[QHeaderView, QHeaderView]:
        """The titles of the columns, and the numbers of the rows."""
        return present(self.horizontalHeader()), present(self.verticalHeader())

    def show_rows(self, rows: Sequence[Any], *columns: Column) -> None:
        """Show other rows in the order that was chosen, in other columns if given.

        What is chosen stays so where it is among them.
        """
        chosen = self.chosen()
        self._rows.fill(rows, columns or self._rows.columns)
        if columns:
            self._resize_columns()
        for number, column in enumerate(self._rows.columns):
            if column.widget is not None:
                for index, row in enumerate(self._rows.rows):
                    place = self._rows.index(index, number)
                    self.setIndexWidget(place, column.widget(row))
        self.choose(self._rows.place_of(chosen))
        self.chosenChanged.emit()

    def rows(self) -> list[Any]:
        """Return what is shown, from top to bottom."""
        return list(self._rows.rows)

    def count(self) -> int:
        """Return the number of rows."""
        return len(self._rows.rows)

    def row(self) -> int:
        """Return the place of the row that is chosen, or -1."""
        chosen = present(self.selectionModel()).selectedRows()
        return int(chosen[0].row()) if chosen else -1

    def chosen(self) -> Any:
        """Return the row that is chosen, or None."""
        row = self.row()
        return self._rows.rows[row] if row >= 0 else None

    def choose(self, row: int) -> Any:
        """Choose the row at a place and return it; none below 0."""
        if not 0 <= row < self.count():
            self.setCurrentIndex(QModelIndex())
            self.clearSelection()
            return None
        flags = QItemSelectionModel.SelectionFlag
        present(self.selectionModel()).setCurrentIndex(
            self._rows.index(row, 0), flags.ClearAndSelect | flags.Rows
        )
        return self._rows.rows[row]

    def _resize_columns(self) -> None:
        header, mode = self.headers[0], QHeaderView.ResizeMode
        for number, column in enumerate(self._rows.columns):
            how = mode.Stretch if column.stretch else mode.ResizeToContents
            header.setSectionResizeMode(
                number, how if column.width is None else mode.Fixed
            )
            if column.width is not None:
                header.resizeSection(number, column.width)

    def _on_selection(self, *_changed: Any) -> None:
        self.chosenChanged.emit()


class _Rows(QAbstractTableModel):
    """Objects as rows of a table."""

    def __init__(
        self,
        parent: QWidget,
        columns: Sequence[Column],
        italic: Callable[[Any], bool],
    ) -> None:
        super().__init__(parent)
        self.columns = columns
        self.rows: list[Any] = []
        self._given: list[Any] = []
        self._italic = QFont(parent.font())
        self._italic.setItalic(True)
        self._is_italic = italic
        self._order = (-1, _UP)

    def fill(self, rows: Sequence[Any], columns: Sequence[Column]) -> None:
        """Show other rows."""
        self.beginResetModel()
        self.columns, self._given = columns, list(rows)
        self.rows = self._sorted()
        self.endResetModel()

    def place_of(self, row: Any) -> int:
        """Return the place of a row, or -1; equal ones may stand beside it."""
        places = (place for place, one in enumerate(self.rows) if one is row)
        return next(places, -1)

    def sort(self, column: int, order: Qt.SortOrder = _UP) -> None:
        """Sort by a column; what is chosen stays so."""
        self._order = (column, order)
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        rows = [self.rows[index.row()] for index in before]
        self.rows = self._sorted()
        places = {id(row): place for place, row in enumerate(self.rows)}
        for index, row in zip(before, rows, strict=True):
            there = self.index(places[id(row)], index.column())
            self.changePersistentIndex(index, there)
        self.layoutChanged.emit()

    def _sorted(self) -> list[Any]:
        number, order = self._order
        if not 0 <= number < len(self.columns):
            return list(self._given)
        key = self.columns[number].key or self.columns[number].text
        keys = {id(row): key(row) for row in self._given}
        # NaN is the one value that is not itself.
        unknown = [row for row in self._given if keys[id(row)] != keys[id(row)]]
        known = [row for row in self._given if keys[id(row)] == keys[id(row)]]
        known.sort(key=lambda row: keys[id(row)], reverse=order != _UP)
        return known + unknown

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """Return the number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = 0
    ) -> Any:
        """Return a title, what it means or where it stands; rows have numbers."""
        if orientation != Qt.Orientation.Horizontal:
            return super().headerData(section, orientation, role)
        column = self.columns[section]
        answers: dict[int, Any] = {
            _ROLE.DisplayRole: column.title,
            _ROLE.ToolTipRole: column.about,
            _ROLE.TextAlignmentRole: column.side,
        }
        return answers.get(role)

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Return what the user can do with a cell."""
        ticked = self.columns[index.column()].ticked is not None
        more = Qt.ItemFlag.ItemIsUserCheckable if ticked else Qt.ItemFlag(0)
        return super().flags(index) | more

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return what a cell shows."""
        row, column = self.rows[index.row()], self.columns[index.column()]
        if role == _ROLE.TextAlignmentRole:
            return column.side
        if role == _ROLE.FontRole:
            return self._italic if self._is_italic(row) else None
        answers: dict[int, Any] = {
            _ROLE.DisplayRole: column.text,
            _ROLE.ToolTipRole: column.tip,
            _ROLE.DecorationRole: column.colour,
            _ROLE.CheckStateRole: column.ticked,
            _BAR: column.bar,
        }
        answer = answers.get(role)
        if answer is None:
            return None
        value = answer(row)
        return _FOR_QT[role](value) if role in _FOR_QT else value

    def setData(  # noqa: N802 (Qt's own spelling)
        self, index: QModelIndex, value: Any, role: int = _ROLE.EditRole
    ) -> bool:
        """Tick a cell, or untick it."""
        tick = self.columns[index.column()].tick
        if role != _ROLE.CheckStateRole or tick is None:
            return False
        tick(self.rows[index.row()], Qt.CheckState(value) == Qt.CheckState.Checked)
        self.dataChanged.emit(index, index)
        return True


class _Bars(QStyledItemDelegate):
    """Paints a bar under the text of a cell that has one."""

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        """Paint a cell."""
        bar = index.data(_BAR)
        if bar is not None and painter is not None:
            share, colour = bar
            place = option.rect.adjusted(2, 2, -2, -2)
            place.setWidth(round(place.width() * min(max(share, 0.0), 1.0)))
            painter.save()
            painter.setOpacity(_OPACITY)
            painter.fillRect(place, QColor(colour))
            painter.restore()
        super().paint(painter, option, index)
