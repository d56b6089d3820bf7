"""The choice of which pixels of labels say anything, with the guess in words."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QWidget

from napari_unet.config import Coverage
from napari_unet.widgets.choose.kind_box import KindBox
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.qt.parts import NarrowBox, in_column

_NOTHING = "nothing"
_AS_IT_LOOKS = "as it looks"
_CHOICES = ("none", 255, -1)


class CoverageBox(QWidget):
    """The value that is ignored, and whether empty slices hold nothing.

    Parameters
    ----------
    labels
        The choice of the layer that is guessed from, whenever it or this changes.
    kind
        The choice of what it means, which shows its part of the guess.

    Signals
    -------
    valueChanged()
        The user has chosen otherwise.
    """

    valueChanged = Signal()  # noqa: N815 (Qt's own spelling)

    def __init__(self, labels: LayerBox, kind: KindBox) -> None:
        super().__init__()
        self._labels, self._kind = labels, kind
        fields = Coverage.model_fields
        self._complete: str | None = None
        self.ignore = NarrowBox()
        self.ignore.setToolTip(fields["ignore"].description or "")
        self.empty = QCheckBox("Empty slices count")
        self.empty.setToolTip(
            "Slices without any label were looked at and hold nothing: they train as "
            "background, and what is predicted there counts in the scores."
        )
        in_column(self, self.ignore, self.empty)
        self.ignore.addItem(_AS_IT_LOOKS, None)
        for choice in _CHOICES:
            self._add(choice)
        self.ignore.currentIndexChanged.connect(lambda _: self.valueChanged.emit())
        self.empty.toggled.connect(lambda _: self.valueChanged.emit())
        self.valueChanged.connect(self.guess)
        labels.valueChanged.connect(self.guess)
        kind.currentIndexChanged.connect(self._show_guess)
        self.guess()

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

    def guess(self, *_changed: Any) -> None:
        """Guess what the layer means, and name the guess in the first entry of both."""
        self._kind.show_guess(self._labels.value(), self.value())
        self._show_guess()

    def _show_guess(self, *_changed: Any) -> None:
        guess = self._kind.settle(Coverage()).ignored
        words = _NOTHING if guess is None else str(guess)
        self.ignore.setItemText(0, f"{_AS_IT_LOOKS}: {words}")

    def _add(self, choice: int | str | None) -> None:
        self.ignore.addItem(_NOTHING if choice == "none" else str(choice), choice)
