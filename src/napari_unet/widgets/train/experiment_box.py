"""Reproduce a published experiment: its figures, and its settings to train with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_unet.config.needs import RUNS
from napari_unet.experiments.study import EXPERIMENTS, Experiment
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.dock import Dock
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import NarrowBox, WrappedLabel, button, in_column

if TYPE_CHECKING:
    import napari

_TAKEN = "The Train tab has them now: start there. A new choice there replaces them."
_TRAINS = ("live", "training")
_WORDS = {
    "iou": "IoU",
    "iou_thresh": "IoU of the mask",
    "jaccard": "Jaccard",
    "dice_coef": "Dice",
}
_TOOLTIP_ROLE = Qt.ItemDataRole.ToolTipRole
_TOOLTIP = "Sets network, loss, optimiser, random changes and length of the training."


class ExperimentsWidget(Dock):
    """Shows the experiments of the study, and hands the settings of one to Train.

    Parameters
    ----------
    napari_viewer
        The viewer whose Train docks take them.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._workspace = Workspace.of(napari_viewer)
        self.box = NarrowBox()
        for one in EXPERIMENTS.values():
            self.box.addItem(f"{one.number}  {one.name}", one.number)
            self.box.setItemData(self.box.count() - 1, one.name, _TOOLTIP_ROLE)
        self.words = WrappedLabel()
        self.figures = _Figures()
        self.button = button("Use these settings", self._on_clicked, _TOOLTIP)
        self.taken = WrappedLabel(lines=2)
        parts = (self.box, self.words, self.figures, self.button, self.taken)
        in_column(self, *parts).addStretch(1)
        self.box.currentIndexChanged.connect(self._show)
        Subscriptions(self, self._on_busy, self._workspace.events.busy)
        self._show()
        self._on_busy(self._workspace.busy)

    def value(self) -> Experiment:
        """Return the experiment that is shown."""
        return EXPERIMENTS[self.box.currentData()]

    def setValue(self, number: int) -> None:  # noqa: N802 (Qt's own spelling)
        """Show the experiment of a number."""
        self.box.setCurrentIndex(self.box.findData(number))

    def _show(self, *_index: Any) -> None:
        self.words.setText(self.value().description)
        self.figures.show_figures(self.value())
        self.taken.setText("")

    def _on_busy(self, busy: str) -> None:
        explain(self.button, RUNS if busy in _TRAINS else "")

    def _on_clicked(self) -> None:
        self._workspace.wanted = self.value().settings
        self.taken.setText(_TAKEN)


class _Figures(QWidget):
    """The printed figures, on training and on validation data."""

    def __init__(self) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        self.cells = [[QLabel("") for _ in range(4)] for _ in range(3)]
        for row, cells in enumerate(self.cells):
            for column, cell in enumerate(cells):
                side = "AlignRight" if column else "AlignLeft"
                grid.addWidget(cell, row, column, getattr(Qt.AlignmentFlag, side))

    def show_figures(self, experiment: Experiment) -> None:
        """Show what the study printed, or that it printed nothing."""
        printed = experiment.printed
        rows: tuple[tuple[str, ...], ...]
        rows = (("The study printed no figures of it.",), (), ())
        if printed is not None:
            rows = printed.rows
        for cells, texts in zip(self.cells, rows, strict=True):
            padded = [*texts, *[""] * (len(cells) - len(texts))]
            for cell, text in zip(cells, padded, strict=True):
                cell.setText(_WORDS.get(text, text))
                cell.setToolTip(f"{text} in the study" if text in _WORDS else "")
                cell.setVisible(bool(text))
