"""A layer to annotate in, made ready by one click."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error
from qtpy.QtWidgets import QPushButton, QSizePolicy

from napari_unet.config import AnnotationKind
from napari_unet.errors import telling
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.layers.annotations import add_annotations
from napari_unet.widgets.layers.arrays import misfit
from napari_unet.widgets.project.workspace import Workspace

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels


def begin_annotations(viewer: ViewerModel, image: Image) -> Labels:
    """Make an empty layer for scribbles, which all docks take for the annotations.

    Raises
    ------
    InputError
        As `add_annotations`.
    """
    layer = add_annotations(viewer, image)
    workspace = Workspace.of(viewer)
    workspace.image = image
    workspace.annotations = layer
    workspace.kind = AnnotationKind.SCRIBBLES
    return layer


class AnnotationButton(QPushButton):
    """A "+" that makes a layer to annotate in.

    Parameters
    ----------
    viewer
        The viewer that gets the layer.
    images
        The image that it is for.
    """

    def __init__(self, viewer: ViewerModel, images: LayerBox) -> None:
        super().__init__()
        self._viewer, self._images = viewer, images
        self.setText("+")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self.add)
        images.valueChanged.connect(self.refresh)
        self.refresh()

    def refresh(self, *_changed: Any) -> None:
        """Show what the button does, or why it cannot."""
        image = self._images.value()
        reason = "There is no image layer to annotate: load one first."
        if image is not None:
            reason = misfit(image)
        self.setEnabled(not reason)
        self.setToolTip(
            reason or f"Make a new layer to annotate {image.name} in, ready to paint."
        )

    def add(self, *_clicked: Any) -> None:
        """Make the layer."""
        image = self._images.value()
        if image is None:
            return
        with telling(show_error):
            begin_annotations(self._viewer, image)
