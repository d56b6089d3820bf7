"""Models taken from packages of other programs, and given to them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from napari_unet.data.one_import import imported
from napari_unet.model.loading import is_package
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.file_dialogs import open_file, save_file
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.job import Job, once
from napari_unet.widgets.qt.parts import WrappedLabel, in_column, in_row, tool

if TYPE_CHECKING:
    from napari_unet.share.imported import Imported
    from napari_unet.share.package import Exported
    from napari_unet.widgets.choose.model_box import ModelBox

_PACKAGES = "Packages (*.zip *rdf.yaml *bioimageio.yaml);;All files (*)"
_MODELS = "Models (*.safetensors)"
_EXPORTS = "Package of bioimage.io (*.zip);;ONNX (*.onnx);;TorchScript (*.pt)"


class ShareBox(QWidget):
    """Imports a package as a model file, and exports a model file as a package.

    Parameters
    ----------
    workspace
        Gets the model that was imported.
    model
        Where it is chosen then, and what is exported.
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
        tip = "Write the model so that other programs can use it, and check it."
        self.export_button = tool("Export ...", self._on_export, tip)
        row = in_row(self.import_button, self.export_button)
        row.addStretch(1)
        in_column(self, row, self.words)
        model.valueChanged.connect(self._on_model)
        self._refresh()

    def import_package(self, package: Path, out: Path) -> None:
        """Import a package on a thread, and choose the model that comes of it."""

        def work() -> Imported:
            # What loads torch waits until it is needed.
            imported("torch")
            from napari_unet.share.imported import import_model

            return import_model(package, out)

        self._say(f"Importing {package.name} ...")
        done = partial(self._on_imported, out)
        self.job.start("Importing a model", once(work), on_done=done)
        self._refresh()

    def export(self, model: Path, out: Path) -> None:
        """Export a model on a thread; what was written is read back and compared."""

        def work() -> Exported:
            imported("torch")
            from napari_unet.share.package import export_model

            return export_model(model, out)

        self._say(f"Exporting {out.name} ...")
        done = partial(self._on_exported, out)
        self.job.start("Exporting a model", once(work), on_done=done)
        self._refresh()

    def _on_export(self) -> None:
        model = self._model.value()
        if isinstance(model, Path):
            name = str(model.with_suffix(".zip"))
            act = partial(self.export, model)
            save_file(self, "Export the model", name, _EXPORTS, act)

    def _on_exported(self, out: Path, exported: Exported) -> None:
        largest = max(exported.differences.values(), default=0.0)
        checked = f"{out.name} written; checked: largest difference {largest:.0e}."
        self._say("\n".join([checked, *exported.notes]))

    def _on_import(self) -> None:
        open_file(self, "Import a package", _PACKAGES, self._ask_where)

    def _ask_where(self, package: Path) -> None:
        stem = package.stem if package.suffix == ".zip" else package.parent.name
        name = str(package.with_name(f"{stem}.safetensors"))
        act = partial(self.import_package, package)
        save_file(self, "Write the model", name, _MODELS, act)

    def _on_imported(self, out: Path, made: Imported) -> None:
        self._workspace.model = out
        self._model.setValue(out)
        self._say(f"Imported: {made.words}.")

    def _on_model(self, *_changed: object) -> None:
        """Forget what was said of another model."""
        if not self.job.running:
            self._say("")
        self._refresh()

    def _say(self, words: str) -> None:
        self.words.setText(words)

    def _refresh(self) -> None:
        busy = "A model is being imported or exported." if self.job.running else ""
        model = self._model.value()
        why = "" if isinstance(model, Path) else "Choose a model first."
        if isinstance(model, Path) and is_package(model):
            why = "This is a package already."
        explain(self.import_button, busy)
        explain(self.export_button, busy or why)
