"""The errors of a prediction, to go through one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QComboBox, QLabel, QWidget

from napari_unet.score.errors.error_kinds import KIND_NAMES, Error, Errors
from napari_unet.score.errors.error_map import leave_out, pixel_map
from napari_unet.score.errors.errors_of_objects import TOLERANCE, find_errors
from napari_unet.widgets.choose.keys import ERRORS, KeyList
from napari_unet.widgets.choose.part_layers import PartLayers
from napari_unet.widgets.layers.marks import IGNORED
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.job import Job, once
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import button, in_column, in_row, steady
from napari_unet.widgets.qt.status import Status, undo_action
from napari_unet.widgets.qt.turns import Turns
from napari_unet.widgets.scores.error_mend import MEND_TIP, mend, why_no_mending
from napari_unet.widgets.scores.error_send import ErrorSend
from napari_unet.widgets.scores.error_table import ErrorTable
from napari_unet.widgets.scores.error_view import (
    ERRORS_LAYER,
    MADE,
    PIXELS_LAYER,
    ErrorView,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_unet.score.comparison import Comparison

    Found = tuple[Errors, NDArray[np.uint8]]

_PAUSE_MS = 20
_NO_SCORES = (
    "No scores yet: score a prediction, and its errors are listed here, one by one."
)
_GONE = "The prediction was removed: score again."
_NONE = (
    "No errors: all cells were found one by one, and no border is off by more than "
    f"{TOLERANCE} pixels."
)
_NOT_CHOSEN = "Go to an error first."
_NAMES = {ERRORS_LAYER: "errors", PIXELS_LAYER: "pixels"}
_TIPS = {
    ERRORS_LAYER: "Lay the errors over the image, coloured by kind as in the list.",
    PIXELS_LAYER: "Lay over the image which pixels are true positives (green), false "
    "positives (orange) and false negatives (blue).",
}
_IGNORE_TIP = (
    "Take the pixels of this error out of the list, and out of all scores to come, as "
    "if they were not annotated."
)


def ignored_in(truth: Labels | None) -> NDArray[np.bool_] | None:
    """Return the (Z, Y, X) pixels of a ground truth that the user wants not scored.

    None without any. They are kept with the layer for as long as it is open.
    """
    mask = None if truth is None else truth.metadata.get(IGNORED)
    return mask if mask is not None and mask.any() else None


class ErrorList(QWidget):
    """Lists merges, splits, misses and inventions, and leads to each of them.

    Parameters
    ----------
    viewer
        The viewer with the layers.

    Signals
    -------
    ignoredChanged()
        Other pixels are to be left out, see `ignored_in`: the scores are old.
    """

    ignoredChanged = Signal()  # noqa: N815 (Qt's own spelling)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self.viewer = viewer
        self.view, self._beside = ErrorView(viewer), PartLayers(self, viewer)
        self.errors: Errors | None = None
        self.job = Job(self, quiet=True)
        self.job.ended.connect(self._on_ended)
        self._turns = Turns(self, _PAUSE_MS)
        self._missing = _NO_SCORES
        self._comparison: Comparison | None = None
        self._prediction: Labels | None = None
        self._truth: Labels | None = None
        self._pixels: NDArray[np.uint8] | None = None
        self._due = False
        self._then: Callable[[], object] | None = None
        self.show_buttons = {
            name: button("", partial(self._toggle, name), tip)
            for name, tip in _TIPS.items()
        }
        self.kinds = steady(QComboBox())
        self.kinds.currentIndexChanged.connect(self._fill)
        self.table = ErrorTable()
        self.table.clicked.connect(lambda index: self._go_to(index.row()))
        self.previous_button = button("Previous", lambda: self._step(-1))
        self.next_button = button("Next", lambda: self._step(1))
        self.place = QLabel("")
        self.place.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.send = ErrorSend(viewer)
        self.words = Status(lines=3)
        self.send.said.connect(self._on_sent)
        self.job.failed.connect(self.words.say)
        self.ignore_button = button("Ignore here", self.ignore, _IGNORE_TIP)
        self.mend_button = button("Mend ...", self.mend, MEND_TIP)
        tip = "Score all annotated pixels again."
        self.restore_button = button("Ignore nothing", self.restore, tip)
        ways = {"next_error": self.next_button, "previous_error": self.previous_button}
        self.keys = KeyList(self, ERRORS, ways)
        self._lay_out()
        Subscriptions(self, self.refresh, viewer.layers.events.removed)
        self._shown = Subscriptions(self, self.refresh)
        self._list()

    @property
    def running(self) -> bool:
        """Whether errors are being searched."""
        return self.job.running

    @property
    def error(self) -> Error | None:
        """The error that is chosen, or None."""
        error: Error | None = self.table.chosen()
        return error

    @property
    def ignored(self) -> NDArray[np.bool_] | None:
        """(Z, Y, X) pixels of the ground truth that are not to be scored, or None."""
        return ignored_in(self._truth)

    def show_scores(
        self,
        comparison: Comparison | None,
        prediction: Labels | None = None,
        truth: Labels | None = None,
        missing: str = _NO_SCORES,
    ) -> None:
        """Take what was scored; None where there is nothing to search in.

        Its errors are searched as soon as somebody looks.

        Parameters
        ----------
        comparison
            What was compared.
        prediction, truth
            The layers that it was read from.
        missing
            Why there is nothing.
        """
        self._missing = missing
        if prediction is None:
            comparison = None
        self._comparison, self._prediction, self._truth = comparison, prediction, truth
        self.errors = self._pixels = self._then = None
        self._due = comparison is not None
        if comparison is None:
            for key, name in MADE:
                self._turns.add(partial(self._remove, key, name))
        self.words.say("")
        self._list()
        self._begin_if_seen()

    def _remove(self, key: str, name: str) -> None:
        if self._comparison is None:
            self.view.remove(key, name)

    def why_not(self) -> str:
        """Return why there is no error to go to, or "" where there may be one."""
        if self._comparison is None:
            return self._missing
        if self._prediction not in self.viewer.layers:
            return _GONE
        return _NONE if self.errors is not None and not self.errors.errors else ""

    def search(self) -> None:
        """Search the errors on a thread."""
        comparison, ignored = self._comparison, self.ignored
        if comparison is None or self.running:
            return
        self._due = False

        def find() -> Found:
            left = comparison if ignored is None else leave_out(comparison, ignored)
            return find_errors(left), pixel_map(left)

        found = partial(self._on_found, comparison)
        self.job.start("Searching errors", once(find), on_done=found)
        self.refresh()

    def go(self, step: int) -> str:
        """Go some errors further down the list, round its ends; return why not."""
        if reason := self.why_not():
            return reason
        if self.errors is None:
            self._after_search(lambda: self.go(step))
            return ""
        first = 0 if step > 0 else -1
        row = first if self.error is None else self.table.row() + step
        self._go_to(row % self.table.count())
        return ""

    def ignore(self) -> None:
        """Take the pixels of the chosen error out of the list and of scores to come."""
        error, errors, truth = self.error, self.errors, self._truth
        if error is None or errors is None or truth is None:
            return
        here = errors.objects == error.number
        known = truth.metadata.get(IGNORED)
        truth.metadata[IGNORED] = here if known is None else known | here
        row = self.table.row()
        self.errors = errors.without(error)
        self._list()
        self._show_again()
        self._go_to(min(row, self.table.count() - 1))
        self.words.say(
            f"{error.pixels:,} pixels are ignored: score again without them."
        )
        self.ignoredChanged.emit()

    def mend(self) -> None:
        """Open the tool that mends the chosen error."""
        error, of, prediction = self.error, self._comparison, self._prediction
        if error is not None and of is not None and prediction is not None:
            mend(self.viewer, error, prediction, of)

    def restore(self) -> None:
        """Ignore nothing any more, and search anew."""
        if self._truth is not None:
            self._truth.metadata.pop(IGNORED, None)
        self.words.say("All annotated pixels count again: score again with them.")
        self._due = self._comparison is not None
        self._begin_if_seen()
        self.ignoredChanged.emit()

    def refresh(self, *_changed: Any) -> None:
        """Bring all buttons up to date; what cannot be used says why."""
        reason, error, count = self.why_not(), self.error, self.table.count()
        for name, part in self.show_buttons.items():
            layer = self.view.layer(name)
            shown = layer is not None and layer.visible
            part.setText(f"{'Hide' if shown else 'Show'} {_NAMES[name]}")
            explain(part, reason if name == ERRORS_LAYER or reason != _NONE else "")
        for widget in (self.previous_button, self.next_button):
            explain(widget, reason)
        self.table.setVisible(count > 0)
        self.kinds.setVisible(count > 0)
        row = self.table.row() + 1
        self.place.setText("" if not count else f"{row or '-'} of {count:,}")
        explain(self.ignore_button, "" if error is not None else _NOT_CHOSEN)
        explain(self.mend_button, why_no_mending(error, self._comparison))
        self.restore_button.setVisible(self.ignored is not None)
        self.send.show_error(error, self.errors, self._comparison, self._truth)
        self.words.remind("Searching errors ..." if self.running else reason)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 (Qt's own spelling)
        """Search once somebody looks."""
        super().showEvent(event)
        self._begin_if_seen()

    def _lay_out(self) -> None:
        steps = (self.previous_button, self.place, self.next_button)
        in_column(
            self,
            in_row(*self.show_buttons.values()),
            self.kinds,
            self.table,
            in_row(*steps, stretch=(2, 2, 2)),
            self.send,
            in_row(self.mend_button, self.ignore_button, self.restore_button),
            self.words,
            self.keys,
        )

    def _begin_if_seen(self) -> None:
        if self._due and self.isVisibleTo(self.window()):
            self.search()

    def _after_search(self, then: Callable[[], object]) -> None:
        self._then = then
        self.search()

    def _on_found(self, of: Comparison, found: Found) -> None:
        if of is not self._comparison:
            return
        self.errors, self._pixels = found
        self._list()
        self._show_again()

    def _on_ended(self) -> None:
        self.refresh()
        then, self._then = self._then, None
        if then is not None and self.errors is not None:
            then()
        # What was scored meanwhile is searched now.
        self._begin_if_seen()

    def _list(self) -> None:
        """List all errors anew, and their kinds to choose from."""
        errors = () if self.errors is None else self.errors.errors
        counts = Counter(error.kind for error in errors)
        chosen = self.kinds.currentData()
        self.kinds.blockSignals(True)
        self.kinds.clear()
        self.kinds.addItem(f"all errors ({len(errors):,})", None)
        for kind, name in KIND_NAMES.items():
            if counts[kind]:
                self.kinds.addItem(f"{name} ({counts[kind]:,})", kind)
        self.kinds.setCurrentIndex(max(0, self.kinds.findData(chosen)))
        self.kinds.blockSignals(False)
        self._fill()

    def _fill(self, *_chosen: Any) -> None:
        """List the errors of the kind that is chosen."""
        kind = self.kinds.currentData()
        errors = () if self.errors is None else self.errors.errors
        first = 0 if self._comparison is None else self._comparison.first_slice
        kept = [error for error in errors if kind in (None, error.kind)]
        self.table.show_errors(kept, first)
        self.refresh()

    def _on_sent(self, words: str, undo: Callable[[], None] | None) -> None:
        self.words.say(words, action=undo_action(undo, self.words.say))

    def _step(self, step: int) -> None:
        self.words.say(self.go(step))

    def _go_to(self, row: int) -> None:
        error = self.table.choose(row)
        prediction = self._prediction
        if error is None or self.errors is None or prediction is None or self.why_not():
            self.refresh()
            return
        if self.view.layer(ERRORS_LAYER) is None:
            self._turns.add(self._show_first)
        self._beside.add(self.view.go_to(error, self.errors, prediction))
        self.words.say("")
        self.refresh()

    def _show_first(self) -> None:
        if self.view.layer(ERRORS_LAYER) is None:
            self._show(ERRORS_LAYER)

    def _toggle(self, name: str) -> None:
        layer = self.view.layer(name)
        if layer is not None:
            layer.visible = not layer.visible
        elif self.errors is None:
            self._after_search(partial(self._show, name))
        else:
            self._show(name)
        self.refresh()

    def _show(self, name: str) -> None:
        """Show one of the layers, or bring it up to date."""
        errors, pixels, like = self.errors, self._pixels, self._prediction
        if (
            errors is None
            or pixels is None
            or like is None
            or like not in self.viewer.layers
        ):
            return
        if name == ERRORS_LAYER:
            self._beside.add(self.view.show_errors(errors, like))
        else:
            self._beside.add(self.view.show_pixels(pixels, like))
        layers = [self.view.layer(one) for one in _TIPS]
        self._shown.replace([one.events.visible for one in layers if one is not None])
        self.refresh()

    def _show_again(self) -> None:
        for name in _TIPS:
            if self.view.layer(name) is not None:
                self._show(name)
