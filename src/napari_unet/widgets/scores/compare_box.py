"""Predictions side by side, now and over the time of a project."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QWidget

from napari_unet.data.files import write_text
from napari_unet.errors import telling
from napari_unet.score.measures import MEASURES
from napari_unet.score.report.score_history import (
    ScoreHistory,
    ScoreRecord,
    latest_of_each,
    to_csv,
)
from napari_unet.widgets.project.open_project import OpenProject
from napari_unet.widgets.qt.file_dialogs import save_file
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.parts import (
    NarrowBox,
    WrappedLabel,
    button,
    in_column,
    in_row,
)
from napari_unet.widgets.scores.compare_plot import ComparePlot
from napari_unet.widgets.scores.compare_table import CompareTable

if TYPE_CHECKING:
    from napari.components import ViewerModel

LATEST, IMAGE, PROJECT = "latest of each", "all of this image", "all of this project"
_FIRST = "v_rand"
_NOTHING = (
    "No scores yet: score a prediction, then another one, and both stand here side by "
    "side."
)


class CompareBox(QWidget):
    """Lists the scorings of a project, and draws one of the scores of all.

    What is scored is added to the project's `scores.jsonl`, and shown again when the
    project is opened.

    Parameters
    ----------
    viewer
        The viewer whose project it is.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._project = OpenProject.of(viewer)
        self._project.stay_with(self)
        self._records: list[ScoreRecord] = []
        self._image = ""
        self._folder: Path | None = None
        self.extent = NarrowBox(LATEST, IMAGE, PROJECT)
        self.extent.setToolTip(
            f"{LATEST}: the newest scores of every prediction of the image\n"
            f"{IMAGE}: every scoring of it\n{PROJECT}: those of other images too"
        )
        self.measure = NarrowBox()
        self.measure.setToolTip("Which score comes first, and is drawn.")
        self.table = CompareTable()
        self._plot = ComparePlot()
        self.words = WrappedLabel()
        self.remove_button = button("Remove row", self.remove)
        table = "Save the table", "comparison.csv", "CSV (*.csv)", self.save
        self.save_button = button("Save as CSV ...", partial(save_file, self, *table))
        top = in_row(self.extent, self.measure, stretch=(1, 1))
        bottom = in_row(self.remove_button, self.save_button, stretch=(1, 1))
        in_column(self, top, self.table, self._plot, bottom, self.words)
        self.extent.currentIndexChanged.connect(self.refresh)
        self.measure.currentIndexChanged.connect(self.refresh)
        self.table.chosenChanged.connect(self._draw)
        self.table.headers[0].sortIndicatorChanged.connect(self._draw)
        self._project.changed.connect(self._on_project)
        self._on_project()

    def add(self, record: ScoreRecord) -> None:
        """Add a scoring to the table, and to the history of the project."""
        self._image = record.image
        self._records.append(record)
        with telling(self.words.setText):
            self._history.add(record)
        self.refresh()
        rows = self.table.rows()
        self.table.choose(next(n for n, one in enumerate(rows) if one is record))

    def choose(self, measure: str) -> None:
        """Let a score come first and be drawn, where any scoring has it."""
        place = self.measure.findData(measure)
        if place >= 0:
            self.measure.setCurrentIndex(place)

    def remove(self) -> None:
        """Take the selected row out of the table and of the history."""
        record = self.table.chosen()
        if record is None:
            return
        self._records.remove(record)
        with telling(self.words.setText):
            self._history.remove(record)
        self.refresh()

    def save(self, path: str | Path) -> None:
        """Write the rows that are shown as CSV."""
        with telling(self.words.setText):
            write_text(path, to_csv(self.table.rows(), self.table.names))
            self.words.setText(f"Wrote {path}")

    def shown(self) -> list[ScoreRecord]:
        """Return what the table is to hold, oldest first."""
        chosen = self.extent.currentText()
        records = self._records
        if chosen != PROJECT and self._image:
            records = [one for one in records if one.image == self._image]
        return latest_of_each(records) if chosen == LATEST else records

    def refresh(self, *_changed: Any) -> None:
        """Bring table, plot and buttons up to date."""
        measure = self.measure.currentData() or _FIRST
        self.table.show_records(self.shown(), measure)
        self.measure.blockSignals(True)
        self.measure.clear()
        for name in self.table.names:
            self.measure.addItem(MEASURES[name].title, name)
        known = self.measure.findData(measure)
        self.measure.setCurrentIndex(max(known, 0))
        self.measure.blockSignals(False)
        empty = not self._records
        for widget in (self.extent, self.measure, self.save_button):
            explain(widget, _NOTHING if empty else "")
        self.table.setVisible(not empty)
        if empty and not self.words.text():
            self.words.setText(_NOTHING)
        elif self.words.text() == _NOTHING and not empty:
            self.words.setText("")
        self._draw()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 (Qt's own spelling)
        """Draw once somebody looks."""
        super().showEvent(event)
        self._draw()

    @property
    def _history(self) -> ScoreHistory:
        return ScoreHistory(self._project.project.scores)

    def _on_project(self) -> None:
        """Read the history of another project."""
        folder = self._project.project.folder
        if folder == self._folder:
            return
        self._folder = folder
        self._records, self._image = [], ""
        self.words.setText("")
        with telling(self.words.setText):
            self._read()
        self.refresh()

    def _read(self) -> None:
        self._records, damaged = self._history.read()
        if self._records:
            self._image = self._records[-1].image
        if damaged:
            lines = "1 line" if damaged == 1 else f"{damaged} lines"
            self.words.setText(
                f"{lines} of {self._history.path.name} cannot be read and are left out."
            )

    def _draw(self, *_changed: Any) -> None:
        chosen, records = self.table.chosen(), self.table.rows()
        explain(self.remove_button, "" if chosen else "Choose a row first.")
        name = self.measure.currentData()
        self._plot.setVisible(bool(records))
        if not records or name is None or not self.isVisible():
            return
        nothing = float("nan")
        self._plot.show_values(
            MEASURES[name].title,
            [one.values.get(name, nothing) for one in records],
            [one.intervals.get(name) for one in records],
            -1 if chosen is None else records.index(chosen),
        )
