"""The choice of the ground truth: a layer, a file, or a mask opened as an image."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_unet.data.read_roles import Reading, read_roles
from napari_unet.errors import telling
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.layers.add import add_labels
from napari_unet.widgets.layers.arrays import misfit
from napari_unet.widgets.layers.mask_images import labels_of_mask, looks_like_mask
from napari_unet.widgets.layers.places import shape_in_space
from napari_unet.widgets.layers.roles import Role, role_of
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.file_dialogs import open_image
from napari_unet.widgets.qt.job import Job
from napari_unet.widgets.qt.listen import Subscriptions, later
from napari_unet.widgets.qt.parts import WrappedLabel, button, in_column, in_row, tool

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer


class TruthRow(QWidget):
    """A list of labels, a button for a file, and an offer to take a mask.

    The mask is offered while no labels are chosen.

    Parameters
    ----------
    viewer
        The viewer with the layers.
    box
        The choice among the layers, which is put into the row.
    prediction
        The choice of the prediction, whose size a mask must have.

    Attributes
    ----------
    file_button, mask_button
        Choose a file; take the mask that is offered.

    Signals
    -------
    said(str)
        What was read of a file, or why it was not.
    """

    said = Signal(str)

    def __init__(
        self, viewer: ViewerModel, box: LayerBox, prediction: LayerBox
    ) -> None:
        super().__init__()
        self._viewer, self._box, self._prediction = viewer, box, prediction
        self._workspace = Workspace.of(viewer)
        self._mask: Image | None = None
        self._looks: dict[str, bool] = {}
        self._job = Job(self)
        self._job.failed.connect(self.said)
        tip = "Choose a file of ground truth ..."
        self.file_button = tool("File", self._on_file, tip, icon="file")
        self.offer = WrappedLabel(hides=True)
        self.mask_button = button("Use it as ground truth", self.take_mask)
        row = in_row(box, self.file_button, stretch=(1,))
        in_column(self, row, self.offer, self.mask_button)
        # What a layer is for is known a moment after it was added.
        self._timer = later(self, self.refresh)
        events = viewer.layers.events
        start = lambda *_: self._timer.start()  # noqa: E731
        Subscriptions(self, start, events.inserted, events.removed)
        for one in (box, prediction):
            one.valueChanged.connect(start)
        self.refresh()

    @property
    def running(self) -> bool:
        """Whether a file is being read."""
        return self._job.running

    def refresh(self) -> None:
        """Offer the newest mask while there is no ground truth."""
        # The prediction may stand there, where it is all that there is.
        missing = self._box.value() in (None, self._prediction.value())
        layers = reversed(self._viewer.layers) if missing else ()
        self._mask = next((one for one in layers if self._is_mask(one)), None)
        words = ""
        if self._mask is not None:
            words = f"{self._mask.name} was opened as an image, and looks like a mask."
        self.offer.setText(words)
        self.mask_button.setVisible(bool(words))

    def take_mask(self) -> None:
        """Make ground truth of the mask that is offered."""
        if self._mask is None:
            return
        with telling(self.said.emit):
            self._workspace.truth = labels_of_mask(self._viewer, self._mask)

    def open(self, path: Path) -> None:
        """Read ground truth from a file, on a thread."""
        if not self._job.running:
            work = partial(read_roles, {"truth": path}, None)
            self._job.start("Reading ground truth", work, on_step=self._on_step)

    def _on_file(self) -> None:
        open_image(self, "Ground truth", self.open)

    def _on_step(self, item: Any) -> None:
        if isinstance(item, Reading):
            self.said.emit(f"Reading {item.name} ...")
            return
        _, stack, words = item
        image = self._workspace.image
        name = Path(stack.source).stem
        layer = add_labels(self._viewer, stack, name, image, Role.TRUTH)
        self._workspace.truth = layer
        self.said.emit(words)

    def _is_mask(self, layer: Layer) -> bool:
        key = str(layer.unique_id)
        if key not in self._looks:
            self._looks[key] = looks_like_mask(layer)
        if not self._looks[key] or role_of(layer) is Role.TRUTH:
            return False
        prediction = self._prediction.value()
        if prediction is None or misfit(prediction):
            return prediction is None
        return shape_in_space(layer) == shape_in_space(prediction)
