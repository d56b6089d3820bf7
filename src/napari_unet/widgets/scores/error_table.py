"""The table of errors: what it is, where, and how large."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Qt

from napari_unet.score.errors.error_kinds import KIND_COLORS, KIND_NAMES, Error
from napari_unet.widgets.qt.rows_table import Column, RowsTable

_WIDEST = "9,999,999"


class ErrorTable(RowsTable):
    """Errors, the largest first; a click on a title sorts by it."""

    def __init__(self) -> None:
        super().__init__(*_columns(0, None), sorted_by=(2, False))
        self.setMinimumHeight(180)
        self.headers[0].setMinimumSectionSize(72)
        # With the keyboard it would search its entries for the keys of the viewer.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_errors(self, errors: Sequence[Error], first_slice: int = 0) -> None:
        """Show other errors; their slices are counted from `first_slice`."""
        by_size = sorted(errors, key=lambda error: error.number)
        # Looking through thousands of them for the widest would hold the window up.
        width = self.fontMetrics().horizontalAdvance(_WIDEST)
        self.show_rows(by_size, *_columns(first_slice, width))


def _columns(first_slice: int, width: int | None) -> tuple[Column, ...]:
    return (
        Column(
            "Error",
            lambda error: KIND_NAMES[error.kind],
            left=True,
            stretch=True,
            colour=lambda error: KIND_COLORS[error.kind],
        ),
        Column(
            "Slice",
            lambda error: str(error.slice + first_slice),
            key=lambda error: error.slice,
            width=width,
        ),
        Column(
            "Pixels",
            lambda error: f"{error.pixels:,}",
            key=lambda error: error.pixels,
            width=width,
        ),
    )
