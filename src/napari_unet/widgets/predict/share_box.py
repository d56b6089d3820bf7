"""Models taken from packages of other programs, and given to them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.file_dialogs import open_file, save_file
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.job import Job, once
from napari_unet.widgets.qt.parts import WrappedLabel, in_column, in_row, tool

if TYPE_CHECKING:
    from napari_unet.share.imported import Imported
    from napari_unet.widgets.choose.model_box import ModelBox

_PACKAGES = "Packages (*.zip *rdf.yaml *bioimageio.yaml);;All files (*)"
_MODELS = "Models (*.safetensors)"


class ShareBox(QWidget):
    """Imports a package as a model file.

    Parameters
    ----------
    workspace
        Gets the model that was imported.
    model
        Where it is chosen then.
    """

    def __init__(self, workspace: Workspace, model: ModelBox) -> None:
        super().__init__()
        self._workspace, self._model = workspace, model
        self.job = Job(self)
        self.job.failed.connect(self._say)
        self.job.ended.connect(self._refresh)
        self.words = WrappedLabel(hides=True)
        tip = "Make a model file of a bioimage.io package: of ours, or of a U-Net."
        self.import_button = tool("Import ...", self._on_import, tip)
        row = in_row(self.import_button)
        row.addStretch(1)
        in_column(self, row, self.words)

    def import_package(self, package: Path, out: Path) -> None:
        """Import a package on a thread, and choose the model that comes of it."""

        def work() -> Imported:
            # What loads torch waits until it is needed.
            from napari_unet.share.imported import import_model

            return import_model(package, out)

        self._say(f"Importing {package.name} ...")
        done = partial(self._on_imported, out)
        self.job.start("Importing a model", once(work), on_done=done)
        self._refresh()

    def _on_import(self) -> None:
        open_file(self, "Import a package", _PACKAGES, self._ask_where)

    def _ask_where(self, package: Path) -> None:
        stem = package.stem if package.suffix == ".zip" else package.parent.name
        name = str(package.with_name(f"{stem}.safetensors"))
        act = partial(self.import_package, package)
        save_file(self, "Write the model", name, _MODELS, act)

    def _on_imported(self, out: Path, imported: Imported) -> None:
        self._say(f"Imported: {imported.words}.")
        self._workspace.model = out
        self._model.setValue(out)

    def _say(self, words: str) -> None:
        self.words.setText(words)

    def _refresh(self) -> None:
        busy = "A model is being imported or exported." if self.job.running else ""
        explain(self.import_button, busy)
