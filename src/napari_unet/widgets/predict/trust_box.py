"""The question whether a model may run code of its own."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_unet.model.loading import is_package, needs_code
from napari_unet.widgets.qt.job import Job, once
from napari_unet.widgets.qt.parts import WrappedLabel, button, in_column


class TrustBox(QWidget):
    """Asks whether a model may run code of its own; hidden for all that have none.

    Signals
    -------
    answered()
        It is known whether the model has any, or leave was given.
    """

    answered = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._job = Job(self, quiet=True)
        self._job.ended.connect(self._look)
        self._needs: dict[Path, str] = {}
        self._trusted: set[Path] = set()
        self._model: Path | None = None
        self.words = WrappedLabel()
        tip = "It may read, write and send whatever you may."
        self.allow = button("Run its code", self._on_allow, tip)
        in_column(self, self.words, self.allow)
        self.hide()

    def set_model(self, model: Path | None) -> None:
        """Look at another model, on a thread."""
        self._model = model
        self._show()
        self._look()

    def trusts(self, model: Path) -> bool:
        """Return whether the user gave leave for the code of a model."""
        return model in self._trusted

    def why_not(self) -> str:
        """Return why a prediction has to wait for an answer, or ""."""
        return "Say first whether the model may run its code." if self._asks else ""

    @property
    def _asks(self) -> bool:
        model = self._model
        needs = model is not None and bool(self._needs.get(model))
        return needs and model not in self._trusted

    def _look(self) -> None:
        model = self._model
        if model is None or model in self._needs or self._job.running:
            return
        if not is_package(model):
            self._keep(model, "")
            return
        look, keep = partial(needs_code, model), partial(self._keep, model)
        self._job.start("Looking at a model", once(look), on_done=keep)

    def _keep(self, model: Path, words: str) -> None:
        self._needs[model] = words
        self._show()

    def _on_allow(self) -> None:
        if self._model is not None:
            self._trusted.add(self._model)
        self._show()

    def _show(self) -> None:
        if self._asks and self._model is not None:
            self.words.setText(
                f"<b>{self._model.name} runs code of its own</b>: "
                f"{self._needs[self._model]}. It can do anything on this computer: let "
                "it run only if you know whom it is from."
            )
        self.setVisible(self._asks)
        self.answered.emit()
