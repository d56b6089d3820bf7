"""Scores drawn against the threshold, with a handle that moves it."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt, Signal

from napari_unet.score.threshold import SCORES, ThresholdCurve
from napari_unet.widgets.qt.plot import ThemedPlots

COLOURS = {"iou": "#e8a33d", "dice": "#5b9bd5", "v_rand": "#5fb37a"}
"""Of the curves; readable on light and on dark."""
_HANDLE = "#8f8f8f"
_HEIGHT = 160
_FLOOR = 0.1
"""Space below the lowest score that matters, so that the curves are not cut off."""


class ThresholdPlot(ThemedPlots):
    """IoU, Dice and V_rand against the threshold.

    Signals
    -------
    moved(float)
        The handle is being moved.
    released(float)
        The handle was let go.
    """

    moved = Signal(float)
    released = Signal(float)

    def __init__(self) -> None:
        super().__init__(1, _HEIGHT)
        self.setToolTip("Drag the line to move the mask.")

    def furnish(self) -> None:
        """Make the curves, and the handle."""
        import pyqtgraph as pg

        (self.plot,) = self.plots
        self.plot.setXRange(0, 1, padding=0.01)
        self._lines = {
            name: self.plot.plot(pen=pg.mkPen(colour, width=2))
            for name, colour in COLOURS.items()
        }
        self._lines["v_rand"].setSymbol("o")
        self._lines["v_rand"].setSymbolSize(4)
        self._lines["v_rand"].setSymbolBrush(COLOURS["v_rand"])
        self._lines["v_rand"].setSymbolPen(None)
        self.handle = pg.InfiniteLine(
            0.5,
            angle=90,
            movable=True,
            bounds=(0.01, 0.99),
            pen=pg.mkPen(_HANDLE, width=3),
            hoverPen=pg.mkPen(_HANDLE, width=5),
        )
        self.handle.setCursor(Qt.CursorShape.SplitHCursor)
        self.plot.addItem(self.handle, ignoreBounds=True)
        self.handle.sigDragged.connect(lambda line: self.moved.emit(line.value()))
        self.handle.sigPositionChangeFinished.connect(
            lambda line: self.released.emit(line.value())
        )

    def show_curve(self, curve: ThresholdCurve) -> None:
        """Draw the curves, as far as they are known."""
        self.make()
        tops: list[float] = []
        for name in SCORES:
            values = getattr(curve, name)
            known = ~np.isnan(values)
            self._lines[name].setData(curve.thresholds[known], values[known])
            tops.extend(values[known].max(keepdims=True) if known.any() else [])
        # Where a mask is empty or full, scores fall to the floor and say little.
        lowest = min(tops, default=1.0) / 2
        self.plot.setYRange(max(0.0, lowest - _FLOOR), 1, padding=0.03)

    def set_threshold(self, threshold: float) -> None:
        """Put the handle somewhere, without telling of it."""
        if not self.plots:
            return
        self.handle.blockSignals(True)
        self.handle.setValue(threshold)
        self.handle.blockSignals(False)
