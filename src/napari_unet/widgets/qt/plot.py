"""Plots that look alike in every dock, and are written in the colour of the theme."""

from __future__ import annotations

import pyqtgraph as pg
from qtpy.QtCore import QEvent
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QWidget

from napari_unet.widgets.qt.parts import in_column

_SIDES = ("left", "bottom")
_RESTYLED = (QEvent.Type.StyleChange, QEvent.Type.PaletteChange)


class ThemedPlots(QWidget):
    """Plots of one height, one above the other.

    Attributes
    ----------
    plots
        From top to bottom; nothing in them moves by the mouse.
    """

    def __init__(self, count: int, height: int) -> None:
        super().__init__()
        self.plots = tuple(_plot(height) for _ in range(count))
        in_column(self, *self.plots).setSpacing(0)

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 (Qt's own spelling)
        """Write in the colour of the theme, which may change at any time."""
        super().changeEvent(event)
        if event is not None and event.type() in _RESTYLED:
            self.set_text_colour(self.palette().color(QPalette.ColorRole.WindowText))

    def set_text_colour(self, colour: QColor) -> None:
        """Write the numbers of all axes in a colour."""
        for plot in self.plots:
            for side in _SIDES:
                plot.getAxis(side).setTextPen(colour)


def _plot(height: int) -> pg.PlotWidget:
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
