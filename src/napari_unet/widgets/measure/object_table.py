"""The table of measured objects."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np

from napari_unet.measure.object_measures import ObjectMeasures
from napari_unet.widgets.qt.rows_table import Column, RowsTable

_SHOWN = (
    *("object", "class", "slice", "area", "volume", "circularity", "sphericity"),
    *("feret", "mean_grey", "nearest", "to_other"),
)
_HEIGHT = 190
_WIDEST = 10
_WIDTH = 78


class ObjectTable(RowsTable):
    """Objects, the largest first; a click on a title sorts by it.

    Its rows are indices into the measures.
    """

    def __init__(self) -> None:
        super().__init__(sorted_by=(-1, True))
        self.setMinimumHeight(_HEIGHT)

    def show_measures(self, found: ObjectMeasures) -> None:
        """Show other objects; what does not fit the width is scrolled to."""
        columns = [_column(found, name) for name in found.values if name in _SHOWN]
        # What is largest is looked at first.
        order = np.argsort(-found.values[found.size], kind="stable")
        self.show_rows(order.tolist(), *columns)


def shown_unit(unit: str) -> str:
    """Return a unit as a window shows it, such as "nm²" for "nm^2"."""
    return unit.replace("^2", "²").replace("^3", "³")


def shown_number(value: float) -> str:
    """Return a number in three digits or in whole ones; "" for what is not known."""
    if not np.isfinite(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _column(found: ObjectMeasures, name: str) -> Column:
    values, known = found.values[name], found.column(name)
    unit = shown_unit(known.unit_in(found.unit))
    lines = textwrap.wrap(found.title(name).capitalize(), _WIDEST)
    title = "\n".join([*lines, unit] if unit else lines)

    def key(row: int) -> Any:
        value = values[row]
        if values.dtype.kind == "f" and not np.isfinite(value):
            return np.nan  # sorts last
        return value.item()

    def text(row: int) -> str:
        value = key(row)
        return shown_number(value) if isinstance(value, float) else str(value)

    about = f"{known.words} In {unit}." if unit else known.words
    return Column(title, text, key=key, about=about, width=_WIDTH)
