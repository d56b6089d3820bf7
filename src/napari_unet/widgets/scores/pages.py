"""Pages of which one is seen, chosen by a row of buttons."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from qtpy.QtWidgets import QButtonGroup, QPushButton, QWidget

from napari_unet.widgets.qt.parts import button, in_column, in_row


class Pages(QWidget):
    """A row of buttons, and below it the page of the one that is pressed.

    A page that is not seen takes no room.

    Parameters
    ----------
    pages
        By the names that their buttons have; the first is seen at first.

    Attributes
    ----------
    buttons
        By the same names.
    """

    def __init__(self, pages: Mapping[str, QWidget]) -> None:
        super().__init__()
        self._pages = pages
        self.buttons: dict[str, QPushButton] = {}
        group = QButtonGroup(self)
        for name in pages:
            one = button(name, partial(self.show_page, name))
            one.setCheckable(True)
            group.addButton(one)
            self.buttons[name] = one
        row = in_row(*self.buttons.values(), stretch=(1,) * len(pages))
        row.setSpacing(2)
        in_column(self, row, *pages.values())
        self.show_page(next(iter(pages)))

    def show_page(self, name: str) -> None:
        """Show the page of a name."""
        self.buttons[name].setChecked(True)
        for one, page in self._pages.items():
            page.setVisible(one == name)
