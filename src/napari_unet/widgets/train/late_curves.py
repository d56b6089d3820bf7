"""A place for curves, which loads what draws them with the first curve."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_unet.train.curves import Curves, Point
from napari_unet.widgets.qt.parts import in_column, present

if TYPE_CHECKING:
    from napari_unet.widgets.train.curve_plot import CurvePlot


class LateCurves(QWidget):
    """A `CurvePlot` that takes neither time nor room before there is a curve.

    pyqtgraph would be a third of what the dock takes to open.

    Signals
    -------
    clicked(float)
        As of `CurvePlot`.
    """

    clicked = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self._plot: CurvePlot | None = None
        in_column(self)

    def clear(self) -> None:
        """Start new curves."""
        if self._plot is not None:
            self._plot.clear()

    def load(self, curves: Curves) -> None:
        """Draw the curves of a run."""
        self._made().load(curves)

    def add(self, seconds: float, loss: float, score: float | None) -> None:
        """Add a step."""
        self._made().add(seconds, loss, score)

    def extend(self, points: Iterable[Point]) -> None:
        """Add several steps, and draw once."""
        self._made().extend(points)

    def offer(self, moments: Sequence[float], hint: str) -> None:
        """Mark moments that can be gone back to; `hint` says what a click does."""
        self.setToolTip(hint)
        if self._plot is not None:
            self._plot.offer(moments, hint)

    @property
    def num_points(self) -> tuple[int, int]:
        """Steps that the loss curve shows, and scores."""
        return (0, 0) if self._plot is None else self._plot.num_points

    @property
    def seconds(self) -> float:
        """Time of the newest step."""
        return 0.0 if self._plot is None else self._plot.seconds

    def _made(self) -> CurvePlot:
        if self._plot is None:
            from napari_unet.widgets.train.curve_plot import CurvePlot

            self._plot = CurvePlot()
            self._plot.clicked.connect(self.clicked)
            present(self.layout()).addWidget(self._plot)
        return self._plot
