"""The live curves of a training run."""

from __future__ import annotations

import pyqtgraph as pg
from qtpy.QtWidgets import QVBoxLayout, QWidget

_LOSS = "#5b9bd5"
_SCORE = "#e8a33d"
_SMOOTHING = 0.9
_HEIGHT = 130


class CurvePlot(QWidget):
    """Loss, and IoU on the held-out slices, against minutes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loss_plot = _plot("loss")
        self._score_plot = _plot("IoU")
        self._score_plot.setXLink(self._loss_plot)
        self._score_plot.setYRange(0, 1, padding=0.02)
        for plot in (self._loss_plot, self._score_plot):
            plot.setLabel("bottom", "minutes")
        self._loss = self._loss_plot.plot(pen=pg.mkPen(_LOSS, width=2))
        self._score = self._score_plot.plot(
            pen=pg.mkPen(_SCORE, width=2), symbol="o", symbolSize=5, symbolBrush=_SCORE
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._loss_plot)
        layout.addWidget(self._score_plot)
        self.clear()

    def clear(self) -> None:
        """Start new curves."""
        self._minutes: list[float] = []
        self._losses: list[float] = []
        self._scored: list[float] = []
        self._scores: list[float] = []
        self._draw()

    def add(self, seconds: float, loss: float, score: float | None) -> None:
        """Add a step: the loss is smoothed, a score is drawn where there is one."""
        before = self._losses[-1] if self._losses else loss
        self._minutes.append(seconds / 60)
        self._losses.append(_SMOOTHING * before + (1 - _SMOOTHING) * loss)
        if score is not None:
            self._scored.append(seconds / 60)
            self._scores.append(score)
        self._draw()

    @property
    def num_points(self) -> tuple[int, int]:
        """Points of the loss curve and of the score curve."""
        return len(self._losses), len(self._scores)

    @property
    def seconds(self) -> float:
        """Time of the newest step."""
        return 60 * self._minutes[-1] if self._minutes else 0.0

    def _draw(self) -> None:
        self._loss.setData(self._minutes, self._losses)
        self._score.setData(self._scored, self._scores)
        # Without a score, its plot only takes up room.
        self._score_plot.setVisible(bool(self._scored))
        below = self._loss_plot if not self._scored else self._score_plot
        self._loss_plot.getAxis("bottom").showLabel(below is self._loss_plot)


def _plot(title: str) -> pg.PlotWidget:
    # None leaves the background to the theme of napari.
    plot = pg.PlotWidget(background=None)
    plot.setLabel("left", title)
    plot.getAxis("left").setWidth(58)
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.setMenuEnabled(False)
    plot.showGrid(x=True, y=True, alpha=0.2)
    # Loss and IoU are read as they are, not in thousandths.
    plot.getAxis("left").enableAutoSIPrefix(False)
    plot.getAxis("bottom").enableAutoSIPrefix(False)
    plot.setFixedHeight(_HEIGHT)
    return plot
