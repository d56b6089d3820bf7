"""Scores of several predictions side by side, as dots with their intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_unet.score.intervals import Interval
from napari_unet.widgets.qt.plot import ThemedPlots

_DOT = "#5b9bd5"
_CHOSEN = "#e8a33d"
_HEIGHT = 130
_TICKS = 12


class ComparePlot(ThemedPlots):
    """One dot for each row of a table, numbered as the rows are."""

    def __init__(self) -> None:
        super().__init__(1, _HEIGHT)

    def furnish(self) -> None:
        """Make the dots, and the bars of their intervals."""
        import pyqtgraph as pg

        self._brush, self._chosen = pg.mkBrush(_DOT), pg.mkBrush(_CHOSEN)
        (self.plot,) = self.plots
        self.plot.showGrid(x=False)
        self.plot.setLabel("bottom", "row")
        self._bars = pg.ErrorBarItem(beam=0.15, pen=pg.mkPen(_DOT, width=1.5))
        self._dots = pg.ScatterPlotItem(size=8, pen=None)
        for item in (self._bars, self._dots):
            self.plot.addItem(item)

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
        self.make()
        self.plot.setLabel("left", title)
        known = [n for n, value in enumerate(values) if np.isfinite(value)]
        x = np.array(known, float) + 1
        y = np.array([values[n] for n in known], float)
        brushes = [self._chosen if n == chosen else self._brush for n in known]
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
