"""The info bar of an image layer: rows at the bottom that hold writing."""

from __future__ import annotations

from typing import Any

from napari.layers import Image
from qtpy.QtWidgets import QLabel, QSpinBox, QWidget

from napari_unet.config import ImageConfig
from napari_unet.errors import NapariUNetError
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.layers.arrays import plane_shape
from napari_unet.widgets.layers.marks import INFO_BAR
from napari_unet.widgets.qt.parts import in_row


class InfoBarBox(QWidget):
    """Shows how many rows of an image are its info bar, and sets them.

    Parameters
    ----------
    image
        The choice of the layer.

    Attributes
    ----------
    rows
        The rows; 0 for none.
    """

    def __init__(self, image: LayerBox) -> None:
        super().__init__()
        self._image = image
        self.rows = QSpinBox()
        self.rows.setToolTip(ImageConfig.model_fields["info_bar"].description or "")
        self.rows.setKeyboardTracking(False)
        in_row(QLabel("Info bar (rows)"), self.rows, of=self, stretch=(1, 0))
        self.rows.valueChanged.connect(self._on_changed)
        image.valueChanged.connect(self.refresh)
        self.refresh()

    def refresh(self, _layer: Any = None) -> None:
        """Show the rows of the layer that is chosen."""
        layer: Image | None = self._image.value()
        height = 1 if layer is None else _height(layer)
        self.rows.setEnabled(height > 1)
        self.rows.blockSignals(True)
        self.rows.setRange(0, height - 1)
        self.rows.setValue(0 if layer is None else layer.metadata.get(INFO_BAR, 0))
        self.rows.blockSignals(False)

    def _on_changed(self, rows: int) -> None:
        layer: Image | None = self._image.value()
        if layer is not None:
            layer.metadata[INFO_BAR] = rows


def _height(layer: Image) -> int:
    """Return the rows of an image; 1 where the core can do nothing with it."""
    try:
        return plane_shape(layer)[-2]
    except NapariUNetError:
        return 1
