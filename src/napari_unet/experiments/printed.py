"""The figures that the study printed, digit by digit."""

from __future__ import annotations

from dataclasses import dataclass

IOU = ("iou", "iou_thresh")
JACCARD = ("jaccard", "dice_coef")
"""Measures of a table beside the loss."""


@dataclass(frozen=True)
class PrintedTable:
    """A table of the study; its one row.

    Attributes
    ----------
    number
        Roman, as printed.
    figures
        By the name of their column, in the order of the columns: on training data, and
        with "val_" in front on validation data.
    """

    number: str
    figures: dict[str, float]

    @property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """Titles, and the figures on training and on validation data, as printed."""
        cells = [f"{value:.4f}" for value in self.figures.values()]
        titles = (f"table {self.number}", *list(self.figures)[:3])
        return titles, ("training", *cells[:3]), ("validation", *cells[3:])


def columns(measures: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the figures: on training data, then on validation data."""
    names = ("loss", *measures)
    return (*names, *(f"val_{name}" for name in names))


def _table(number: str, measures: tuple[str, str], *values: float) -> PrintedTable:
    return PrintedTable(number, dict(zip(columns(measures), values, strict=True)))


PRINTED: dict[int, PrintedTable] = {
    1: _table("I", IOU, 0.4493, 0.6471, 0.7786, 0.5336, 0.6448, 0.7762),
    2: _table("II", IOU, 0.4486, 0.6465, 0.7775, 0.5325, 0.6607, 0.7762),
    3: _table("III", IOU, 0.4597, 0.6325, 0.7782, 0.5401, 0.6725, 0.7765),
    4: _table("IV", JACCARD, 0.4570, 0.6385, 0.7790, 0.5461, 0.6799, 0.8094),
    6: _table("V", IOU, 0.0093, 0.9673, 0.9791, 0.0083, 0.9680, 0.9817),
    7: _table("VI", IOU, 0.0097, 0.9680, 0.9798, 0.0093, 0.9665, 0.9802),
    8: _table("VII", IOU, 0.0109, 0.9626, 0.9758, 0.0098, 0.9660, 0.9783),
    10: _table("VIII", JACCARD, 0.0067, 0.9760, 0.9879, 0.0062, 0.9767, 0.9882),
}
"""By the number of the experiment; the study printed none of 5 and 9."""
