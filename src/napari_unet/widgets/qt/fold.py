"""Parts of a dock that unfold."""

from __future__ import annotations

from qtpy.QtWidgets import QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_unet.widgets.qt.parts import present

_UNLIMITED = 16_777_215
"""The largest height that Qt knows."""


class Fold(QCollapsible):
    """A title that unfolds what belongs to it; folded at first.

    Parameters
    ----------
    title
        What it holds.
    *parts
        What unfolds, from top to bottom.
    """

    def __init__(self, title: str, *parts: QWidget) -> None:
        super().__init__(title, expandedIcon="▾", collapsedIcon="▸")
        content = QWidget()
        column = QVBoxLayout(content)
        for part in parts:
            column.addWidget(part)
        self.setContent(content)
        # As wide as the rows above, and no higher than its title while it is folded.
        for layout in (column, self.layout(), self.content().layout()):
            present(layout).setContentsMargins(0, 0, 0, 0)
        self.setDuration(0)
        self.toggled.connect(self._on_toggled)
        self.collapse(animate=False)

    def _on_toggled(self, unfolded: bool) -> None:
        """Hide what is folded; what is unfolded may grow when there is more to show."""
        self.content().setVisible(unfolded)
        if unfolded:
            self.content().setMaximumHeight(_UNLIMITED)
