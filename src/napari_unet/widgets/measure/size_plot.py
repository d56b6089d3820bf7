"""How a measure is distributed over the objects."""

from __future__ import annotations

import numpy as np

from napari_unet.measure.object_measures import ObjectMeasures
from napari_unet.widgets.measure.object_table import shown_unit
from napari_unet.widgets.qt.plot import ThemedPlots

_HEIGHT = 150
_AXIS_HEIGHT = 48
_MOST_BARS = 40
_ROUNDING = 1e-9
_BARS = "#5b9bd5"


class SizePlot(ThemedPlots):
    """A histogram of one measure of all objects, or of its mean in each slice."""

    def __init__(self) -> None:
        super().__init__(1, _HEIGHT)

    def furnish(self) -> None:
        """Make the bars."""
        import pyqtgraph as pg

        (self.plot,) = self.plots
        self.plot.getAxis("bottom").setHeight(_AXIS_HEIGHT)
        self.bars = pg.BarGraphItem(x=[], height=[], width=1, brush=_BARS, pen=None)
        self.plot.addItem(self.bars)

    def show_measure(self, found: ObjectMeasures, name: str, by_slice: bool) -> None:
        """Draw a column of the table; what is not known is left out."""
        self.make()
        values = found.values[name].astype(np.float64)
        known = np.isfinite(values)
        title = shown_unit(found.header(name))
        if by_slice:
            slices = found.values["slice"][known]
            numbers, which = np.unique(slices, return_inverse=True)
            heights = np.bincount(which, values[known]) / np.bincount(which)
            self._draw(numbers, heights, 0.8, "slice", f"mean {title}")
            return
        # What numpy finds by itself can be billions, where one object is huge.
        bars = np.clip(round(np.count_nonzero(known) ** 0.5), 1, _MOST_BARS)
        counts, edges = np.histogram(values[known], int(bars), _span(values[known]))
        middles = (edges[:-1] + edges[1:]) / 2
        self._draw(middles, counts, float(edges[1] - edges[0]), title, "objects")

    def _draw(
        self, x: np.ndarray, heights: np.ndarray, width: float, below: str, beside: str
    ) -> None:
        self.bars.setOpts(x=x, height=heights, width=width)
        self.plot.setLabel("bottom", below)
        self.plot.setLabel("left", beside)
        ends = (x.min(), x.max()) if x.size else (0, 0)
        self.plot.setXRange(float(ends[0]) - width, float(ends[1]) + width, padding=0)
        top = float(np.max(heights, initial=0)) or 1.0
        self.plot.setYRange(0, 1.05 * top, padding=0)


def _span(values: np.ndarray) -> tuple[float, float] | None:
    """Return where bars stand of values that rounding alone tells apart, else None."""
    if not values.size or np.ptp(values) > _ROUNDING * abs(values).max():
        return None
    return float(values.min()) - 0.5, float(values.max()) + 0.5
