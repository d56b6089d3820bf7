"""The choice of weights that the encoder of a new network starts from."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QLabel, QWidget

from napari_unet.config import NetworkConfig, RunConfig
from napari_unet.widgets.qt.file_dialogs import open_file
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.parts import NarrowBox, in_row, tool

_FIELD = RunConfig.model_fields["encoder_weights"]
_TYPES = "Weights (*.pt *.pth *.safetensors);;All files (*)"


class EncoderBox(QWidget):
    """A file of weights, or none; seen where a network has an encoder that takes some.

    Signals
    -------
    valueChanged(object)
        Another file, or None.
    chosen(object)
        The same, where somebody chose it.
    """

    valueChanged = Signal(object)  # noqa: N815 (Qt's own spelling)
    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.box = NarrowBox("random")
        self._label = QLabel(_FIELD.title or "")
        tip = "Open a state dict of torchvision (.pt, .pth or .safetensors)."
        file = tool("File", self._on_file, tip, icon="file")
        in_row(self._label, self.box, file, of=self, stretch=(0, 1))
        self.box.currentIndexChanged.connect(self._on_index_changed)
        self.box.activated.connect(lambda _row: self.chosen.emit(self.value()))

    def value(self) -> str | None:
        """Return the file that is chosen."""
        path: str | None = self.box.currentData()
        return path

    def setValue(self, path: str | None) -> None:  # noqa: N802 (Qt's own spelling)
        """Choose a file, which is added where it is not listed; None for none."""
        if path is not None and self.box.findData(path) < 0:
            self.box.addItem(Path(path).name, path)
        self.box.setCurrentIndex(0 if path is None else self.box.findData(path))

    def follow(self, network: NetworkConfig) -> None:
        """Show the choice where the network has an encoder for it, and say of what."""
        self.setVisible(bool(network.encoder_title))
        words = f"Here: the weights of {network.encoder_title} from torchvision."
        for part in (self._label, self.box):
            part.setToolTip(f"{_FIELD.description}\n\n{words}")

    def refresh(self, reason: str) -> None:
        """Disable the choice and say why in its tooltip; enable it without a reason."""
        explain(self, reason)

    def _on_file(self) -> None:
        open_file(self, "Open encoder weights", _TYPES, self._open)

    def _open(self, path: Path) -> None:
        self.setValue(str(path))
        self.chosen.emit(self.value())

    def _on_index_changed(self, _index: int) -> None:
        self.valueChanged.emit(self.value())
