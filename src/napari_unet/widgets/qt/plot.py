"""Plots that look alike in every dock, and are written in the colour of the theme."""

from __future__ import annotations

from collections.abc import Generator
from threading import Event
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QWidget

from napari_unet.widgets.qt.job import Work
from napari_unet.widgets.qt.parts import in_column, present

if TYPE_CHECKING:
    import pyqtgraph as pg

_SIDES = ("left", "bottom")
_RESTYLED = (QEvent.Type.StyleChange, QEvent.Type.PaletteChange)


class ThemedPlots(QWidget):
    """Plots of one height, one above the other.

    They take neither time nor room before there is something to draw: pyqtgraph would
    be a third of what a dock takes to open.

    Attributes
    ----------
    plots
        From top to bottom, () before `make`; nothing in them moves by the mouse.
    """

    def __init__(self, count: int, height: int) -> None:
        super().__init__()
        self._count, self._height = count, height
        self.plots: tuple[pg.PlotWidget, ...] = ()
        in_column(self).setSpacing(0)

    def make(self) -> None:
        """Make the plots, where there are none yet."""
        if self.plots:
            return
        self.plots = tuple(_plot(self._height) for _ in range(self._count))
        for plot in self.plots:
            present(self.layout()).addWidget(plot)
        self.furnish()
        self._follow_theme()

    def furnish(self) -> None:
        """Put into new plots what is drawn in them."""

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 (Qt's own spelling)
        """Write in the colour of the theme, which may change at any time."""
        super().changeEvent(event)
        if event is not None and event.type() in _RESTYLED:
            self._follow_theme()

    def set_text_colour(self, colour: QColor) -> None:
        """Write the numbers of all axes in a colour."""
        for plot in self.plots:
            for side in _SIDES:
                plot.getAxis(side).setTextPen(colour)

    def _follow_theme(self) -> None:
        for plot in self.plots:
            # It keeps a picture of what lies behind it.
            plot.resetCachedContent()
        if self.plots:
            self.set_text_colour(self.palette().color(QPalette.ColorRole.WindowText))


def drawn(work: Work) -> Work:
    """Return work that loads, on its thread, what its results will be drawn with.

    It takes as long as a stroke may not wait.
    """

    def with_plots(stop: Event) -> Generator[Any, Any, Any]:
        import pyqtgraph  # noqa: F401

        return (yield from work(stop))

    return with_plots


def _plot(height: int) -> pg.PlotWidget:
    import pyqtgraph as pg

    # None leaves the background to the theme of napari.
    plot = pg.PlotWidget(background=None)
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.setMenuEnabled(False)
    plot.showGrid(x=True, y=True, alpha=0.2)
    # Scores and losses are read as they are, not in thousandths.
    for side in _SIDES:
        plot.getAxis(side).enableAutoSIPrefix(False)
    plot.setFixedHeight(height)
    return plot
