"""Which threshold scores best, a handle that moves it, and a model that keeps it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QDoubleSpinBox, QLabel, QWidget

from napari_unet.errors import InputError, telling
from napari_unet.model.card import keep_threshold
from napari_unet.predict.used_slices import UsedSlices
from napari_unet.score.threshold import threshold_steps
from napari_unet.widgets.layers.changes import LabelChanges
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.job import Job, once
from napari_unet.widgets.qt.listen import Subscriptions, later
from napari_unet.widgets.qt.parts import WrappedLabel, button, in_column, in_row, steady
from napari_unet.widgets.qt.status import Status, undo_action
from napari_unet.widgets.scores.threshold_mask import ThresholdMask
from napari_unet.widgets.scores.threshold_plot import COLOURS, ThresholdPlot

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from napari_unet.score.comparison import Comparison
    from napari_unet.score.threshold import ThresholdCurve

_SETTLED_MS = 500
_NOT_YET = (
    "No scores yet: score a prediction, and its threshold can be moved here by hand."
)
_NO_MAPS = (
    "There are no probabilities of this prediction: predict it with Probabilities too "
    "ticked, then score it again."
)
_TITLES = {"iou": "IoU", "dice": "Dice", "v_rand": "Rand"}


class ThresholdBox(QWidget):
    """Draws scores against the threshold, moves the mask, and keeps the choice.

    The curve is that of the held-out slices where the model tells which they are.

    Parameters
    ----------
    viewer
        The viewer with the prediction.

    Attributes
    ----------
    predict
        Predicts with a model, probabilities too, as the Predict dock does; a button
        offers it once this is set.

    Signals
    -------
    changed(float)
        The mask of the prediction follows another threshold: its scores are old.
    kept(float)
        The model keeps a threshold.
    """

    changed = Signal(float)
    kept = Signal(float)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._workspace = Workspace.of(viewer)
        self.predict: Callable[[Path], None] | None = None
        self.curve: ThresholdCurve | None = None
        self._comparison: Comparison | None = None
        self._mask: ThresholdMask | None = None
        self._used = UsedSlices()
        self._plot = ThresholdPlot()
        self._plot.moved.connect(self._on_handle)
        self._plot.released.connect(self._on_released)
        self._job = Job(self, quiet=True)
        self._job.ended.connect(self._on_mask_ended)
        self._curving = Job(self, quiet=True)
        self._curving.ended.connect(self._begin_if_seen)
        self._next: float | None = None
        self._due = False
        self.about, self.reached = WrappedLabel(), WrappedLabel(lines=1)
        self.words = Status(lines=2)
        for job in (self._job, self._curving):
            job.failed.connect(self.words.say)
        self.predict_button = button("Predict with probabilities", self._on_predict)
        self.value = steady(QDoubleSpinBox())
        self.value.setRange(0.01, 0.99)
        self.value.setSingleStep(0.01)
        self.value.setDecimals(3)
        self.value.setValue(0.5)
        self.value.setToolTip("A pixel is foreground above this probability.")
        self.best = {
            name: button(f"Best {_TITLES[name]}", partial(self._go_to, name))
            for name in ("iou", "v_rand")
        }
        tip = "The model predicts with it from now on."
        self.keep_button = button("Keep this threshold in the model", self.keep, tip)
        self._settled = later(
            self, lambda: self._finish(self.value.value()), _SETTLED_MS
        )
        self.value.valueChanged.connect(self._on_value)
        self._edits = Subscriptions(self, self._on_edited)
        self._edited = later(self, self._look_again, _SETTLED_MS)
        self.title = QLabel("Foreground above (probability)")
        self.title.setToolTip(self.value.toolTip())
        row = in_row(self.title, self.value, stretch=(0, 1))
        best = in_row(*self.best.values(), stretch=(1, 1))
        parts = (self.predict_button, self.keep_button, self.words)
        in_column(self, self.about, self._plot, self.reached, row, best, *parts)
        self.refresh()

    @property
    def running(self) -> bool:
        """Whether a curve or a mask is being made."""
        return self._job.running or self._curving.running

    def show_scores(
        self, comparison: Comparison | None, prediction: Labels | None
    ) -> None:
        """Take what was scored; None where there are no scores any more."""
        self._settled.stop()
        self.take_back()
        self._edits.replace([])
        before, of = self._mask, self._comparison
        self._comparison, self._mask = comparison, None
        self._used = UsedSlices()
        if comparison is not None and prediction is not None:
            self._mask = ThresholdMask(self._viewer, prediction)
            self._edits.replace([LabelChanges.of(prediction).edited])
            made = self._mask.made_by
            self._used = UsedSlices.of(made)
            self._show_value(0.5 if made is None else made.threshold or 0.5)
        if not self._still_holds(before, of):
            self._forget_curve()
        self.refresh()
        self._begin_if_seen()

    def take_back(self) -> None:
        """Show the layer without what the threshold has only shown of it."""
        mask = self._mask
        if mask is not None and mask.layer in self._viewer.layers:
            mask.take_back()

    @property
    def slices(self) -> tuple[int, ...]:
        """Slices of the curve: those held out, else all that have probabilities."""
        if self._mask is None or self._comparison is None:
            return ()
        known = set(self._mask.slices) & set(self._comparison.slices)
        return tuple(sorted(known & (self._used.validation or frozenset()) or known))

    def why_not(self) -> str:
        """Return why there is no curve, or ""."""
        if self._mask is None:
            return _NOT_YET
        return "" if self.slices else _NO_MAPS

    def why_not_keep(self) -> str:
        """Return why the threshold may not be kept in the model, or ""."""
        reason = self.why_not()
        if reason or self._mask is None:
            return reason
        return self._used.why_not_choose(self.slices)

    def refresh(self) -> None:
        """Bring everything up to date; disable what cannot be used, and say why."""
        reason = self.why_not()
        self.about.setText(reason or self._about())
        offered = reason == _NO_MAPS and self.predict is not None
        self.predict_button.setVisible(offered)
        for widget in (self.title, self.value, *self.best.values()):
            widget.setVisible(not reason)
        for name, part in self.best.items():
            known = self.curve is not None and self.curve.best(name) is not None
            explain(part, "" if known else "The curve is being drawn.")
        self.keep_button.setVisible(not reason)
        explain(self.keep_button, self.why_not_keep())
        self._plot.setVisible(self.curve is not None)

    def keep(self) -> None:
        """Write the threshold into the model file."""
        made = None if self._mask is None else self._mask.made_by
        threshold = round(self.value.value(), 3)
        with telling(self.words.say):
            if made is None or self.why_not_keep():
                raise InputError(self.why_not_keep())
            keep_threshold(made.model, threshold)
            self.words.say(
                f"{made.model.name} predicts above {threshold:g} from now on."
            )
            if self._workspace.model is not None:
                # The same path, but the file says something new.
                self._workspace.events.model.emit(self._workspace.model)
            self.kept.emit(threshold)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 (Qt's own spelling)
        """Draw the curve once somebody looks."""
        super().showEvent(event)
        self._begin_if_seen()

    def _still_holds(self, mask: ThresholdMask | None, of: Comparison | None) -> bool:
        """Return whether the mask alone is new, of which the curve knows nothing."""
        curve, now = self.curve, self._comparison
        if curve is None or curve.done < 1 or curve.slices != self.slices:
            return False
        if self._mask is None or mask is None or now is None or of is None:
            return False
        same = self._mask.same_probabilities(mask)
        return same and np.array_equal(now.truth, of.truth)

    def _forget_curve(self) -> None:
        self._curving.stop()
        self.curve = None
        self.words.say("")
        self._due = bool(self.slices)

    def _begin_if_seen(self) -> None:
        comparison, mask = self._comparison, self._mask
        if not (self._due and self.isVisible()) or comparison is None or mask is None:
            return
        if self._curving.running:
            return  # its end begins anew
        self._due = False
        slices = self.slices
        foreground = mask.foreground(slices)
        self._curving.start(
            "Curve",
            lambda stop: threshold_steps(
                foreground(), comparison, slices=slices, stop=stop
            ),
            on_step=lambda curve: self._show_curve(curve, comparison),
        )

    def _show_curve(self, curve: ThresholdCurve, of: Comparison) -> None:
        if of is not self._comparison:
            return
        self.curve = curve
        self._plot.show_curve(curve)
        self._plot.set_threshold(self.value.value())
        self.refresh()
        self._tell()

    def _on_value(self, threshold: float) -> None:
        self._plot.set_threshold(threshold)
        self._move(threshold)
        self._settled.start()

    def _on_handle(self, threshold: float) -> None:
        self._show_value(threshold)
        self._move(threshold)

    def _on_released(self, threshold: float) -> None:
        self._show_value(threshold)
        self._finish(self.value.value())

    def _go_to(self, name: str) -> None:
        best = None if self.curve is None else self.curve.best(name)
        if best is not None:
            self._show_value(best)
            self._on_value(best)
            self._finish(best)

    def _show_value(self, threshold: float) -> None:
        self.value.blockSignals(True)
        self.value.setValue(threshold)
        self.value.blockSignals(False)

    def _move(self, threshold: float) -> None:
        """Show the mask of the current slice."""
        if self._mask is None:
            return
        with telling(self.words.say):
            self._mask.move(threshold)
            self.words.say("")
            self._tell()

    def _finish(self, threshold: float) -> None:
        """Make the mask of all slices, after the one that is being made."""
        self._settled.stop()
        if self._job.running:
            self._next = threshold
            return
        mask = self._mask
        with telling(self.words.say):
            work = None if mask is None else mask.work(threshold)
            if mask is not None and work is not None:
                put = partial(self._put, mask, threshold)
                self._job.start("Mask", once(work), on_done=put)

    def _put(self, mask: ThresholdMask, threshold: float, labels: Any) -> None:
        if self._next is not None or mask is not self._mask:
            return  # there is a newer threshold, or other layers are scored by now
        if mask.layer not in self._viewer.layers:
            return
        with telling(self.words.say):
            changed = mask.put(labels, threshold)
            self._tell()
            undo = mask.undo and partial(self._undo, mask, mask.undo)
            action = undo_action(undo, self.words.say)
            self.words.say(f"{changed:,} pixels changed.", action=action)
            self.changed.emit(threshold)

    def _undo(self, mask: ThresholdMask, undo: Callable[[], None]) -> None:
        """Take the newest mask back, and score the one before again."""
        self.take_back()
        undo()
        self._show_mask(mask)

    def _on_edited(self, _layer: Any) -> None:
        self._edited.start()

    def _look_again(self) -> None:
        """Follow Ctrl+Z, which takes a mask back as the button does."""
        mask = self._mask
        if mask is None or mask.layer not in self._viewer.layers:
            return
        if self.running or self._settled.isActive():
            self._edited.start()
        elif mask.look_again():
            self._show_mask(mask)

    def _show_mask(self, mask: ThresholdMask) -> None:
        """Show the threshold that the mask has by now, and have it scored."""
        made = mask.made_by
        threshold = 0.5 if made is None else made.threshold or 0.5
        self._show_value(threshold)
        self._plot.set_threshold(threshold)
        self._tell()
        self.changed.emit(threshold)

    def _on_mask_ended(self) -> None:
        following, self._next = self._next, None
        if following is not None:
            self._finish(following)

    def _tell(self) -> None:
        """Write the scores at the threshold in the colours of their curves."""
        if self.curve is None:
            self.reached.setText("")
            return
        reached = self.curve.at(self.value.value())
        scores = " &nbsp;".join(
            f'<span style="color:{COLOURS[name]}">\u25a0</span> {_TITLES[name]} '
            f"{value:.3f}"
            for name, value in reached.items()
            if not math.isnan(value)
        )
        self.reached.setText(scores)

    def _about(self) -> str:
        curve, words = self.curve, self._used.words(self.slices)
        if curve is None or len(curve.rand_slices) == len(curve.slices):
            return words
        return f"{words} Rand: {len(curve.rand_slices)} of them."

    def _on_predict(self) -> None:
        made = None if self._mask is None else self._mask.made_by
        model = self._workspace.model if made is None else made.model
        if self.predict is not None and model is not None:
            self.predict(model)
