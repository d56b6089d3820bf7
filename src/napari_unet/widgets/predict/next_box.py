"""What comes after a prediction: sent, corrected, measured."""

from __future__ import annotations

from typing import Any

import napari
from qtpy.QtWidgets import QWidget

from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.choose.send import SendPart
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import button, in_column, in_row

_MEASURE_TIP = "Size, shape and grey values of each object, as a table and a CSV file."
_PROOFREAD_TIP = "Merge, split and mend objects, and go through them one by one."


class NextBox(QWidget):
    """Buttons that go on with a prediction; not seen before there is one.

    Parameters
    ----------
    viewer
        The viewer with the prediction.
    image
        Where the image that was predicted is chosen.
    """

    def __init__(self, viewer: napari.viewer.Viewer, image: LayerBox) -> None:
        super().__init__()
        self._viewer, self._image = viewer, image
        self._workspace = Workspace.of(viewer)
        self.measure_button = button("Measure ...", self.measure, _MEASURE_TIP)
        self.proofread_button = button("Proofread ...", self.proofread, _PROOFREAD_TIP)
        self.send = SendPart(viewer)
        row = in_row(self.measure_button, self.proofread_button)
        in_column(self, self.send, row)
        Subscriptions(self, self.refresh, self._workspace.events.prediction)
        self.refresh()

    def refresh(self, *_changed: Any) -> None:
        """Show the buttons once there is something to go on with."""
        self.setVisible(self._workspace.prediction is not None)

    def measure(self) -> None:
        """Open the Measure dock on the prediction, with its image."""
        dock = self._open("Measure")
        dock.image.setValue(self._image.value())

    def proofread(self) -> None:
        """Open the Proofread dock on the prediction."""
        self._open("Proofread")

    def _open(self, name: str) -> Any:
        _, dock = self._viewer.window.add_plugin_dock_widget(
            "napari-unet-em", name, tabify=True
        )
        dock.labels.setValue(self._workspace.prediction)
        return dock
