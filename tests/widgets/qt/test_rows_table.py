"""A table of objects: sorted by value, one of them chosen, ticks that count."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QPushButton

from napari_unet.widgets.qt.rows_table import Column, RowsTable

UP, DOWN = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


@dataclass(eq=False)
class Cell:
    """A row."""

    name: str
    area: float
    used: bool = False


CELLS = [Cell("b", 9.0), Cell("a", math.nan), Cell("c", 10.0)]


@pytest.fixture
def table(qtbot: Any) -> RowsTable:
    def tick(cell: Cell, used: bool) -> None:
        cell.used = used

    made = RowsTable(
        Column("Cell", lambda cell: cell.name, tip=lambda cell: f"cell {cell.name}"),
        Column("Area", lambda cell: f"{cell.area:g}", key=lambda cell: cell.area),
        Column("", ticked=lambda cell: cell.used, tick=tick),
        Column("Look", widget=lambda cell: QPushButton(cell.name)),
    )
    qtbot.addWidget(made)
    made.show_rows(CELLS)
    return made


def names(table: RowsTable) -> str:
    return "".join(table.model().index(row, 0).data() for row in range(table.count()))


def test_rows_stand_as_they_are_given_until_a_title_is_clicked(
    table: RowsTable,
) -> None:
    assert names(table) == "bac"
    table.sortByColumn(0, UP)
    assert names(table) == "abc"


@pytest.mark.parametrize(("order", "expected"), [(UP, "bca"), (DOWN, "cba")])
def test_figures_are_sorted_by_value_and_what_has_none_comes_last(
    table: RowsTable, order: Any, expected: str
) -> None:
    table.sortByColumn(1, order)
    assert names(table) == expected
    table.show_rows(CELLS[::-1])
    assert names(table) == expected


def test_the_chosen_row_stays_chosen_when_rows_are_sorted_or_shown_again(
    table: RowsTable, qtbot: Any
) -> None:
    with qtbot.waitSignal(table.chosenChanged):
        assert table.choose(0) is CELLS[0]
    table.sortByColumn(0, DOWN)
    assert (table.row(), table.chosen()) == (1, CELLS[0])
    table.show_rows(CELLS[:1])
    assert table.chosen() is CELLS[0]
    with qtbot.waitSignal(table.chosenChanged):
        table.show_rows(CELLS[1:])
    assert (table.row(), table.chosen()) == (-1, None)
    assert table.choose(-1) is None


def test_a_cell_that_is_ticked_changes_its_row_alone(table: RowsTable) -> None:
    cell = table.model().index(2, 2)
    assert cell.flags() & Qt.ItemFlag.ItemIsUserCheckable
    role = Qt.ItemDataRole.CheckStateRole
    assert table.model().setData(cell, Qt.CheckState.Checked, role)
    assert [one.used for one in CELLS] == [False, False, True]
    assert not table.model().setData(table.model().index(2, 0), "other")
    table.model().setData(cell, Qt.CheckState.Unchecked, role)
    assert not CELLS[2].used


def test_a_cell_holds_a_widget_of_its_row(table: RowsTable) -> None:
    for row, cell in enumerate(CELLS):
        held = table.indexWidget(table.model().index(row, 3))
        assert held.text() == cell.name
    cell = table.model().index(1, 0)
    assert cell.data(Qt.ItemDataRole.ToolTipRole) == "cell a"
