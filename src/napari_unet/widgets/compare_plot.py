"""Scores of several predictions side by side, as dots with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QEvent
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_unet.score.history import Interval

_DOT = "#5b9bd5"
_CHOSEN = "#e8a33d"
_HEIGHT = 130
_TICKS = 12


class ComparePlot(QWidget):
    """One dot for each row of a table, numbered as the rows are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # None leaves the background to the theme of napari.
        self.plot = pg.PlotWidget(background=None)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.hideButtons()
        self.plot.setMenuEnabled(False)
        self.plot.showGrid(y=True, alpha=0.2)
        self.plot.getAxis("left").enableAutoSIPrefix(False)
        self.plot.setLabel("bottom", "row")
        self.plot.setFixedHeight(_HEIGHT)
        self._bars = pg.ErrorBarItem(beam=0.15, pen=pg.mkPen(_DOT, width=1.5))
        self._dots = pg.ScatterPlotItem(size=8, pen=None)
        for item in (self._bars, self._dots):
            self.plot.addItem(item)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 (Qt's own spelling)
        """Write in the colour of the theme, which may change at any time."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            colour = self.palette().color(QPalette.ColorRole.WindowText)
            for side in ("left", "bottom"):
                self.plot.getAxis(side).setTextPen(colour)

    def show_values(
        self,
        title: str,
        values: Sequence[float],
        intervals: Sequence[Interval | None],
        chosen: int = -1,
    ) -> None:
        """Draw a score of every row; NaN and None leave a gap.

        `chosen` is the row that is marked.
        """
        self.plot.setLabel("left", title)
        known = [n for n, value in enumerate(values) if np.isfinite(value)]
        x = np.array(known, float) + 1
        y = np.array([values[n] for n in known], float)
        brushes = [pg.mkBrush(_CHOSEN if n == chosen else _DOT) for n in known]
        self._dots.setData(x, y, brush=brushes)
        ends = np.array([intervals[n] or (values[n],) * 2 for n in known], float)
        ends = ends.reshape(-1, 2)
        below, above = np.maximum(y - ends[:, 0], 0), np.maximum(ends[:, 1] - y, 0)
        self._bars.setData(x=x, y=y, bottom=below, top=above)
        self.plot.setXRange(0.5, max(len(values), 1) + 0.5, padding=0)
        every = -(-len(values) // _TICKS) or 1
        ticks = [(n, str(n)) for n in range(1, len(values) + 1, every)]
        self.plot.getAxis("bottom").setTicks([ticks])
        if known:
            low, high = float((y - below).min()), float((y + above).max())
            room = max(0.02, (high - low) / 8)
            self.plot.setYRange(low - room, high + room, padding=0)
