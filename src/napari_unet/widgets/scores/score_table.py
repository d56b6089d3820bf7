"""The table of scores: a row for each slice, a bar behind each figure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from qtpy.QtCore import Qt

from napari_unet.score.measures import MEASURES, SHOWN, figure
from napari_unet.score.scores import SliceScores
from napari_unet.widgets.qt.rows_table import Column, RowsTable

_TITLES = {"v_rand": "Rand F", "v_info": "Info F", "warping_error": "Warp ‰"}
_WIDEST = "9999 * "
_GOOD, _BAD = "#009E73", "#D55E00"
_TRAINED = "The network learnt from this slice: its scores flatter."


class ScoreTable(RowsTable):
    """Slices and their scores; a click on a title sorts."""

    def __init__(self) -> None:
        super().__init__(sorted_by=(0, True))
        self.show_scores(())
        self.setMinimumHeight(160)
        self.headers[0].setMinimumSectionSize(30)
        # With the keyboard it would search its rows for the keys of the viewer.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_scores(self, rows: Sequence[SliceScores]) -> None:
        """Show other slices, in the order that was chosen."""
        self.show_rows(rows, *self._columns(rows))

    def _columns(self, rows: Sequence[SliceScores]) -> list[Column]:
        number = Column(
            "Slice",
            lambda row: f"{row.slice} *" if row.trained_on else str(row.slice),
            key=lambda row: row.slice,
            about="Click a row to go there.",
            tip=lambda row: _TRAINED if row.trained_on else "",
            width=self.fontMetrics().horizontalAdvance(_WIDEST),
        )
        return [number, *(_measure(name, rows) for name in SHOWN)]


def _measure(name: str, rows: Sequence[SliceScores]) -> Column:
    """Return the column of a score: a bar is green where long is good, else orange."""
    good = bool(MEASURES[name].best)
    known = (row.values()[name] for row in rows)
    longest = max((value for value in known if not math.isnan(value)), default=0.0)

    def value(row: SliceScores) -> float:
        return float(row.values()[name])

    def bar(row: SliceScores) -> tuple[float, str] | None:
        if math.isnan(value(row)):
            return None
        return (value(row), _GOOD) if good else (value(row) / (longest or 1.0), _BAD)

    return Column(
        _TITLES.get(name, MEASURES[name].title),
        lambda row: _cell(value(row), name),
        key=value,
        about=MEASURES[name].sentence,
        stretch=True,
        bar=bar,
    )


def _cell(value: float, name: str) -> str:
    """Write a score in a narrow column; warping errors are thousandths."""
    known = name == "warping_error" and not math.isnan(value)
    return f"{1000 * value:.2f}" if known else figure(value, name)
