"""An error sent to the annotations: what the truth says there, or the prediction."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QWidget

from napari_unet.data.labels import OF_ONE_IMAGE, size_misfit
from napari_unet.errors import telling
from napari_unet.score.errors.error_piece import Source, piece
from napari_unet.widgets.choose.send import NO_ANNOTATIONS, annotate
from napari_unet.widgets.layers.arrays import misfit
from napari_unet.widgets.layers.editable import why_fixed
from napari_unet.widgets.layers.places import lies_on, place_events, shape_in_space
from napari_unet.widgets.layers.undo import latest, undo_since
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.listen import Subscriptions, later
from napari_unet.widgets.qt.parts import button, in_row

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from napari_unet.score.comparison import Comparison
    from napari_unet.score.errors.error_kinds import Error, Errors

_TOOLTIP = (
    "Annotate the pixels of this error, in the slice where it is seen best, with what "
    "the {0} says there. Ctrl+Z takes it back.\nA slice that is annotated is trained "
    "on: scores of it say nothing of other images any more."
)


class ErrorSend(QWidget):
    """Two buttons that annotate an error, as one step of the annotations' undo.

    Parameters
    ----------
    viewer
        The viewer with the layers.

    Signals
    -------
    said(str, object)
        What was sent, and what takes it back; or why nothing was, and None.
    """

    said = Signal(str, object)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._workspace = Workspace.of(viewer)
        self._shown: tuple[Error, Errors, Comparison] | None = None
        self._truth: Labels | None = None
        self.truth_button = self._button("truth", "ground truth")
        self.prediction_button = self._button("prediction", "prediction")
        in_row(self.truth_button, self.prediction_button, of=self)
        self._soon = later(self, self.refresh)
        self._places = Subscriptions(self, self._on_place)
        Subscriptions(self, self.refresh, self._workspace.events.annotations)
        self.refresh()

    def show_error(
        self,
        error: Error | None,
        errors: Errors | None,
        comparison: Comparison | None,
        truth: Labels | None,
    ) -> None:
        """Offer to send an error of those that were found; None offers nothing."""
        self._truth, self._shown = truth, None
        if error is not None and errors is not None and comparison is not None:
            self._shown = error, errors, comparison
        self.refresh()

    def why_not(self, source: Source) -> str:
        """Return why nothing can be sent now, or ""."""
        annotations = self._workspace.annotations
        if self._shown is None:
            return "Go to an error first."
        if annotations is None:
            return NO_ANNOTATIONS
        if source == "truth" and annotations == self._truth:
            return "The annotations are the ground truth: they say it already."
        reason = misfit(annotations) or why_fixed(annotations)
        if reason:
            return reason
        names = "The scored image is", "the annotations are"
        shape, (*_, comparison) = shape_in_space(annotations), self._shown
        scored = comparison.truth.shape[-len(shape) :]
        reason = size_misfit(scored, shape, names, OF_ONE_IMAGE)
        if (
            not reason
            and self._truth is not None
            and not lies_on(self._truth, annotations)
        ):
            return "The annotations do not lie on what was scored: choose others."
        return reason

    def refresh(self, *_changed: Any) -> None:
        """Bring the buttons up to date with the layers that are there."""
        self._places.replace(place_events(self._truth, self._workspace.annotations))
        explain(self.truth_button, self.why_not("truth"))
        explain(self.prediction_button, self.why_not("prediction"))

    def _on_place(self, _event: Any) -> None:
        self._soon.start()

    def send(self, source: Source) -> None:
        """Annotate the error with what the truth, or the prediction, says."""
        reason, annotations = self.why_not(source), self._workspace.annotations
        if reason or annotations is None or self._shown is None:
            self.said.emit(reason, None)
            return
        z, values = self._shown[0].slice, partial(piece, *self._shown, source=source)
        with telling(lambda sentence: self.said.emit(sentence, None)):
            step = latest(annotations)
            words = annotate(self._viewer, annotations, z, values, partly=True)
            self.said.emit(words, undo_since(annotations, step))

    def _button(self, source: Source, title: str) -> QPushButton:
        tip = _TOOLTIP.format(title)
        return button(f"Send {source}", partial(self.send, source), tip)
