"""The pixel size of an image layer: where it was found, and another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QLineEdit, QSizePolicy, QWidget

from napari_unet.data.calibration import Calibration
from napari_unet.errors import NapariUNetError, telling
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.layers.axes import axes_of
from napari_unet.widgets.layers.pixel_sizes import calibrate, calibration_of
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import (
    NarrowBox,
    WrappedLabel,
    button,
    in_column,
    in_row,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

_UNITS = ("nm", "um", "mm", "angstrom", "pixel")
_TIP = (
    "Size of a pixel along Z, Y and X, such as 50 4 4. Set gives it to the layer, and "
    "to all that lie on it."
)


class PixelSizeBox(QWidget):
    """Shows the pixel size of an image layer and where it was found; sets another.

    Parameters
    ----------
    viewer
        The viewer whose layers they are.
    image
        The choice of the layer.

    Attributes
    ----------
    image
        The same choice.
    sizes, unit
        Its pixel size along Z, Y and X, to be changed, and the unit.
    words
        Where it was found, or what came of setting it.

    Signals
    -------
    changed()
        Another pixel size is shown: another layer, or the same with another one.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, image: LayerBox) -> None:
        super().__init__()
        self._viewer, self.image = viewer, image
        self.sizes = QLineEdit()
        self.sizes.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.sizes.setPlaceholderText("Z Y X")
        self.unit = NarrowBox(*_UNITS)
        self.unit.setMinimumContentsLength(len("pixel"))
        short = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.unit.setSizeAdjustPolicy(short)
        self.unit.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_button = button("Set", self._on_set)
        for part in (self.sizes, self.unit, self.set_button):
            part.setToolTip(_TIP)
        self.words = WrappedLabel()
        row = in_row(self.sizes, self.unit, self.set_button, stretch=(1,))
        self.setToolTip(_TIP)
        in_column(self, row, self.words)
        self._of_layer = Subscriptions(self, self.refresh)
        self.image.valueChanged.connect(self._on_layer)
        self.sizes.returnPressed.connect(self._on_set)
        self._on_layer()

    def refresh(self, _event: Any = None) -> None:
        """Show the pixel size as it is now."""
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        layer: Image | None = self.image.value()
        for part in (self.sizes, self.unit, self.set_button):
            part.setEnabled(layer is not None)
        if layer is None:
            self.sizes.clear()
            self.words.setText("There is no image layer yet.")
            return
        try:
            axes, known = axes_of(layer), calibration_of(layer)
        except NapariUNetError as error:
            self.words.setText(str(error))
            return
        shown = (known.sizes[axis] for axis in "ZYX" if axis in known.sizes)
        self.sizes.setText(" ".join(f"{size:.6g}" for size in shown))
        if self.unit.findText(known.unit) < 0:
            self.unit.addItem(known.unit)
        self.unit.setCurrentText(known.unit)
        self.words.setText(known.words(axes))

    def _on_layer(self, _layer: Any = None) -> None:
        layer: Image | None = self.image.value()
        events: tuple[Any, ...] = ()
        if layer is not None:
            events = (layer.events.scale, layer.events.units, layer.events.affine)
        self._of_layer.replace(events)
        self.refresh()

    def _on_set(self) -> None:
        layer: Image | None = self.image.value()
        if layer is None:
            return
        with telling(self.words.setText):
            given = Calibration.given(self.sizes.text(), self.unit.currentText())
            if given is not None:
                names = calibrate(self._viewer, layer, given)
                self.refresh()
                self.words.setText(f"{self.words.text()} Set for {', '.join(names)}.")
