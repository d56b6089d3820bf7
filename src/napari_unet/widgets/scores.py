"""Scores: a prediction against ground truth, slice by slice."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFileDialog,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
)

from napari_unet.errors import InputError, NapariUNetError
from napari_unet.score.report import COLUMNS, Scores, score_labels
from napari_unet.widgets.form import explain
from napari_unet.widgets.kind import KindBox
from napari_unet.widgets.layers import PREDICTED, LayerBox, labels_array
from napari_unet.widgets.panel import Panel
from napari_unet.words import sides

if TYPE_CHECKING:
    import napari
    import numpy as np
    from numpy.typing import NDArray

_NO_SCORES = "There are no scores yet."
_TITLES = ("Slice", "IoU", "Dice", "Accuracy", "Pixel error")


class ScoresWidget(Panel):
    """Scores a prediction layer against a ground truth layer.

    Parameters
    ----------
    napari_viewer
        The viewer with the layers.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, "Score", "Stop")
        self.scores: Scores | None = None
        self.prediction = LayerBox(napari_viewer, Labels)
        self.truth = LayerBox(napari_viewer, Labels)
        self.kind = KindBox()
        self.add_row("Prediction", self.prediction)
        self.add_row("Ground truth", self.truth)
        self.add_row("Kind of truth", self.kind)
        self.table = QTableWidget(0, len(_TITLES))
        self.table.setHorizontalHeaderLabels(_TITLES)
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.table.setMinimumHeight(160)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.cellClicked.connect(self._on_row_clicked)
        self.total = QLabel("")
        self.total.setWordWrap(True)
        self.save_button = QPushButton("Save as CSV or JSON ...")
        self.save_button.clicked.connect(self._on_save)
        explain(self.save_button, _NO_SCORES)
        self.finish_layout(self.total, self.table, self.save_button)
        self.box.setStretchFactor(self.table, 10)
        for box in (self.prediction, self.truth):
            box.valueChanged.connect(self._on_layers)
        self.truth.valueChanged.connect(self.kind.show_guess)
        self.listen(self.workspace.events.prediction, self._on_prediction)
        self.listen(self.workspace.events.truth, self._on_truth)
        self._on_layers(None)
        self._on_prediction(self.workspace.prediction)
        self._on_truth(self.workspace.truth)

    def why_not(self) -> str:
        """Return what is missing."""
        prediction, truth = self.prediction.value(), self.truth.value()
        if prediction is None or truth is None:
            return "Scores need a prediction layer and a ground truth layer."
        if prediction is truth:
            return "Choose two different layers: a prediction and its ground truth."
        return ""

    def run(self) -> None:
        """Count on a thread."""
        prediction, truth = self.prediction.value(), self.truth.value()
        told, true = labels_array(prediction), labels_array(truth)
        if told.shape != true.shape:
            raise InputError(
                f"{prediction.name} is {sides(told.shape)} and {truth.name} is "
                f"{sides(true.shape)} (slices x Y x X): choose layers of one image."
            )
        slices = prediction.metadata.get(PREDICTED)
        kind = self.kind.value()
        self.start("Scoring", lambda: _score(told, true, kind, slices), lambda: None)

    def on_done(self, result: tuple[Scores, tuple[str, ...]]) -> None:
        """Fill the table."""
        self.scores, notes = result
        values = self.scores.values()
        self.total.setText(
            f"<b>All: IoU {values['iou']:.4f}, Dice {values['dice']:.4f}, accuracy "
            f"{values['accuracy']:.4f}</b>"
        )
        self.table.setRowCount(len(self.scores.slices))
        for index, row in enumerate(self.scores.slices):
            self._set(index, 0, str(row.slice))
            for column, name in enumerate(COLUMNS, start=1):
                self._set(index, column, _text(row.values()[name]))
        explain(self.save_button, "")
        self.show_progress(1.0, "\n".join(notes))

    def _on_layers(self, _layer: Labels | None) -> None:
        """Take away scores that belong to other layers."""
        self.scores = None
        self.total.setText("")
        self.table.setRowCount(0)
        explain(self.save_button, _NO_SCORES)
        missing = self.truth.value() is None
        explain(self.kind, "There is no ground truth." if missing else "")
        self.refresh()

    def _set(self, row: int, column: int, text: str) -> None:
        item = QTableWidgetItem(text)
        item.setTextAlignment(
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        )
        self.table.setItem(row, column, item)

    def _on_row_clicked(self, row: int, column: int) -> None:
        layer = self.prediction.value()
        if self.scores is None or layer is None or layer.ndim < 3:
            return
        index = self.scores.slices[row].slice
        position = [0.0] * layer.ndim
        position[-3] = index
        world = layer.data_to_world(position)
        axis = self.viewer.dims.ndim - 3
        self.viewer.dims.set_point(axis, world[-3])

    def _on_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Save scores", "scores.csv", "CSV (*.csv);;JSON (*.json)"
        )
        if name:
            self.save(name)

    def save(self, path: str) -> None:
        """Write the scores as CSV or JSON, by the suffix of `path`."""
        if self.scores is None:
            return
        try:
            self.scores.save(path)
        except NapariUNetError as error:
            self.status.setText(str(error))
        else:
            self.status.setText(f"Wrote {path}")

    def _on_prediction(self, layer: Labels | None) -> None:
        self.prediction.setValue(layer)
        self.refresh()

    def _on_truth(self, layer: Labels | None) -> None:
        self.truth.setValue(layer)
        self.kind.show_guess(self.truth.value())
        self.refresh()


def _score(
    told: NDArray[np.generic], true: NDArray[np.generic], kind: Any, slices: Any
) -> Generator[None, None, tuple[Scores, tuple[str, ...]]]:
    yield
    return score_labels(told, true, kind, slices=slices)


def _text(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4f}"
