"""What a network that learns makes of the part of the image that is looked at."""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import QObject, Signal

from napari_unet.errors import InputError
from napari_unet.predict.onlooker import Preview
from napari_unet.widgets.layers.arrays import (
    add_or_update,
    in_hand,
    placed_like,
    plane_shape,
    put,
)
from napari_unet.widgets.layers.eye import EM, Eye
from napari_unet.widgets.layers.marks import NUMBERED, PREDICTED
from napari_unet.widgets.layers.places import shown
from napari_unet.widgets.layers.proxy import real
from napari_unet.widgets.layers.roles import Role, set_role
from napari_unet.widgets.qt.listen import Subscriptions, later, when_gone

if TYPE_CHECKING:
    from napari.components import ViewerModel

_LOOK_MS = 40


class LivePreview(QObject):
    """Follows the view of an image, and shows previews of it in a labels layer.

    What the user sets on that layer (opacity, colours) stays.

    Parameters
    ----------
    viewer
        The viewer.
    image
        The layer that is predicted.
    parent
        What it ends with.

    Attributes
    ----------
    probability
        The layer that shows how sure the network is, once that is wanted.

    Signals
    -------
    looked(int, object)
        Another part is looked at: its slice, and (rows, columns).
    removed()
        The user removed the preview; nothing is shown any more.
    exchanged(str)
        A layer that shows it, of this name, has data of another shape.
    """

    looked = Signal(int, object)
    removed = Signal()
    exchanged = Signal(str)
    _of_image: ClassVar[weakref.WeakKeyDictionary[Image, LivePreview]] = (
        weakref.WeakKeyDictionary()
    )

    @classmethod
    def check_free(cls, image: Image) -> None:
        """Raise an `InputError` where a preview of an image is shown already."""
        if real(image) in cls._of_image:
            raise InputError(
                f"Another dock trains on {image.name}, and shows its preview: stop "
                "that training first."
            )

    def __init__(
        self,
        viewer: ViewerModel,
        image: Image,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._image = viewer, image
        self.probability: Image | None = None
        self.layer: Labels | None = None
        self.shown_at = 0.0
        self._timer = later(self, self.look, _LOOK_MS)
        dims, camera = viewer.dims.events, viewer.scene.camera.events
        view = (dims.current_step, dims.ndisplay, dims.order)
        moves = (*view, camera.center, camera.zoom)
        self._moves = Subscriptions(self, self._on_moved, *moves)
        removed = viewer.layers.events.removed
        self._removals = Subscriptions(self, self._on_removed, removed)
        self._of_image[real(image)] = self
        when_gone(self, self._leave_image)

    def make(self) -> None:
        """Make the layer, where there is none yet, and show it.

        It takes napari a quarter of a second: better before than under the brush.
        """
        if self.layer is None:
            self._make_layer()

    def close(self) -> None:
        """Follow the view no longer; the layers stay."""
        self._timer.stop()
        self._moves.end()
        self._removals.end()
        self._leave_image()

    def look(self) -> None:
        """Emit which part of the image is looked at, if any is."""
        view = shown(self._viewer, self._image)
        if view.z is not None:
            height, width = plane_shape(self._image)[-2:]
            region = view.region or (slice(0, height), slice(0, width))
            self.looked.emit(view.z, region)

    def show(self, preview: Preview) -> None:
        """Put a preview into its layer."""
        layer = self.layer or self._make_layer()
        self.shown_at = time.monotonic()
        if not self._put(layer, preview.core, preview.labels):
            return
        slices = layer.metadata[PREDICTED]
        if preview.core[0].start not in slices:
            # Another list: a duplicate of the layer keeps its own.
            layer.metadata[PREDICTED] = [*slices, preview.core[0].start]

    def show_probability(self, preview: Preview) -> Image:
        """Put how sure the network is into a layer of its own."""
        layer = self.probability or self._make_probability()
        self._put(layer, preview.core, 1 - preview.probabilities[0])
        return layer

    @property
    def seen(self) -> bool:
        """Whether the eye shows the preview."""
        return self.layer is not None and bool(self.layer.visible)

    def set_visible(self, visible: bool) -> None:
        """Let the eye show the preview, or the image alone."""
        if visible == self.seen:
            return
        eye = Eye.of(self._viewer)
        if visible:
            eye.bring(self.layer or self._make_layer())
        else:
            eye.show(EM)

    def _on_moved(self, _event: Any = None) -> None:
        self._timer.start()

    def _on_removed(self, event: Any) -> None:
        if self.probability is not None and event.value == self.probability:
            self.probability = None
        if self.layer is not None and event.value == self.layer:
            self.layer = None
            self.removed.emit()

    def _make_layer(self) -> Labels:
        empty = np.zeros(plane_shape(self._image), np.uint8)
        made_as = {PREDICTED: [], NUMBERED: False}
        layer: Labels = self._add(
            Labels, empty, "preview", role=Role.PREVIEW, metadata=made_as
        )
        set_role(layer, Role.PREVIEW)
        layer.metadata[PREDICTED] = []
        # A brush would be lost with the next refresh.
        layer.editable = False
        Eye.of(self._viewer).bring(layer)
        self.layer = layer
        return layer

    def _make_probability(self) -> Image:
        empty = np.zeros(plane_shape(self._image), np.float32)
        layer: Image = self._add(
            Image,
            empty,
            "preview probability",
            contrast_limits=(0, 1),
            colormap="magma",
            blending="additive",
        )
        self.probability = layer
        return layer

    def _add(self, kind: Any, data: Any, what: str, **options: Any) -> Any:
        options |= placed_like(self._image)
        # What is painted on stays on top, and is painted on.
        with in_hand(self._viewer):
            return add_or_update(self._viewer, kind, data, what, self._image, **options)

    def _put(self, layer: Any, core: tuple[slice, ...], values: Any) -> bool:
        """Show values in a layer; False where it has data of another shape."""
        if layer.data.shape != plane_shape(self._image):
            self.exchanged.emit(layer.name)
            return False
        put(layer, core, values)
        layer.refresh(extent=False, highlight=False, thumbnail=False)
        return True

    def _leave_image(self) -> None:
        if self._of_image.get(real(self._image)) is self:
            del self._of_image[real(self._image)]
