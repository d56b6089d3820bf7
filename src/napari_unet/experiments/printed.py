"""The figures that the study printed, digit by digit."""

from __future__ import annotations

from dataclasses import dataclass

_IOU = ("iou", "iou_thresh")
_JACCARD = ("jaccard", "dice_coef")


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
    def validation(self) -> tuple[str, ...]:
        """The figures on validation data, as printed."""
        return tuple(
            f"{value:.4f}"
            for name, value in self.figures.items()
            if name.startswith("val_")
        )


def _table(number: str, measures: tuple[str, str], *values: float) -> PrintedTable:
    columns = ("loss", *measures)
    names = (*columns, *(f"val_{name}" for name in columns))
    return PrintedTable(number, dict(zip(names, values, strict=True)))


PRINTED: dict[int, PrintedTable] = {
    1: _table("I", _IOU, 0.4493, 0.6471, 0.7786, 0.5336, 0.6448, 0.7762),
    2: _table("II", _IOU, 0.4486, 0.6465, 0.7775, 0.5325, 0.6607, 0.7762),
    3: _table("III", _IOU, 0.4597, 0.6325, 0.7782, 0.5401, 0.6725, 0.7765),
    4: _table("IV", _JACCARD, 0.4570, 0.6385, 0.7790, 0.5461, 0.6799, 0.8094),
    6: _table("V", _IOU, 0.0093, 0.9673, 0.9791, 0.0083, 0.9680, 0.9817),
    7: _table("VI", _IOU, 0.0097, 0.9680, 0.9798, 0.0093, 0.9665, 0.9802),
    8: _table("VII", _IOU, 0.0109, 0.9626, 0.9758, 0.0098, 0.9660, 0.9783),
    10: _table("VIII", _JACCARD, 0.0067, 0.9760, 0.9879, 0.0062, 0.9767, 0.9882),
}
"""By the number of the experiment; the study printed none of 5 and 9."""
