"""What a training has come to, and what may come next."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFrame

from napari_unet.widgets.qt.parts import WrappedLabel, button, in_column, in_row


class DoneCard(QFrame):
    """Says what was trained, with buttons for what one does with it; hidden at first.

    Signals
    -------
    predictWanted(Path)
        Predict the stack with the model.
    moreWanted()
        Train on from the model.
    """

    predictWanted = Signal(object)  # noqa: N815 (Qt's own spelling)
    moreWanted = Signal()  # noqa: N815

    def __init__(self) -> None:
        super().__init__()
        self.model: Path | None = None
        self.words = WrappedLabel()
        self.predict_button = button("Predict stack", self._on_predict)
        self.more_button = button(
            "Train more", self.moreWanted.emit, "Go on from this model, as long again."
        )
        self.folder_button = button(
            "Show folder", self._on_folder, "Model, settings, curves and annotations."
        )
        self.setFrameShape(QFrame.Shape.StyledPanel)
        row = in_row(self.predict_button, self.more_button, self.folder_button)
        in_column(self, self.words, row)
        self.hide()

    def show_model(self, model: Path, words: str) -> None:
        """Show what was made."""
        self.model = model
        self.words.setText(words)
        self.words.setToolTip(str(model))
        self.show()

    def _on_predict(self) -> None:
        if self.model is not None:
            self.predictWanted.emit(self.model)

    def _on_folder(self) -> None:
        if self.model is not None:
            folder = QUrl.fromLocalFile(str(self.model.parent))
            QDesktopServices.openUrl(folder)
