"""The choice of image and annotations, which all docks of a viewer share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from qtpy.QtWidgets import QWidget

from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.choose.painted_pixels import PaintedPixels
from napari_unet.widgets.choose.role_warning import RoleWarning
from napari_unet.widgets.layers.marks import REGIONS_OF
from napari_unet.widgets.layers.places import bring_to
from napari_unet.widgets.layers.roles import Role
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.listen import Subscriptions, later

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

_TRUTH = {
    Role.TRUTH: "This is the ground truth: what learns from it cannot be scored on it."
}


class SharedLayers(QWidget):
    """Shares the first layers that come, and those that are chosen in its two boxes.

    It shows nothing by itself: the boxes are at work before the dock that they are put
    into is made, so that annotations are kept from the first stroke on.

    Parameters
    ----------
    viewer
        The viewer whose workspace gets the layers.
    parent
        What it ends with.
    counts
        Keep what is painted counted; only for docks that show it, as each counts.

    Attributes
    ----------
    image, annotations
        The boxes.
    warning
        Tells when the annotations are the ground truth.
    """

    def __init__(
        self, viewer: ViewerModel, parent: QWidget, *, counts: bool = True
    ) -> None:
        super().__init__(parent)
        self.hide()
        self._viewer = viewer
        self._workspace = workspace = Workspace.of(viewer)
        self.image = LayerBox(viewer, Image, Role.IMAGE)
        self.annotations = LayerBox(
            viewer, Labels, Role.ANNOTATIONS, by_hand=(Role.TRUTH,), suits=self._suits
        )
        self.warning = RoleWarning(self.annotations, _TRUTH)
        if counts:
            PaintedPixels(workspace, self)
        self._seen = False
        # What a layer is for is known a moment after it was added.
        self._timer = later(self, self._share_first)
        self.image.setValue(workspace.image)
        self.annotations.setValue(workspace.annotations)
        events = workspace.events
        Subscriptions(self, self.image.setValue, events.image)
        Subscriptions(self, self.annotations.setValue, events.annotations)
        Subscriptions(self, self.annotations.refresh, events.prediction)
        Subscriptions(self, self._on_truth, events.truth)
        for box in (self.image, self.annotations, self.warning):
            box.setParent(self)
        for box in (self.image, self.annotations):
            box.valueChanged.connect(lambda _: self._timer.start())
            box.activated.connect(self.share)
        self._share_first()
        chosen = (events.annotations, events.truth, events.prediction)
        Subscriptions(self, self._bring, *chosen, viewer.dims.events.units)

    def share(self, *_changed: Any) -> None:
        """Let other docks, and the journal, work on what is chosen here."""
        image, annotations = self.image.value(), self.annotations.value()
        if image is not None:
            self._workspace.image = image
        if annotations is not None:
            self._workspace.annotations = annotations

    def _bring(self, *_changed: Any) -> None:
        """Give what is painted on the units of the viewer: a brush would miss."""
        workspace, viewer = self._workspace, self._viewer
        painted = (workspace.annotations, workspace.truth, workspace.prediction)
        drawn = (one for one in viewer.layers if REGIONS_OF in one.metadata)
        for layer in (*painted, *drawn):
            if layer is not None:
                bring_to(layer, viewer.dims.units)

    def _share_first(self) -> None:
        """Share the first layer that comes, unless it is no annotation.

        A layer that takes the place of one that was removed is the user's to choose.
        """
        workspace = self._workspace
        image, annotations = self.image.value(), self.annotations.value()
        first, self._seen = not self._seen, annotations is not None
        if image is not None and workspace.image is None:
            workspace.image = image
        if annotations is None or not first or not self._suits(annotations):
            return
        if annotations.multiscale:
            return  # napari paints in no layer of several resolutions
        if workspace.annotations is None:
            workspace.annotations = annotations

    def _suits(self, layer: Layer) -> bool:
        """Return whether a layer is used for nothing else."""
        workspace = self._workspace
        return layer not in (workspace.truth, workspace.prediction)

    def _on_truth(self, truth: Labels | None) -> None:
        """Train no longer on what turned out to be the truth."""
        if truth is not None and truth == self._workspace.annotations:
            self._workspace.annotations = None
