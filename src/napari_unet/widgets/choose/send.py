"""A prediction sent to the annotations, to be corrected with the brush."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from qtpy.QtWidgets import QPushButton, QWidget

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import guess_kind
from napari_unet.data.labels import OF_ONE_IMAGE, size_misfit
from napari_unet.data.proposal import propose
from napari_unet.errors import InputError, telling
from napari_unet.widgets.layers.arrays import misfit, painted_planes
from napari_unet.widgets.layers.axes import planes
from napari_unet.widgets.layers.editable import why_fixed
from napari_unet.widgets.layers.edits import edit_slices, take_up
from napari_unet.widgets.layers.marks import NUMBERED, PREDICTED
from napari_unet.widgets.layers.places import (
    current_slice,
    from_view,
    lies_on,
    place_events,
    shape_in_space,
    shown,
)
from napari_unet.widgets.layers.roles import Role, role_of
from napari_unet.widgets.layers.undo import latest, undo_since
from napari_unet.widgets.project.preferences import preferences
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.listen import Subscriptions, later, when_gone
from napari_unet.widgets.qt.parts import NarrowBox, button, in_column, in_row
from napari_unet.widgets.qt.status import Status, undo_action

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

Proposal = Callable[..., "NDArray[Any]"]
"""Makes (Y, X) annotations of a slice: of their kind, of those that are there, which
stay as they are, and of `used`, as `propose` does of a prediction."""
Source = Callable[[], Labels | None]
NO_ANNOTATIONS = "There are no annotations to send it to: make a layer with +."
_NO_PREDICTION = "There is no prediction to send yet."
_APART = (
    "The prediction does not lie on the annotations: give both layers the same scale, "
    "units and translation, or choose layers of one image."
)
SLICE, VISIBLE, OBJECT = "this slice", "what is visible", "the object clicked"
_TOOLTIP = (
    "Copies what was predicted into the annotations, where the brush corrects it "
    "({send}; the object under the mouse: {send_object}).\n"
    "Strokes (scribbles) stay: only pixels that are not labelled yet get a class.\n"
    "Whole slices (classes, objects): the prediction takes the place of all.\n"
    "The object clicked is the one of the last click in the viewer."
)
_EDIT_TIP = (
    "Correct the prediction itself with the brush; what the network is to learn is "
    "sent to the annotations."
)


class SendPart(QWidget):
    """Sends a part of a prediction to the annotations, as one step of their undo.

    Parameters
    ----------
    viewer
        The viewer with both layers.
    prediction
        Returns the layer that is sent; that of the workspace when left out.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        prediction: Source | None = None,
    ) -> None:
        super().__init__()
        self._viewer = viewer
        self._workspace = workspace = Workspace.of(viewer)
        self._prediction = prediction or (lambda: workspace.prediction)
        self.extent = NarrowBox(SLICE, VISIBLE, OBJECT)
        keys = preferences().keys
        self._tip = _TOOLTIP.format(send=keys.send, send_object=keys.send_object)
        self.extent.setToolTip(self._tip)
        key = f" ({keys.send})" if keys.send else ""
        self.button = QPushButton(f"Send to annotations{key}")
        self.button.clicked.connect(self.send)
        self.edit_button = button("Correct by hand", self._on_edit, _EDIT_TIP)
        self.words = Status(lines=3, hides=True)
        row = in_row(self.button, self.extent, stretch=(0, 1))
        in_column(self, row, self.edit_button, self.words)
        self._click = _LastClick(viewer)
        when_gone(self, self._click.forget)
        events = workspace.events
        self._soon = later(self, self.refresh)
        self._places = Subscriptions(self, self._on_place)
        self._followed: tuple[Labels | None, ...] = ()
        Subscriptions(self, self.refresh, events.prediction, events.annotations)
        self.refresh()

    def why_not(self) -> str:
        """Return why nothing can be sent now, or "" when it can."""
        prediction, annotations = self._prediction(), self._workspace.annotations
        if prediction is None:
            return _NO_PREDICTION
        if annotations is None:
            return NO_ANNOTATIONS
        if prediction is annotations or prediction == annotations:
            return "Prediction and annotations are one layer: choose two."
        reason = misfit(prediction) or misfit(annotations) or why_fixed(annotations)
        if reason:
            return reason
        names = "The prediction is", "the annotations are"
        shapes = shape_in_space(prediction), shape_in_space(annotations)
        reason = size_misfit(*shapes, names, OF_ONE_IMAGE)
        if not reason and not lies_on(prediction, annotations):
            return _APART
        return reason

    def refresh(self, *_changed: Any) -> None:
        """Bring the button up to date with the layers that are there."""
        self._follow(self._prediction(), self._workspace.annotations)
        reason = self.why_not()
        self.button.setEnabled(not reason)
        self.button.setToolTip(reason or self._tip)
        explain(self.extent, reason)
        explain(self.edit_button, self._why_no_edit())
        self.words.say(reason)

    def send(self, *_clicked: Any, at_cursor: bool = False) -> None:
        """Send what is chosen; with `at_cursor`, the object under the mouse."""
        annotations = self._workspace.annotations
        if annotations is None:
            self.words.say(self.why_not())
            return
        with telling(self.words.say):
            step, words = latest(annotations), self._send(at_cursor)
            undo = undo_since(annotations, step)
            self.words.say(words, action=undo_action(undo, self.words.say))

    def _follow(self, *layers: Labels | None) -> None:
        """Bring the button up to date once the layers lie elsewhere."""
        if layers != self._followed:
            self._followed = layers
            self._places.replace(place_events(*layers))

    def _on_place(self, _event: Any) -> None:
        self._soon.start()

    def _on_edit(self) -> None:
        prediction = self._prediction()
        if prediction is not None:
            take_up(self._viewer, prediction)

    def _why_no_edit(self) -> str:
        prediction = self._prediction()
        if prediction is None:
            return _NO_PREDICTION
        if role_of(prediction) is Role.PREVIEW:
            return "A preview is drawn anew: send it to the annotations to correct it."
        return why_fixed(prediction)

    def _send(self, at_cursor: bool) -> str:
        prediction, annotations = self._prediction(), self._workspace.annotations
        reason = self.why_not()
        if reason or prediction is None or annotations is None:
            raise InputError(reason)
        z = current_slice(self._viewer, annotations)
        if z not in prediction.metadata.get(PREDICTED, [z]):
            raise InputError(f"Slice {z} is not predicted yet: predict it first.")
        one_object = at_cursor or self.extent.currentText() == OBJECT
        visible = self.extent.currentText() == VISIBLE and not at_cursor
        values = partial(
            propose,
            _plane(prediction, z),
            numbered=bool(prediction.metadata.get(NUMBERED)),
            within=self._visible(annotations) if visible else None,
            at=self._point(annotations, z, at_cursor) if one_object else None,
        )
        partly = one_object or visible
        words = annotate(self._viewer, annotations, z, values, partly=partly)
        if not one_object and annotations.mode == "pan_zoom":
            # After one object the next is clicked, and a click should not paint.
            annotations.mode = "paint"
        return words

    def _visible(self, layer: Labels) -> tuple[slice, slice]:
        """Return the rows and columns of a layer that the viewer shows."""
        region = shown(self._viewer, layer).region
        if region is None:
            raise InputError(
                "Nothing of the annotations is visible: move them into the canvas. "
                "Show slices (Y and X)."
            )
        return region

    def _point(self, layer: Labels, z: int, at_cursor: bool) -> tuple[int, int]:
        """Return row and column of the object that is meant."""
        position = self._viewer.cursor.position if at_cursor else self._click.position
        if position is None:
            raise InputError("Click on an object of the prediction first.")
        point = np.round(from_view(self._viewer, layer, position)).astype(int)
        if len(point) > 2 and point[0] != z:
            raise InputError("The last click was on another slice: click on this one.")
        return int(point[-2]), int(point[-1])


