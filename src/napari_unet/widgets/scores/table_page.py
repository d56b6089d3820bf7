"""The page with the scores of each slice, all of the stack, and ways to save them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from qtpy.QtWidgets import QWidget

from napari_unet.widgets.qt.file_dialogs import save_file
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.parts import WrappedLabel, button, in_column, in_row
from napari_unet.widgets.scores.all_scores import AllScores
from napari_unet.widgets.scores.score_table import ScoreTable

if TYPE_CHECKING:
    from napari_unet.score.scores import Scores

_EMPTY = (
    "No scores yet: choose a prediction and its ground truth above, then press Score."
)


class Saves(Protocol):
    """What writes scores, and a report of them, to a path."""

    def save(self, path: str | Path) -> None:
        """Write the scores."""

    def save_report(self, path: str | Path) -> None:
        """Write the report."""


class TablePage(QWidget):
    """Slices and their scores; below them those of the stack, and two buttons.

    Parameters
    ----------
    saves
        What is called with the file that the user has chosen.
    """

    def __init__(self, saves: Saves) -> None:
        super().__init__()
        self.table = ScoreTable()
        self.all_scores = AllScores()
        table = "Save scores", "scores.csv", "CSV (*.csv);;JSON (*.json)", saves.save
        self.save_button = button("Save table ...", partial(save_file, self, *table))
        types = "HTML (*.html);;Markdown (*.md)"
        page = "Save report", "scores.html", types, saves.save_report
        self.report_button = button("Save report ...", partial(save_file, self, *page))
        self._empty = WrappedLabel(_EMPTY, lines=2)
        self._saves = QWidget()
        in_row(self.save_button, self.report_button, of=self._saves)
        parts = (self._empty, self.table, self.all_scores, self._saves)
        column = in_column(self, *parts)
        column.setStretchFactor(self.table, 1)

    def show_scores(self, scores: Scores | None, *, whole: bool = True) -> None:
        """Show other scores, or the first of them; None takes them away."""
        self.table.show_scores(() if scores is None else scores.slices)
        self.all_scores.show_scores(scores if whole else None)
        self._empty.setVisible(scores is None)
        for part in (self.table, self.all_scores, self._saves):
            part.setVisible(scores is not None)

    def refresh(self, reason: str) -> None:
        """Disable what saves for a reason, "" enables it."""
        for part in (self.save_button, self.report_button):
            explain(part, reason)
