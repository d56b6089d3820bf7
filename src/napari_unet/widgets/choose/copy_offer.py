"""What cannot be done with labels that cannot be changed, and a copy that can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_unet.errors import telling
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.layers.editable import editable_copy, why_fixed
from napari_unet.widgets.qt.parts import WrappedLabel, button, in_column

if TYPE_CHECKING:
    from napari.components import ViewerModel


class CopyOffer(QWidget):
    """Offers an editable copy where the layer of a box cannot be painted on.

    Parameters
    ----------
    viewer
        The viewer that gets the copy.
    labels
        The box whose layer is looked at.
    still
        What the layer is good for as it is, as a sentence.

    Signals
    -------
    made(Labels)
        The copy.
    """

    made = Signal(object)

    def __init__(self, viewer: ViewerModel, labels: LayerBox, still: str) -> None:
        super().__init__()
        self._viewer, self._labels, self._still = viewer, labels, still
        self.words = WrappedLabel(hides=True)
        self.button = button("Make an editable copy", self._copy)
        in_column(self, self.words, self.button)
        labels.valueChanged.connect(self.refresh)
        self.refresh()

    def refresh(self, *_changed: Any) -> None:
        """Show the offer where it is needed."""
        reason = why_fixed(self._labels.value())
        self.words.setText(f"{reason} {self._still}" if reason else "")
        self.button.setVisible(bool(reason))

    def _copy(self) -> None:
        with telling(self.words.setText):
            self.made.emit(editable_copy(self._viewer, self._labels.value()))
