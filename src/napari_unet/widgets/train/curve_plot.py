"""The curves of a training run, with the moments that can be gone back to."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor

from napari_unet.train.curves import Curves, Point
from napari_unet.widgets.qt.plot import ThemedPlots

if TYPE_CHECKING:
    import pyqtgraph as pg

_LOSS = "#5b9bd5"
_SCORE = "#e8a33d"
_TICK = "#8f8f8f"
_HEIGHT = 130
_DOTS = 60
_TICK_HEIGHT = 0.07
"""Share of the height of a plot."""


class CurvePlot(ThemedPlots):
    """Loss, and IoU on the held-out slices, against minutes.

    Signals
    -------
    clicked(float)
        A moment was clicked: seconds since the start, or the step where the curves
        are drawn against steps.
    """

    clicked = Signal(float)

    def __init__(self) -> None:
        super().__init__(2, _HEIGHT)
        self._curves = Curves()
        self._ticks: list[pg.VTickGroup] = []

    def furnish(self) -> None:
        """Make curves, the mark of the best score, and the ticks of moments."""
        import pyqtgraph as pg

        self._loss_plot, self._score_plot = self.plots
        for plot, title in zip(self.plots, ("loss", "IoU"), strict=True):
            plot.setLabel("left", title)
            plot.getAxis("left").setWidth(58)
        self._score_plot.setXLink(self._loss_plot)
        self._score_plot.setYRange(0, 1, padding=0.06)
        self._loss = self._loss_plot.plot(pen=pg.mkPen(_LOSS, width=2))
        self._score = self._score_plot.plot(
            pen=pg.mkPen(_SCORE, width=2), symbol="o", symbolSize=5, symbolBrush=_SCORE
        )
        self._ring = pg.ScatterPlotItem(
            size=13, brush=None, pen=pg.mkPen(_SCORE, width=2)
        )
        self._best = pg.TextItem(color=_SCORE)
        for item in (self._ring, self._best):
            # The range of the axes is that of the curves alone.
            self._score_plot.addItem(item, ignoreBounds=True)
        for plot in self.plots:
            ticks = pg.VTickGroup(yrange=(0, _TICK_HEIGHT), pen=pg.mkPen(_TICK))
            plot.addItem(ticks, ignoreBounds=True)
            self._ticks.append(ticks)
            clicked = functools.partial(self._on_mouse_clicked, plot.plotItem.vb)
            plot.scene().sigMouseClicked.connect(clicked)
        self._name_unit()

    def set_text_colour(self, colour: QColor) -> None:
        """Write the numbers of all axes, and the best score, in a colour."""
        super().set_text_colour(colour)
        self._best.setColor(colour)

    def clear(self) -> None:
        """Start new curves."""
        self.load(Curves())

    def load(self, curves: Curves) -> None:
        """Draw the curves of a run; no moments are offered for it yet."""
        self._curves = curves
        self._name_unit()
        self.offer((), "")
        self._draw()

    def extend(self, points: Iterable[Point]) -> None:
        """Add steps: losses are smoothed, a score is drawn where there is one."""
        for point in points:
            self._curves.add(*point)
        self._draw()

    def offer(self, moments: Sequence[float], hint: str) -> None:
        """Mark moments that can be gone back to; `hint` says what a click does."""
        for ticks in self._ticks:
            ticks.setXVals([moment / self._scale for moment in moments])
        pointing = Qt.CursorShape.PointingHandCursor if len(moments) else None
        self.setCursor(pointing or Qt.CursorShape.ArrowCursor)
        self.setToolTip(hint)

    @property
    def num_points(self) -> tuple[int, int]:
        """Steps that the loss curve shows, and scores."""
        return self._curves.losses.count, self._curves.scores.count

    @property
    def seconds(self) -> float:
        """Time of the newest step."""
        return self._curves.newest

    @property
    def _scale(self) -> float:
        return 60.0 if self._curves.timed else 1.0

    def _name_unit(self) -> None:
        for plot in self.plots:
            plot.setLabel("bottom", "minutes" if self._curves.timed else "steps")

    def _draw(self) -> None:
        curves = self._curves
        if curves.losses.count:
            self.make()
        if not self.plots:
            return
        for line, curve in ((self._loss, curves.losses), (self._score, curves.scores)):
            x, y = curve.points()
            line.setData(x / self._scale, y)
        # As many dots as can be told apart; more take longer to draw than the curves.
        self._score.setSymbol("o" if curves.scores.count <= _DOTS else None)
        self._mark_best()
        # Without a score, its plot only takes up room.
        scored = curves.scores.count > 0
        self._score_plot.setVisible(scored)
        self._loss_plot.getAxis("bottom").showLabel(not scored)

    def _mark_best(self) -> None:
        """Put a ring around the best score, and its value where there is room."""
        best = self._curves.best
        if best is None:
            self._ring.clear()
            self._best.setText("")
            return
        x, score = best[0] / self._scale, best[1]
        self._ring.setData([x], [score])
        left = best[0] > self._curves.newest / 2
        self._best.setText(f"best {score:.3f}")
        self._best.setAnchor((1 if left else 0, -0.3 if score > 0.5 else 1.3))
        self._best.setPos(x, score)

    def _on_mouse_clicked(self, box: pg.ViewBox, event: Any) -> None:
        position = event.scenePos()
        if self.num_points[0] and box.sceneBoundingRect().contains(position):
            x = box.mapSceneToView(position).x()
            self.clicked.emit(max(0.0, x * self._scale))