class _LastClick:
    """Where the mouse was pressed last in a viewer, in world coordinates."""

    def __init__(self, viewer: ViewerModel) -> None:
        self.position: tuple[float, ...] | None = None
        self._callbacks = viewer.mouse_drag_callbacks
        self._callbacks.append(self._on_press)

    def _on_press(self, _viewer: Any, event: Any) -> None:
        self.position = tuple(event.position)

    def forget(self) -> None:
        """Follow the mouse no more."""
        with contextlib.suppress(ValueError):
            self._callbacks.remove(self._on_press)


def _plane(layer: Labels, z: int) -> Any:
    return np.asarray(planes(layer)[z])


def annotate(
    viewer: ViewerModel, annotations: Labels, z: int, values: Proposal, *, partly: bool
) -> str:
    """Annotate a slice as one step of the layer's undo, and make the layer active.

    Parameters
    ----------
    viewer
        The viewer with the layer.
    annotations
        The layer.
    z
        Index of the slice.
    values
        Makes the annotations of the slice.
    partly
        Whether of a part of the slice alone.

    Returns
    -------
    What has changed, in words.

    Raises
    ------
    InputError
        When they cannot be made.
    """
    workspace, before = Workspace.of(viewer), _plane(annotations, z)
    kind = workspace.kind
    if kind is None:
        labels = np.asarray(painted_planes(annotations))
        # Of an empty layer, scribbles claim nothing on pixels that nobody looked at.
        kind = AnnotationKind.SCRIBBLES
        if labels.any():
            kind = guess_kind(labels, workspace.coverage).kind
    used = int(annotations.data.max()) if kind is AnnotationKind.OBJECTS else 0
    new, untouched = values(kind, before, used=used), not before.any()
    changed = edit_slices(annotations, z, new[None])
    # A slice full of scribbles looks like classes: from here on no more guessing.
    workspace.kind = kind
    # Brush and Ctrl+Z work on the layer that is chosen.
    annotations.visible = True
    viewer.layers.selection.active = annotations
    if changed == 0:
        return "Nothing changed: the annotations hold all of it already."
    words = f"{changed:,} pixels sent as {kind}: Ctrl+Z takes them back."
    if partly and untouched and kind is not AnnotationKind.SCRIBBLES:
        words += " The rest of this slice now counts as background."
    return words
