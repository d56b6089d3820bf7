"""All scores of a stack with their intervals, and what each is good for."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_unet.score.measures import MEASURES, SHOWN, figure
from napari_unet.score.objects.instances import found_words
from napari_unet.widgets.qt.fold import Fold
from napari_unet.widgets.qt.parts import WrappedLabel

if TYPE_CHECKING:
    from napari_unet.score.scores import Scores

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_ABOUT = (
    "With 95 % intervals, from drawing slices anew. Hold the mouse over a line to read "
    "what it is good for."
)
_INSTANCES = ("0.50", "0.75", "0.90")


class AllScores(Fold):
    """A line for each score of the stack."""

    def __init__(self) -> None:
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)
        lines = QWidget()
        lines.setLayout(self._grid)
        super().__init__("All scores, and what they tell", lines)

    def show_scores(self, scores: Scores | None) -> None:
        """Show other scores; None takes them away."""
        self._empty()
        if scores is None:
            return
        self._grid.addWidget(WrappedLabel(_ABOUT), 0, 0, 1, 3)
        for row, (name, value) in enumerate(scores.values().items(), start=1):
            one = MEASURES[name]
            self._add_row(
                row,
                f"<b>{one.title}</b>" if name in SHOWN else one.title,
                figure(value, name),
                _interval(scores, name),
                one.sentence,
            )
        instances = scores.instances.values()
        for threshold in _INSTANCES:
            found = instances[threshold]
            row = self._grid.rowCount()
            self._add_row(
                row,
                f"Cells found, at IoU {threshold}",
                figure(found["f1"], "f1"),
                "F1",
                found_words(found),
            )

    def _add_row(self, row: int, title: str, value: str, span: str, tip: str) -> None:
        for column, text in enumerate((title, value, span)):
            # Words give way where the dock is narrow; figures do not.
            label = QLabel(text) if column else WrappedLabel(text)
            label.setToolTip(tip and f"<p>{html.escape(tip)}</p>")
            if column:
                label.setAlignment(_RIGHT)
            self._grid.addWidget(label, row, column)

    def _empty(self) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()


def _interval(scores: Scores, name: str) -> str:
    if name not in scores.intervals:
        return ""
    low, high = scores.intervals[name]
    return f"{figure(low, name)}–{figure(high, name)}"
