"""Scores of the whole stack: the few that matter most, and all of them."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_unet.score.measures import MEASURES, SHOWN, figure
from napari_unet.score.objects.instances import found_words
from napari_unet.widgets.qt.fold import Fold
from napari_unet.widgets.qt.parts import WrappedLabel, in_column

if TYPE_CHECKING:
    from napari_unet.score.scores import Scores

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_ABOUT = (
    "With 95 % intervals, from drawing slices anew. Hold the mouse over a line to read "
    "what it is good for."
)
_BRIEF = ("v_rand", "iou", "dice", "accuracy")
_INSTANCES = ("0.50", "0.75", "0.90")


class ScoreTotals(QWidget):
    """A few totals with their intervals, and a list of all that unfolds."""

    def __init__(self) -> None:
        super().__init__()
        # Its room is kept: a threshold that is dragged further down must not jump.
        self.changes, self.brief = WrappedLabel(lines=1), WrappedLabel()
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)
        content = QWidget()
        content.setLayout(self._grid)
        self.fold = Fold("All scores, and what they tell", content)
        in_column(self, self.changes, self.brief, self.fold)
        self.show_scores(None)

    def show_changes(self, words: str) -> None:
        """Write on top that the layers are not those scored; "" where they are."""
        self.changes.setText(f"<b>{html.escape(words)}</b>" if words else "")

    def show_scores(self, scores: Scores | None) -> None:
        """Show other scores; None takes them away."""
        self._empty()
        for widget in (self.changes, self.brief, self.fold):
            widget.setVisible(scores is not None)
        if scores is None:
            return
        self.brief.setText(_brief(scores))
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


def _brief(scores: Scores) -> str:
    """Return the scores that matter most, in a few lines."""
    values = scores.values()
    figures = [
        f"{MEASURES[name].title} <b>{figure(values[name], name)}</b>"
        + (f" ({_interval(scores, name)})" if _interval(scores, name) else "")
        for name in _BRIEF
    ]
    lines = (" &nbsp; ".join(figures), scores.trained_words)
    return "<br>".join(filter(None, lines))


def _interval(scores: Scores, name: str) -> str:
    if name not in scores.intervals:
        return ""
    low, high = scores.intervals[name]
    return f"{figure(low, name)}–{figure(high, name)}"
