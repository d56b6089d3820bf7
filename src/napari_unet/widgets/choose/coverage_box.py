"""The choice of which pixels of labels say anything, with the guess in words."""

from __future__ import annotations

from napari.layers import Labels
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_unet.config import Coverage
from napari_unet.widgets.choose.kind_box import KindBox
from napari_unet.widgets.qt.parts import NarrowBox, in_row

_NOTHING = "nothing"
_CHOICES = ("none", 255, -1)


class CoverageBox(QWidget):
    """The value that is ignored, and whether empty slices hold nothing.

    Signals
    -------
    valueChanged()
        The user has chosen otherwise.
    """

    valueChanged = Signal()  # noqa: N815 (Qt's own spelling)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        fields = Coverage.model_fields
        self._complete: str | None = None
        self.ignore = NarrowBox()
        self.ignore.setToolTip(fields["ignore"].description or "")
        self.empty = QCheckBox("Empty slices count")
        self.empty.setToolTip(
            "Slices without any label were looked at and hold nothing: they train as "
            "background, and what is predicted there counts in the scores."
        )
        in_row(self.ignore, self.empty, of=self, stretch=(1,))
        self.ignore.addItem("guess", None)
        for choice in _CHOICES:
            self._add(choice)
        self.ignore.currentIndexChanged.connect(lambda _: self.valueChanged.emit())
        self.empty.toggled.connect(lambda _: self.valueChanged.emit())

    def value(self) -> Coverage:
        """Return what is chosen; a value to ignore that is None is a guess."""
        complete = (self._complete or "all") if self.empty.isChecked() else None
        return Coverage(ignore=self.ignore.currentData(), complete=complete)

    def setValue(self, coverage: Coverage) -> None:  # noqa: N802 (Qt's own spelling)
        """Show a choice."""
        if coverage == self.value():
            return
        with QSignalBlocker(self.ignore), QSignalBlocker(self.empty):
            if self.ignore.findData(coverage.ignore) < 0:
                self._add(coverage.ignore)
            self.ignore.setCurrentIndex(self.ignore.findData(coverage.ignore))
            self._complete = coverage.complete
            self.empty.setChecked(coverage.complete is not None)
        self.valueChanged.emit()

    def guess_with(self, kind: KindBox, layer: Labels | None) -> None:
        """Guess what a layer means, and name the guess in the first entry of both."""
        kind.show_guess(layer, self.value())
        self.show_guess(kind)

    def show_guess(self, kind: KindBox) -> None:
        """Name the value that was guessed in the first entry."""
        guess = kind.settle(Coverage()).ignored
        words = _NOTHING if guess is None else str(guess)
        self.ignore.setItemText(0, f"guess: {words}")

    def _add(self, choice: int | str | None) -> None:
        self.ignore.addItem(_NOTHING if choice == "none" else str(choice), choice)
