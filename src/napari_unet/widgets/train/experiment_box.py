"""Settings of a published experiment, to start from."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_unet.experiments.study import EXPERIMENTS, Experiment
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.parts import NarrowBox, WrappedLabel, button, in_column

TITLE = "Reproduce a published experiment"
_TOOLTIP_ROLE = Qt.ItemDataRole.ToolTipRole
_TOOLTIP = "Sets network, loss, optimiser, random changes and length of the training."


class ExperimentBox(QWidget):
    """Shows the experiments of the study, and hands out the settings of one.

    Signals
    -------
    chosen(RunConfig)
        The settings of the experiment that is shown are wanted.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.box = NarrowBox()
        for one in EXPERIMENTS.values():
            self.box.addItem(f"{one.number}  {one.name}", one.number)
            self.box.setItemData(self.box.count() - 1, one.name, _TOOLTIP_ROLE)
        self.words = WrappedLabel()
        self.figures = _Figures()
        self.button = button("Use these settings", self._on_clicked, _TOOLTIP)
        in_column(self, self.box, self.words, self.figures, self.button)
        self.box.currentIndexChanged.connect(self._show)
        self._show()

    def value(self) -> Experiment:
        """Return the experiment that is shown."""
        return EXPERIMENTS[self.box.currentData()]

    def setValue(self, number: int) -> None:  # noqa: N802 (Qt's own spelling)
        """Show the experiment of a number."""
        self.box.setCurrentIndex(self.box.findData(number))

    def set_busy(self, reason: str) -> None:
        """Disable the button and say why; "" enables it."""
        explain(self.button, reason)

    def _show(self, *_index: Any) -> None:
        self.words.setText(self.value().description)
        self.figures.show_figures(self.value())

    def _on_clicked(self) -> None:
        self.chosen.emit(self.value().settings)


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
                cell.setText(text)
                cell.setVisible(bool(text))
