"""A prediction sent to the annotations, to be corrected with the brush."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import guess_kind
from napari_unet.data.proposal import propose
from napari_unet.errors import InputError, NapariUNetError
from napari_unet.widgets.layers.arrays import (
    labels_array,
)
from napari_unet.widgets.layers.edits import edit
from napari_unet.widgets.layers.marks import NUMBERED, PREDICTED
from napari_unet.widgets.layers.places import current_slice
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.form import explain
from napari_unet.words import sides

if TYPE_CHECKING:
    from napari.components import ViewerModel

Source = Callable[[], Labels | None]
SLICE, VISIBLE, OBJECT = "this slice", "what is visible", "the object clicked"
_TOOLTIP = (
    "scribbles: pixels that are not labelled yet get the predicted class\n"
    "classes, objects: the prediction takes the place of what is there\n"
    "The object clicked is the one of the last click in the viewer."
)


class SendPart(QWidget):
    """Sends a part of a prediction to the annotations, as one step of their undo.

    Parameters
    ----------
    viewer
        The viewer with both layers.
    prediction, annotations
        Return the layers; those of the workspace when left out.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        prediction: Source | None = None,
        annotations: Source | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._workspace = workspace = Workspace.of(viewer)
        self._prediction = prediction or (lambda: workspace.prediction)
        self._annotations = annotations or (lambda: workspace.annotations)
        self.extent = QComboBox()
        self.extent.addItems([SLICE, VISIBLE, OBJECT])
        self.extent.setToolTip(_TOOLTIP)
        self.button = QPushButton("Send to annotations")
        self.button.clicked.connect(self.send)
        self.words = QLabel("")
        self.words.setWordWrap(True)
        self.words.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        )
        row = QHBoxLayout()
        row.addWidget(self.button, 3)
        row.addWidget(self.extent, 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self.words)
        self._click = _LastClick(viewer)
        self.destroyed.connect(self._click.forget)
        for signal in (workspace.events.prediction, workspace.events.annotations):
            self._follow(signal)
        self.refresh()

    def why_not(self) -> str:
        """Return why nothing can be sent now, or "" when it can."""
        prediction, annotations = self._prediction(), self._annotations()
        if prediction is None:
            return "There is no prediction to send yet."
        if annotations is None:
            return "There are no annotations to send it to: make a layer with +."
        if prediction is annotations or prediction == annotations:
            return "Prediction and annotations are one layer: choose two."
        if prediction.data.shape != annotations.data.shape:
            return (
                f"The prediction is {sides(prediction.data.shape)} and the annotations "
                f"are {sides(annotations.data.shape)}: choose layers of one image."
            )
        return ""

    def refresh(self, *_changed: Any) -> None:
        """Bring the button up to date with the layers that are there."""
        reason = self.why_not()
        self.button.setEnabled(not reason)
        self.button.setToolTip(reason or _TOOLTIP)
        explain(self.extent, reason)
        self.words.setText(reason)

    def send(self, *_clicked: Any, at_cursor: bool = False) -> None:
        """Send what is chosen; with `at_cursor`, the object under the mouse."""
        try:
            words = self._send(at_cursor)
        except NapariUNetError as error:
            words = str(error)
        self.words.setText(words)

    def _send(self, at_cursor: bool) -> str:
        prediction, annotations = self._prediction(), self._annotations()
        reason = self.why_not()
        if reason or prediction is None or annotations is None:
            raise InputError(reason)
        z = current_slice(self._viewer, annotations)
        if z not in prediction.metadata.get(PREDICTED, [z]):
            raise InputError(f"Slice {z} is not predicted yet: predict it first.")
        one_object = at_cursor or self.extent.currentText() == OBJECT
        visible = self.extent.currentText() == VISIBLE and not at_cursor
        kind, before = self._kind(annotations), _plane(annotations, z)
        values = propose(
            _plane(prediction, z),
            kind,
            before,
            numbered=bool(prediction.metadata.get(NUMBERED)),
            within=self._visible(annotations) if visible else None,
            at=self._point(annotations, z, at_cursor) if one_object else None,
            used=int(annotations.data.max()) if kind is AnnotationKind.OBJECTS else 0,
        )
        whole = (slice(None), slice(None))
        partly = (one_object or visible) and not before.any()
        if annotations.ndim == 2:
            changed = edit(annotations, whole, values)
        else:
            changed = edit(annotations, (slice(z, z + 1), *whole), values[None])
        # A slice full of scribbles looks like classes: from here on no more guessing.
        self._workspace.kind = kind
        # Brush and Ctrl+Z work on the layer that is chosen.
        annotations.visible = True
        self._viewer.layers.selection.active = annotations
        if not one_object and annotations.mode == "pan_zoom":
            # After one object the next is clicked, and a click should not paint.
            annotations.mode = "paint"
        return _told(changed, kind, partly=partly)

    def _kind(self, annotations: Labels) -> AnnotationKind:
        if self._workspace.kind is not None:
            return self._workspace.kind
        labels = labels_array(annotations)
        # Of an empty layer, scribbles claim nothing on pixels that nobody looked at.
        return guess_kind(labels).kind if labels.any() else AnnotationKind.SCRIBBLES

    def _visible(self, layer: Labels) -> tuple[slice, slice]:
        """Return the rows and columns of a layer that the viewer shows."""
        dims = self._viewer.dims
        if dims.ndisplay != 2 or tuple(dims.displayed) != tuple(
            range(dims.ndim - 2, dims.ndim)
        ):
            raise InputError("Show slices (Y and X) to send what is visible of one.")
        (top, left), (bottom, right) = np.asarray(layer.corner_pixels)[:, -2:]
        if bottom <= top or right <= left:
            raise InputError("Nothing of the annotations is visible: move them back.")
        return slice(int(top), int(bottom) + 1), slice(int(left), int(right) + 1)

    def _point(self, layer: Labels, z: int, at_cursor: bool) -> tuple[int, int]:
        """Return row and column of the object that is meant."""
        position = self._viewer.cursor.position if at_cursor else self._click.position
        if position is None:
            raise InputError("Click on an object of the prediction first.")
        point = np.round(layer.world_to_data(position[-layer.ndim :])).astype(int)
        if layer.ndim > 2 and point[-3] != z:
            raise InputError("The last click was on another slice: click on this one.")
        return int(point[-2]), int(point[-1])

    def _follow(self, signal: Any) -> None:
        slot = self.refresh
        signal.connect(slot)
        self.destroyed.connect(lambda _gone=None: signal.disconnect(slot))


class _LastClick:
    """Where the mouse was pressed last in a viewer, in world coordinates."""

    def __init__(self, viewer: ViewerModel) -> None:
        self.position: tuple[float, ...] | None = None
        self._callbacks = viewer.mouse_drag_callbacks
        self._callbacks.append(self._on_press)

    def _on_press(self, _viewer: Any, event: Any) -> None:
        self.position = tuple(event.position)

    def forget(self, _gone: Any = None) -> None:
        """Follow the mouse no more."""
        with contextlib.suppress(ValueError):
            self._callbacks.remove(self._on_press)


def _plane(layer: Labels, z: int) -> Any:
    return np.asarray(layer.data if layer.ndim == 2 else layer.data[z])


def _told(changed: int, kind: AnnotationKind, *, partly: bool) -> str:
    if changed == 0:
        return "Nothing changed: the annotations hold all of it already."
    words = f"{changed:,} pixels sent as {kind}: Ctrl+Z takes them back."
    if partly and kind is not AnnotationKind.SCRIBBLES:
        words += " The rest of this slice now counts as background."
    return words
