"""The choice of a model: one trained here, or a file."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_unet.train.checkpoints import title
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.file_dialogs import open_file
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import NarrowBox, in_row, tool


class ModelBox(QWidget):
    """Lists the models trained or opened in this viewer; a button opens a file.

    Parameters
    ----------
    workspace
        Gets the model that is opened, and tells of models that were trained.
    fresh
        Entries that stand for a new network, with their values.
    """

    valueChanged = Signal(object)  # noqa: N815 (Qt's own spelling)

    def __init__(
        self,
        workspace: Workspace,
        fresh: dict[str, int] | None = None,
    ) -> None:
        super().__init__()
        self._workspace = workspace
        self.box = NarrowBox()
        for text, value in (fresh or {}).items():
            self.box.addItem(text, value)
        self._fresh = self.box.count()
        tip = "Open a model file (.safetensors)."
        in_row(self.box, tool("File", self._on_file, tip), of=self, stretch=(1,))
        self.box.currentIndexChanged.connect(self._on_index_changed)
        self._show(workspace.model)
        Subscriptions(self, self._show, workspace.events.model)

    def value(self) -> Path | int | None:
        """Return the path of a model, the value of a new network, or None."""
        data = self.box.currentData()
        return Path(data) if isinstance(data, str) else data

    def setValue(self, value: Path | int | None) -> None:  # noqa: N802
        """Choose a model, which is added where it is not listed, or a new network."""
        if isinstance(value, Path):
            self._add(value)
            value_in_box: object = str(value)
        else:
            value_in_box = value
            if value is not None and self.box.findData(value) < 0:
                self.box.insertItem(self._fresh, f"new, {value} channels", value)
                self._fresh += 1
        self.box.setCurrentIndex(self.box.findData(value_in_box))

    def _add(self, path: Path) -> None:
        if self.box.findData(str(path)) < 0:
            self.box.addItem(title(path), str(path))
            self.box.setItemData(self.box.count() - 1, str(path), 3)  # a tooltip

    def _show(self, path: Path | None) -> None:
        """List a new model; where only models can be chosen, choose it."""
        if path is None:
            return
        self._add(path)
        if self._fresh == 0:
            self.setValue(path)

    def _on_file(self) -> None:
        types = "Models (*.safetensors);;All files (*)"
        open_file(self, "Open a model", types, self._open)

    def _open(self, path: Path) -> None:
        self._workspace.model = path
        self.setValue(path)

    def _on_index_changed(self, index: int) -> None:
        self.valueChanged.emit(self.value())
