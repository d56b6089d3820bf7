"""Where the objects of a layer lie, and which are reviewed, while it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_unet.data.painted_slices import PaintedSlices
from napari_unet.proofread.correction import ObjectBoxes
from napari_unet.proofread.reviewed import Reviewed
from napari_unet.widgets.layers.arrays import misfit
from napari_unet.widgets.layers.axes import planes
from napari_unet.widgets.layers.changes import LabelChanges
from napari_unet.widgets.layers.editable import why_fixed
from napari_unet.widgets.layers.review_marks import (
    keep_reviewed,
    review_changes,
    reviewed_of,
)
from napari_unet.widgets.layers.roles import Role, role_of
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.listen import Subscriptions, later

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from napari_unet.data.boxes import Box

_PAUSE_MS = 200
_TOO_LARGE = (
    "{} lies over a volume that the memory does not hold: load a part of it, or a "
    "coarser level, to correct its objects."
)
_NOT_KEPT = (
    "The project keeps which file the ground truth is, not what you change: save the "
    "layer in the File menu."
)


def why_not_corrected(layer: Labels | None) -> str:
    """Return why the objects of a layer cannot be corrected, "" where they can."""
    if layer is None:
        return "Open or predict labels first."
    if isinstance(layer.data, PaintedSlices):
        return _TOO_LARGE.format(layer.name)
    return misfit(layer) or why_fixed(layer)


def why_not_kept(viewer: ViewerModel, layer: Labels) -> str:
    """Return that a project does not keep what is changed; "" where it does."""
    truth = role_of(layer) is Role.TRUTH and layer != Workspace.of(viewer).annotations
    return _NOT_KEPT if truth else ""


class ObjectWatch(QObject):
    """The boxes of the objects of a layer, and its reviewed ones; found once.

    Signals
    -------
    changed()
        Labels or marks have changed, a moment ago.
    """

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._layer: Labels | None = None
        self._found: tuple[Any, Reviewed] | None = None
        self._changes = Subscriptions(self, self._on_changed)
        self._timer = later(self, self.changed.emit, _PAUSE_MS)
        Subscriptions(self, self._on_marks, review_changes.changed)

    def follow(self, layer: Labels | None) -> None:
        """Watch another layer."""
        self._layer, self._found = layer, None
        changes = [] if layer is None else [LabelChanges.of(layer).changed]
        self._changes.replace(changes)

    @property
    def reviewed(self) -> Reviewed:
        """What is reviewed; found when first asked, and anew in new data alone."""
        layer = self._layer
        if layer is None:
            raise RuntimeError("no layer is watched")
        if self._found is None or self._found[0] is not layer.data:
            boxes, before = ObjectBoxes(planes(layer)), self._found
            kept = before and before[1].on(boxes)
            self._found = layer.data, kept or Reviewed(boxes, reviewed_of(layer))
        return self._found[1]

    @property
    def boxes(self) -> ObjectBoxes:
        """Where the objects lie."""
        return self.reviewed.boxes

    def include(self, box: Box) -> None:
        """Take note that labels in a box have changed."""
        if self._found is not None:
            self.reviewed.touch(box)
        self._timer.start()

    def keep(self) -> None:
        """Keep the marks with the layer."""
        if self._layer is not None:
            keep_reviewed(self._layer, self.reviewed.as_dict())
            self._timer.start()

    def replace(self, reviewed: Reviewed) -> None:
        """Take over boxes and marks of the same layer, and keep the marks with it."""
        if self._layer is not None:
            self._found = self._layer.data, reviewed
            self.keep()

    def _on_changed(self, z: int, labels: Any, rows: slice) -> None:
        low, high, _step = rows.indices(len(labels))
        self.include((slice(z, z + 1), slice(low, high), slice(0, labels.shape[1])))

    def _on_marks(self, layer: Any) -> None:
        """Take over marks that came from elsewhere, such as from a project."""
        if layer != self._layer or self._found is None:
            return
        marks = reviewed_of(layer)
        if marks != self.reviewed.as_dict():
            self._found = layer.data, Reviewed(self.boxes, marks)
            self._timer.start()
