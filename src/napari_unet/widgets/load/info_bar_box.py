"""The info bar of an image layer: rows at the bottom that hold writing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Shapes
from qtpy.QtWidgets import QLabel, QSpinBox, QWidget

from napari_unet.config import ImageConfig
from napari_unet.errors import NapariUNetError
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.choose.part_layers import PartLayers
from napari_unet.widgets.layers.arrays import placed_like, plane_shape
from napari_unet.widgets.layers.marks import INFO_BAR
from napari_unet.widgets.layers.names import short_name
from napari_unet.widgets.layers.places import bring_to
from napari_unet.widgets.layers.roles import Role, set_role
from napari_unet.widgets.qt.parts import in_row, steady, tool

if TYPE_CHECKING:
    from napari.components import ViewerModel

_DRAW, _TAKE = "Draw", "Take box"


class InfoBarBox(QWidget):
    """Shows how many rows of an image are its info bar, and sets them.

    Parameters
    ----------
    viewer
        The viewer with the layers.
    image
        The choice of the layer.

    Attributes
    ----------
    rows
        The rows; 0 for none.
    draw_button
        Makes a layer to draw a box on the writing, and then takes its upper edge.
    """

    def __init__(self, viewer: ViewerModel, image: LayerBox) -> None:
        super().__init__()
        self._viewer, self._image = viewer, image
        self._drawn: tuple[Shapes, Image] | None = None
        self._beside = PartLayers(self, viewer)
        self.rows = steady(QSpinBox())
        self.rows.setToolTip(ImageConfig.model_fields["info_bar"].description or "")
        self.rows.setKeyboardTracking(False)
        tip = "Draw a box over the writing: all from its upper edge on is the info bar."
        self.draw_button = tool(_DRAW, self._on_draw, tip)
        title = QLabel("Info bar (rows)")
        in_row(title, self.rows, self.draw_button, of=self, stretch=(1, 0, 0))
        self.rows.valueChanged.connect(self._on_changed)
        image.valueChanged.connect(self.refresh)
        self.refresh()

    def refresh(self, _layer: Any = None) -> None:
        """Show the rows of the layer that is chosen."""
        layer: Image | None = self._image.value()
        height = 1 if layer is None else _height(layer)
        for part in (self.rows, self.draw_button):
            part.setEnabled(height > 1)
        self.rows.blockSignals(True)
        self.rows.setRange(0, height - 1)
        self.rows.setValue(0 if layer is None else layer.metadata.get(INFO_BAR, 0))
        self.rows.blockSignals(False)

    def _on_changed(self, rows: int) -> None:
        layer: Image | None = self._image.value()
        if layer is not None:
            layer.metadata[INFO_BAR] = rows

    def _on_draw(self) -> None:
        layer: Image | None = self._image.value()
        if self._drawn is not None and self._drawn[0] in self._viewer.layers:
            self._take(*self._drawn)
            self._drawn = None
        elif layer is not None:
            name = short_name(self._viewer, "info bar", layer)
            box = Shapes(ndim=2, name=name, **placed_like(layer, 2))
            bring_to(box, self._viewer.dims.units)
            self._viewer.add_layer(box)
            set_role(box, Role.HELPER)
            box.mode = "add_rectangle"
            self._beside.add(box)
            self._drawn = box, layer
            self.draw_button.setText(_TAKE)

    def _take(self, box: Shapes, image: Image) -> None:
        """Set the rows from the upper edge of what is drawn, and remove its layer."""
        self.draw_button.setText(_DRAW)
        self._viewer.layers.remove(box)
        if box.data:
            top = min(float(corners[:, 0].min()) for corners in box.data)
            height = _height(image)
            image.metadata[INFO_BAR] = int(
                np.clip(height - np.ceil(top), 0, height - 1)
            )
            self.refresh()


def _height(layer: Image) -> int:
    """Return the rows of an image; 1 where the core can do nothing with it."""
    try:
        return plane_shape(layer)[-2]
    except NapariUNetError:
        return 1
