"""Scores: a prediction against ground truth, slice by slice, and where it is wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from napari_unet.errors import InputError, NapariUNetError
from napari_unet.score.comparison import Comparison, compare
from napari_unet.score.error_map import leave_out
from napari_unet.score.page import check_page
from napari_unet.score.scoring import SliceScored, score_slice_by_slice
from napari_unet.widgets.baseline_box import BaselineBox, made_by_baseline
from napari_unet.widgets.compare import CompareBox
from napari_unet.widgets.error_list import ErrorList, ignored_in
from napari_unet.widgets.fold import Fold
from napari_unet.widgets.form import explain
from napari_unet.widgets.kind import KindBox
from napari_unet.widgets.layers import PREDICTED, LayerBox, labels_array
from napari_unet.widgets.made_by import made_by
from napari_unet.widgets.panel import Panel
from napari_unet.widgets.report_work import ReportWork
from napari_unet.widgets.score_table import ScoreTable
from napari_unet.widgets.score_totals import ScoreTotals
from napari_unet.widgets.threshold import ThresholdBox
from napari_unet.widgets.used_slices import UsedSlices
from napari_unet.words import clock, sides

if TYPE_CHECKING:
    import napari
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet.config import AnnotationKind
    from napari_unet.score.report import Scores

_NO_SCORES = "There are no scores yet."
_SHOW_SECONDS = 0.1


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
        self.comparison: Comparison | None = None
        self.prediction = LayerBox(napari_viewer, Labels)
        self.truth = LayerBox(napari_viewer, Labels)
        self.kind = KindBox()
        self.add_row("Prediction", self.prediction)
        self.add_row("Ground truth", self.truth)
        self.add_row("Kind of truth", self.kind)
        self.totals = ScoreTotals()
        self.table = ScoreTable()
        self.table.chosen.connect(self._go_to_slice)
        self.errors = ErrorList(napari_viewer)
        self.threshold = ThresholdBox(napari_viewer)
        self.compare = CompareBox(napari_viewer)
        self.baselines = BaselineBox(napari_viewer)
        self.save_button = QPushButton("Save table ...")
        self.save_button.clicked.connect(self._on_save)
        self.report_button = QPushButton("Save report ...")
        self.report_button.clicked.connect(self._on_report)
        saves = QWidget()
        row = QHBoxLayout(saves)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.save_button)
        row.addWidget(self.report_button)
        self.folds = {
            "errors": Fold("Errors, one by one", self.errors),
            "threshold": Fold("Threshold", self.threshold),
            "compare": Fold("Compare predictions", self.compare),
            "baselines": Fold("Simpler methods", self.baselines),
        }
        self.finish_layout(self.totals, self.table, saves, *self.folds.values())
        self.box.setStretchFactor(self.table, 10)
        for box in (self.prediction, self.truth):
            box.valueChanged.connect(self._on_layers)
        self.truth.valueChanged.connect(self.kind.show_guess)
        self.threshold.changed.connect(self._score_again)
        self.baselines.made.connect(self._on_baseline)
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
        work = _ScoringWork(
            told,
            true,
            self.kind.value(),
            prediction.metadata.get(PREDICTED),
            ignored_in(truth),
            _learnt_from(prediction),
        )
        self.start("Scoring", work.run, work.stop)

    def on_step(self, item: Any) -> None:
        """Show how far it is; a report has but one step."""
        if isinstance(item, _Progress):
            self.show_progress(item.done / item.total, item.words)

    def on_done(self, result: tuple[Scores, Comparison] | Path | None) -> None:
        """Show what was scored, or where the report lies."""
        if isinstance(result, Path):
            self.show_progress(1.0, f"Wrote {result}")
            return
        if result is None:
            self.show_progress(0.0, "Stopped: nothing was scored.")
            return
        self.scores, self.comparison = result
        prediction, truth = self.prediction.value(), self.truth.value()
        self.totals.show_scores(self.scores)
        self.table.show_rows(self.scores.slices)
        self.errors.show_scores(self.comparison, prediction, truth)
        self.threshold.show_scores(self.comparison, prediction)
        if prediction is not None:
            self._list(prediction, self.scores)
        for button in (self.save_button, self.report_button):
            explain(button, "")
        self.show_progress(1.0, "\n".join(self.scores.notes))

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

    def save_report(self, path: str) -> None:
        """Write a page with tables and pictures, HTML or Markdown by the suffix."""
        if self.scores is None or self.comparison is None or self.running:
            return
        try:
            check_page(Path(path))
        except NapariUNetError as error:
            self.status.setText(str(error))
            return
        work = ReportWork.of(
            Path(path),
            self.scores,
            self.comparison,
            self.workspace.image,
            self.prediction.value(),
            self.truth.value(),
        )
        self.start("Writing the report", work.run, lambda: None)

    def _score_again(self, *_changed: Any) -> None:
        """Follow a mask that was moved in this dock."""
        if not self.running and not self.why_not():
            self.run()

    def _on_baseline(self, layer: Labels) -> None:
        """Score what a simpler method made, beside the others."""
        self._on_prediction(layer)
        self._score_again()

    def _on_layers(self, _layer: Labels | None) -> None:
        """Take away scores that belong to other layers."""
        self._take_away()
        missing = self.truth.value() is None
        explain(self.kind, "There is no ground truth." if missing else "")
        self.refresh()

    def _take_away(self) -> None:
        self.scores = self.comparison = None
        self.totals.show_scores(None)
        self.table.show_rows(())
        self.errors.show_scores(None)
        self.threshold.show_scores(None, None)
        for button in (self.save_button, self.report_button):
            explain(button, _NO_SCORES)

    def _list(self, prediction: Labels, scores: Scores) -> None:
        """Add the scores to those of other predictions."""
        image, baseline = self.workspace.image, made_by_baseline(prediction)
        self.compare.add(
            prediction.name,
            scores,
            made_by=made_by(prediction),
            method="" if baseline is None else baseline.title,
            image="" if image is None else image.name,
            slices=[row.slice for row in scores.slices],
            trained=scores.trained_on,
            intervals=scores.intervals,
        )

    def _go_to_slice(self, index: int) -> None:
        layer = self.prediction.value()
        if self.scores is None or layer is None or layer.ndim < 3:
            return
        position = [0.0] * layer.ndim
        position[-3] = index
        world = layer.data_to_world(position)
        self.viewer.dims.set_point(self.viewer.dims.ndim - 3, world[-3])

    def _on_save(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Save scores", "scores.csv", "CSV (*.csv);;JSON (*.json)"
        )
        if name:
            self.save(name)

    def _on_report(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Save report", "scores.html", "HTML (*.html);;Markdown (*.md)"
        )
        if name:
            self.save_report(name)

    def _on_prediction(self, layer: Labels | None) -> None:
        self.prediction.setValue(layer)
        self.refresh()

    def _on_truth(self, layer: Labels | None) -> None:
        self.truth.setValue(layer)
        self.kind.show_guess(self.truth.value())
        self.refresh()


def _learnt_from(prediction: Labels) -> frozenset[int]:
    """Return the slices from which a model, or a simpler method, has learnt."""
    baseline = made_by_baseline(prediction)
    if baseline is not None:
        return frozenset(baseline.learnt_from)
    return UsedSlices.of(made_by(prediction)).trained


@dataclass(frozen=True)
class _Progress:
    done: int
    total: int
    words: str


@dataclass(eq=False)
class _ScoringWork:
    """Scores copies of two layers, for a worker thread."""

    told: NDArray[np.generic]
    true: NDArray[np.generic]
    kind: AnnotationKind | None
    slices: Any
    ignored: NDArray[np.bool_] | None
    trained_on: frozenset[int]
    _stopped: threading.Event = field(default_factory=threading.Event, init=False)

    def stop(self) -> None:
        """End after the slice in work; from any thread."""
        self._stopped.set()

    def run(self) -> Generator[_Progress, None, tuple[Scores, Comparison] | None]:
        """Score, yielding how far it is."""
        comparison = compare(self.told, self.true, self.kind, slices=self.slices)
        if self.ignored is not None:
            comparison = leave_out(comparison, self.ignored)
        comparison = replace(comparison, trained_on=self.trained_on)
        steps = score_slice_by_slice(comparison)
        began = shown = time.monotonic()
        while not self._stopped.is_set():
            try:
                step = next(steps)
            except StopIteration as end:
                scores: Scores = end.value
                # Worked out here, not while it is shown.
                _ = scores.intervals, scores.instances
                return scores, comparison
            if time.monotonic() - shown > _SHOW_SECONDS:
                shown = time.monotonic()
                yield _Progress(step.done, step.total, _words(step, began))
        return None


def _words(step: SliceScored, began: float) -> str:
    passed = time.monotonic() - began
    left = passed / step.done * (step.total - step.done)
    told = f"Scored slice {step.done} of {step.total}"
    return f"{told}, {clock(left)} left" if left > 1 else told
