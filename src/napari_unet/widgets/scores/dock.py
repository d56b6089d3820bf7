"""Scores: a prediction against ground truth, slice by slice, and where it is wrong."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtCore import QModelIndex
from qtpy.QtWidgets import QWidget

from napari_unet.errors import InputError, telling
from napari_unet.score.measures import SHOWN
from napari_unet.score.report.page import check_page
from napari_unet.score.scoring import SliceScored
from napari_unet.widgets.choose.copy_offer import CopyOffer
from napari_unet.widgets.choose.coverage_box import CoverageBox
from napari_unet.widgets.choose.kind_box import KindBox
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.choose.role_warning import RoleWarning
from napari_unet.widgets.layers.marks import PREDICTED
from napari_unet.widgets.layers.places import go_to_slice
from napari_unet.widgets.layers.roles import Role
from napari_unet.widgets.qt.fold import Fold
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.job import once
from napari_unet.widgets.qt.listen import later
from napari_unet.widgets.qt.panel import Panel, growing_form
from napari_unet.widgets.qt.parts import in_column
from napari_unet.widgets.qt.plot import drawn
from napari_unet.widgets.scores.baseline_box import BaselineBox
from napari_unet.widgets.scores.compare_box import CompareBox
from napari_unet.widgets.scores.error_list import ErrorList, ignored_in
from napari_unet.widgets.scores.pages import Pages
from napari_unet.widgets.scores.report_work import report_of
from napari_unet.widgets.scores.score_totals import ScoreTotals
from napari_unet.widgets.scores.subject import Scored, Subject
from napari_unet.widgets.scores.subject_watch import SubjectWatch
from napari_unet.widgets.scores.table_page import TablePage
from napari_unet.widgets.scores.threshold_box import ThresholdBox
from napari_unet.widgets.scores.truth_row import TruthRow

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

    from napari_unet.score.scores import Scores

_NO_SCORES = "There are no scores yet."
_NO_PREDICTION = "There is no prediction: predict the stack first, or open one."
_NO_TRUTH = (
    "There is no ground truth: choose its file above, or labels that nothing learnt "
    "from."
)
_OTHERS = "Other layers were chosen meanwhile: nothing was scored."
_IN_PARTS = (
    "Scored some slices at a time, for the memory does not hold all: crop prediction "
    "and ground truth to a part, and score that, to see this."
)

_TRAINED_ON = {
    Role.ANNOTATIONS: "These are the annotations: scores on what a network learnt from "
    "say nothing of new slices."
}


class ScoresWidget(Panel):
    """Scores a prediction layer against a ground truth layer.

    Parameters
    ----------
    napari_viewer
        The viewer with the layers.
    """

    does = "scoring"

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, "Score", "Stop", lines=2)
        self.scored: Scored | None = None
        self._shown: Scored | None = None
        self._watch: SubjectWatch | None = None
        self._next_watch: SubjectWatch | None = None
        kinds = {Role.ANNOTATIONS, Role.TRUTH, Role.PREDICTION, Role.PREVIEW}
        self.prediction = LayerBox(
            napari_viewer, Labels, Role.PREDICTION, by_hand=kinds, suits=self._is_free
        )
        self.truth = LayerBox(
            napari_viewer, Labels, Role.TRUTH, by_hand=kinds, suits=self._is_free
        )
        self.warning = RoleWarning(self.truth, _TRAINED_ON)
        self.kind = KindBox()
        self.coverage = CoverageBox(self.truth, self.kind)
        self.add_row("Prediction", self.prediction)
        self.truth_row = TruthRow(napari_viewer, self.truth, self.prediction)
        self.truth_row.said.connect(self._say)
        self.add_row("Ground truth", self.truth_row)
        self.form.addRow(self.warning)
        still = "It is scored as it is."
        self.copy_offer = CopyOffer(napari_viewer, self.truth, still)
        self.form.addRow(self.copy_offer)
        self.form.addRow(_reading(self.kind, self.coverage))
        self.totals = ScoreTotals()
        self.table_page = TablePage(self)
        self.table = self.table_page.table
        self.save_button = self.table_page.save_button
        self.report_button = self.table_page.report_button
        self.table.clicked.connect(self._go_to_slice)
        self.table.headers[0].sortIndicatorChanged.connect(self._on_sorted)
        self.errors = ErrorList(napari_viewer)
        self.threshold = ThresholdBox(napari_viewer)
        self.compare = CompareBox(napari_viewer)
        self.baselines = BaselineBox(napari_viewer)
        self.pages = Pages(
            {
                "Table": self.table_page,
                "Errors": self.errors,
                "Threshold": self.threshold,
                "Comparison": _comparison(self.compare, self.baselines),
            }
        )
        self.finish_layout(self.totals, self.pages)
        self.box.setStretchFactor(self.pages, 10)
        for box in (self.prediction, self.truth):
            box.valueChanged.connect(self._on_layers)
        self.truth.activated.connect(self._share_truth)
        self.threshold.changed.connect(self._score_again)
        self.copy_offer.made.connect(partial(setattr, self.workspace, "truth"))
        self.errors.ignoredChanged.connect(self._on_ignored)
        self._soon = later(self, self._score_again)
        self.baselines.made.connect(self._on_baseline)
        events = self.workspace.events
        self._keep_meaning()
        for box in (self.prediction, self.truth):
            self.listen(events.annotations, box.refresh)
        self.listen(events.prediction, self.prediction.setValue)
        self.listen(events.truth, self.truth.setValue)
        self.prediction.setValue(self.workspace.prediction)
        self.truth.setValue(self.workspace.truth)
        self._on_layers(None)

    @property
    def scores(self) -> Scores | None:
        """The scores that are shown, or None."""
        return None if self.scored is None else self.scored.scores

    def why_not(self) -> str:
        """Return what is missing."""
        prediction, truth = self.prediction.value(), self.truth.value()
        if prediction is None:
            return _NO_PREDICTION
        if truth is None:
            return _NO_TRUTH
        if prediction == truth:
            return "Choose two different layers: a prediction and its ground truth."
        return ""

    def run(self) -> None:
        """Count on a thread."""
        # What a threshold has only shown so far is not the prediction.
        self.threshold.take_back()
        prediction, truth = self.prediction.value(), self.truth.value()
        subject = Subject.of(self.viewer, prediction, truth, self.workspace.image)
        self._next_watch = SubjectWatch(subject, self)
        self._next_watch.changed.connect(self._show_changes)
        slices = prediction.metadata.get(PREDICTED)
        ignored = ignored_in(truth)
        kind, coverage = self.kind.value(), self.coverage.value()
        work = partial(subject.score, kind, slices, ignored, coverage=coverage)
        self.start("Scoring", drawn(work))

    def on_step(self, item: Any) -> None:
        """Show how far it is, and first numbers; a report has but one step."""
        if isinstance(item, SliceScored):
            left = self.job.left(item.share)
            what = "Borders of slice" if item.borders else "Scored slice"
            words = f"{what} {item.done} of {item.total}, {left}"
            self.show_progress(item.share, words.removesuffix(", "))
        elif isinstance(item, Scored) and self._is_chosen(item):
            self._show_numbers(item)

    def on_done(self, result: Scored | Path | None) -> None:
        """Show what was scored, or where the report lies."""
        if isinstance(result, Path):
            self.show_progress(1.0, f"Wrote {result}")
        elif result is None:
            self.show_progress(0.0, "Stopped: nothing was scored.")
        elif not self._is_chosen(result):
            self.show_progress(0.0, _OTHERS)
        else:
            watch, self._next_watch = self._next_watch, None
            self._show(result, watch)
            self.compare.add(result.record())
            self.show_progress(1.0, "")
            slices, notes = result.scores.slices, result.scores.notes
            many = "1 slice" if len(slices) == 1 else f"{len(slices)} slices"
            self.status.say(f"Scored {many}.", details="\n".join(notes))

    def why_not_save(self) -> str:
        """Return why the scores cannot be saved, or ""."""
        if self.scored is None:
            return _NO_SCORES
        return "" if self._watch is None else self._watch.words()

    def save(self, path: str | Path) -> None:
        """Write the scores as CSV or JSON, by the suffix of `path`."""
        with telling(self.show_failure):
            self._to_save().scores.save(path)
            self.status.say(f"Wrote {path}")

    def save_report(self, path: str | Path) -> None:
        """Write a page with tables and pictures, HTML or Markdown by the suffix."""
        if self.running:
            return
        with telling(self.show_failure):
            scored = self._to_save()
            check_page(Path(path))
            self.start("Writing the report", once(report_of(scored, Path(path))))

    def _is_chosen(self, scored: Scored) -> bool:
        """Return whether the layers that were scored are still chosen."""
        return scored.subject.is_of(self.prediction.value(), self.truth.value())

    def _say(self, words: str) -> None:
        self.status.say(words)

    def _to_save(self) -> Scored:
        if self.scored is None or self.why_not_save():
            raise InputError(self.why_not_save())
        return self.scored

    def _show(self, scored: Scored | None, watch: SubjectWatch | None) -> None:
        """Show scores in place of those before; None takes these away."""
        self.scored = scored
        if self._watch is not None:
            self._watch.close()
        self._watch = watch
        comparison, prediction, truth = None, None, None
        if scored is not None:
            comparison, subject = scored.comparison, scored.subject
            prediction, truth = subject.prediction, subject.truth
        self.workspace.scored = scored is not None
        self._show_numbers(scored)
        why = {} if scored is None or comparison is not None else {"missing": _IN_PARTS}
        self.errors.show_scores(comparison, prediction, truth, **why)
        self.threshold.show_scores(comparison, prediction)
        if why:
            self.threshold.words.say(_IN_PARTS)
        self._show_changes()

    def _show_numbers(self, scored: Scored | None) -> None:
        """Show the figures of scores, which may be but the first ones."""
        self._shown = scored
        if scored is None:
            self.totals.show_scores(())
            self.table_page.show_scores(None)
        else:
            self.totals.show_scores(scored.headlines(), scored.trust)
            self.table_page.show_scores(scored.scores, whole=scored.whole)

    def _show_changes(self) -> None:
        """Show whether the layers are still those that were scored."""
        self.totals.show_changes("" if self._watch is None else self._watch.words())
        self.table_page.refresh(self.why_not_save())

    def _on_ignored(self) -> None:
        if self._watch is not None:
            self._watch.ignore()

    def _score_again(self, *_changed: Any) -> None:
        """Follow a mask that was moved in this dock, after what runs now."""
        if self.running:
            self._stop_scoring()
            self._again = True
        elif not self.why_not():
            super()._on_run_clicked()  # tells what is wrong with the layers

    _again = False

    def _stop_scoring(self) -> None:
        if self._next_watch is not None:
            self.job.stop()

    def _on_run_clicked(self) -> None:
        self._again = False
        super()._on_run_clicked()

    def _on_ended(self) -> None:
        super()._on_ended()
        if self._next_watch is not None:
            self._next_watch.close()
        self._next_watch = None
        if self._shown is not self.scored:
            # First numbers of what was not scored to its end.
            self._show_numbers(self.scored)
        again, self._again = self._again, False
        if again:
            self._score_again()

    def _on_baseline(self, layer: Labels) -> None:
        """Score what a simpler method made, beside the others."""
        self.prediction.setValue(layer)
        # A new layer takes napari its time: the window is drawn in between.
        self._soon.start()

    def _is_free(self, layer: Layer) -> bool:
        """Return whether a layer is not what is painted on and trained with."""
        return bool(layer != self.workspace.annotations)

    def _share_truth(self, _index: int) -> None:
        self.workspace.truth = self.truth.value()

    def _on_layers(self, _layer: Labels | None) -> None:
        """Take away scores that belong to other layers."""
        self._stop_scoring()
        self._show(None, None)
        self._show_meaning()
        missing = self.truth.value() is None
        for part in (self.kind, self.coverage):
            explain(part, "There is no ground truth." if missing else "")
        self.refresh()

    def _keep_meaning(self) -> None:
        """Keep what the truth means with its layer."""
        self.kind.currentIndexChanged.connect(self._keep_kind)
        self.coverage.valueChanged.connect(self._keep_coverage)
        events = self.workspace.events
        for signal in (events.annotations, events.kind, events.coverage):
            self.listen(signal, self._show_meaning)

    def _show_meaning(self, *_event: Any) -> None:
        """Show what the truth means: what the annotations do, only where it is they."""
        kind, coverage = self.workspace.meaning_of(self.truth.value())
        self.kind.setValue(kind)
        self.coverage.setValue(coverage)

    def _keep_kind(self, _index: int) -> None:
        self.workspace.mean(self.truth.value(), kind=self.kind.value())

    def _keep_coverage(self) -> None:
        self.workspace.mean(self.truth.value(), coverage=self.coverage.value())

    def _on_sorted(self, column: int, *_order: Any) -> None:
        """Compare by the score that the slices are sorted by."""
        if column > 0:
            self.compare.choose(SHOWN[column - 1])

    def _go_to_slice(self, index: QModelIndex) -> None:
        layer = self.prediction.value()
        if self.scores is not None and layer is not None:
            go_to_slice(self.viewer, layer, self.table.rows()[index.row()].slice)


def _reading(kind: KindBox, coverage: CoverageBox) -> Fold:
    """Return the settings of how the truth is read, folded."""
    form = growing_form()
    form.addRow("Kind of truth", kind)
    form.addRow("Ignore", coverage)
    rows = QWidget()
    rows.setLayout(form)
    return Fold("How the ground truth is read", rows)


def _comparison(compare: CompareBox, baselines: BaselineBox) -> QWidget:
    """Return the page that compares, with simpler methods folded below it."""
    page = QWidget()
    in_column(page, compare, Fold("Simpler methods, to compare with", baselines))
    return page
