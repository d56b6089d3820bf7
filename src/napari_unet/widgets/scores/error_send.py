"""An error sent to the annotations: what the truth says there, or the prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QWidget

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import guess_kind
from napari_unet.errors import NapariUNetError
from napari_unet.score.errors.error_kinds import Error, Errors
from napari_unet.score.errors.error_piece import piece
from napari_unet.widgets.layers.arrays import labels_array
from napari_unet.widgets.layers.edits import edit
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.form import explain
from napari_unet.words import sides

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_unet.score.comparison import Comparison

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
    told(str)
        What was sent, or why nothing was.
    """

    told = Signal(str)

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._workspace = Workspace.of(viewer)
        self._error: Error | None = None
        self._errors: Errors | None = None
        self._comparison: Comparison | None = None
        self._truth: Labels | None = None
        self.truth_button = QPushButton("Send truth")
        self.truth_button.setToolTip(_TOOLTIP.format("ground truth"))
        self.truth_button.clicked.connect(lambda: self.send(true=True))
        self.prediction_button = QPushButton("Send prediction")
        self.prediction_button.setToolTip(_TOOLTIP.format("prediction"))
        self.prediction_button.clicked.connect(lambda: self.send(true=False))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.truth_button)
        row.addWidget(self.prediction_button)
        changed, slot = self._workspace.events.annotations, self.refresh
        changed.connect(slot)
        self.destroyed.connect(lambda _gone=None: changed.disconnect(slot))
        self.refresh()

    def show_error(
        self,
        error: Error | None,
        errors: Errors | None,
        comparison: Comparison | None,
        truth: Labels | None,
    ) -> None:
        """Offer to send an error of those that were found; None offers nothing."""
        self._error, self._errors = error, errors
        self._comparison, self._truth = comparison, truth
        self.refresh()

    def why_not(self, *, true: bool) -> str:
        """Return why nothing can be sent now, or ""."""
        annotations = self._workspace.annotations
        if self._error is None or self._comparison is None:
            return "Go to an error first."
        if annotations is None:
            return "There are no annotations to send it to: make a layer with +."
        if true and annotations == self._truth:
            return "The annotations are the ground truth: they say it already."
        shape = self._comparison.truth.shape
        if tuple(annotations.data.shape) not in {shape, shape[1:]}:
            return (
                f"The scored image is {sides(shape)} and the annotations are "
                f"{sides(annotations.data.shape)}: choose layers of one image."
            )
        return ""

    def refresh(self, *_changed: Any) -> None:
        """Bring the buttons up to date with the layers that are there."""
        for button, true in (
            (self.truth_button, True),
            (self.prediction_button, False),
        ):
            explain(button, self.why_not(true=true))

    def send(self, *, true: bool) -> None:
        """Annotate the error with what the truth, or the prediction, says."""
        reason = self.why_not(true=true)
        annotations, error = self._workspace.annotations, self._error
        if reason or annotations is None or error is None:
            self.told.emit(reason)
            return
        try:
            self.told.emit(self._send(annotations, error, true))
        except NapariUNetError as problem:
            self.told.emit(str(problem))

    def _send(self, annotations: Labels, error: Error, true: bool) -> str:
        errors, comparison = self._errors, self._comparison
        if errors is None or comparison is None:
            return ""
        kind, flat = self._kind(annotations), annotations.ndim == 2
        before = np.asarray(annotations.data if flat else annotations.data[error.slice])
        used = int(annotations.data.max()) if kind is AnnotationKind.OBJECTS else 0
        values = piece(error, errors, comparison, kind, before, true=true, used=used)
        untouched = not before.any()
        plane = (slice(None), slice(None))
        if flat:
            changed = edit(annotations, plane, values)
        else:
            z = slice(error.slice, error.slice + 1)
            changed = edit(annotations, (z, *plane), values[None])
        # A slice full of scribbles looks like classes: from here on no more guessing.
        self._workspace.kind = kind
        annotations.visible = True
        self._viewer.layers.selection.active = annotations
        return _words(changed, kind, untouched)

    def _kind(self, annotations: Labels) -> AnnotationKind:
        if self._workspace.kind is not None:
            return self._workspace.kind
        labels = labels_array(annotations)
        # Of an empty layer, scribbles claim nothing on pixels that nobody looked at.
        return guess_kind(labels).kind if labels.any() else AnnotationKind.SCRIBBLES


def _words(changed: int, kind: AnnotationKind, untouched: bool) -> str:
    if changed == 0:
        return "Nothing changed: the annotations hold it already."
    words = f"{changed:,} pixels sent as {kind}: Ctrl+Z takes them back."
    if untouched and kind is not AnnotationKind.SCRIBBLES:
        words += " The rest of this slice now counts as background."
    return words
