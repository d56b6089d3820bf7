"""The choice of a model: a starter network, one trained here, or a file."""

from __future__ import annotations

import contextlib
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_unet.errors import NapariUNetError
from napari_unet.model.card import ModelCard
from napari_unet.model.loading import PACKAGES, card_of, is_package
from napari_unet.starters import STARTERS
from napari_unet.train.checkpoints import title
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.file_dialogs import open_file
from napari_unet.widgets.qt.job import keep_triton_out
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import NarrowBox, in_row, tool

_TOOLTIP = 3


class ModelBox(QWidget):
    """Lists starter networks, and models trained or opened in this viewer.

    A button opens a file.

    Parameters
    ----------
    workspace
        Gets the model that is opened, and tells of models that were trained.
    fresh
        Entries that stand for a new network, with their values. The first one is
        chosen at first; without any, nothing is.

    Attributes
    ----------
    is_wish
        Whether somebody chose what is chosen; until then it may follow the image.

    Signals
    -------
    valueChanged(object)
        Another value.
    """

    valueChanged = Signal(object)  # noqa: N815 (Qt's own spelling)

    def __init__(
        self,
        workspace: Workspace,
        fresh: dict[str, int] | None = None,
    ) -> None:
        super().__init__()
        self._workspace = workspace
        self.is_wish = False
        self.box = NarrowBox()
        self.box.setPlaceholderText("choose a model")
        for starter in STARTERS:
            self._add(starter.path, starter.words)
        for text, value in (fresh or {}).items():
            self.box.addItem(text, value)
        self._models = self.box.count()
        self._only_models = not fresh
        self.box.setCurrentIndex(len(STARTERS) if fresh else -1)
        tip = "Open a model file (.safetensors)."
        if not fresh:
            tip = "Open a model file (.safetensors), or a package of another program."
        file = tool("File", self._on_file, tip, icon="file")
        in_row(self.box, file, of=self, stretch=(1,))
        self.box.currentIndexChanged.connect(self._on_index_changed)
        self.box.activated.connect(self._on_activated)
        self._show(workspace.model)
        Subscriptions(self, self._show, workspace.events.model)

    def value(self) -> Path | int | None:
        """Return the path of a model, the value of a new network, or None."""
        data = self.box.currentData()
        return Path(data) if isinstance(data, str) else data

    def card(self) -> ModelCard | None:
        """Return what the model says of itself, or None where it cannot be read."""
        model = self.value()
        keep_triton_out()  # reading a package loads torch
        with contextlib.suppress(NapariUNetError):  # the run says what is wrong with it
            return card_of(model) if isinstance(model, Path) else None
        return None

    def setValue(  # noqa: N802 (Qt's own spelling)
        self, value: Path | int | None, *, is_wish: bool = True
    ) -> None:
        """Choose a model, which is added where it is not listed, or a new network."""
        self.is_wish |= is_wish
        if isinstance(value, Path):
            self._add(value)
            value_in_box: object = str(value)
        else:
            value_in_box = value
            if value is not None and self.box.findData(value) < 0:
                text = f"new network, {value} channels"
                self.box.insertItem(self._models, text, value)
                self._models += 1
        self.box.setCurrentIndex(self.box.findData(value_in_box))

    def _add(self, path: Path, words: str = "") -> None:
        if self.box.findData(str(path)) < 0:
            self.box.addItem(title(path), str(path))
            self.box.setItemData(self.box.count() - 1, words or str(path), _TOOLTIP)

    def _show(self, path: Path | None) -> None:
        """List a new model; where only models can be chosen, choose it."""
        if path is None or (is_package(path) and not self._only_models):
            return
        self._add(path)
        if self._only_models:
            self.setValue(path)

    def _on_file(self) -> None:
        kinds = ("*.safetensors", *(PACKAGES if self._only_models else ()))
        types = f"Models ({' '.join(kinds)});;All files (*)"
        open_file(self, "Open a model", types, self._open)

    def _open(self, path: Path) -> None:
        self._workspace.model = path
        self.setValue(path)

    def _on_activated(self, _index: int) -> None:
        self.is_wish = True

    def _on_index_changed(self, index: int) -> None:
        self.valueChanged.emit(self.value())
