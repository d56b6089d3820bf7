"""The whole work in one dock: load, weights, train, predict, scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize
from qtpy.QtWidgets import QTabWidget, QVBoxLayout

from napari_unet.widgets.load.dock import LoadWidget
from napari_unet.widgets.predict.dock import PredictWidget
from napari_unet.widgets.qt.dock import Dock
from napari_unet.widgets.qt.panel import WIDTH
from napari_unet.widgets.scores.dock import ScoresWidget
from napari_unet.widgets.train.dock import TrainWidget
from napari_unet.widgets.weights.dock import WeightsWidget

if TYPE_CHECKING:
    import napari


class WorkflowWidget(Dock):
    """The five docks as tabs, in the order of the work.

    Parameters
    ----------
    napari_viewer
        The viewer that is worked in.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.load = LoadWidget(napari_viewer)
        self.weights = WeightsWidget(napari_viewer)
        self.train = TrainWidget(napari_viewer)
        self.predict = PredictWidget(napari_viewer)
        self.scores = ScoresWidget(napari_viewer)
        self.tabs = QTabWidget()
        for title, dock in (
            ("Load", self.load),
            ("Weights", self.weights),
            ("Train", self.train),
            ("Predict", self.predict),
            ("Scores", self.scores),
        ):
            self.tabs.addTab(dock, title)
        self.train.predict_stack = self._predict_stack
        self.scores.threshold.predict = self._predict_probabilities
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.tabs)

    def _predict_stack(self, model: Path) -> None:
        self.tabs.setCurrentWidget(self.predict)
        self.predict.predict_stack(model)

    def _predict_probabilities(self, model: Path) -> None:
        self.tabs.setCurrentWidget(self.predict)
        self.predict.predict_stack(model, probabilities=True)

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's own spelling)
        """Return the width at which every tab reads well."""
        return QSize(WIDTH, super().sizeHint().height())
