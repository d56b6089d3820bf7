"""The answer to "What did you paint?"."""

from __future__ import annotations

from napari_unet.config import AnnotationKind
from napari_unet.widgets.choose.kind_box import TOOLTIP, KindBox

_BOXES = "boxes"
_TEXT = "everything inside the boxes I drew"
_TIP = (
    f"{TOOLTIP}\n"
    f"{_TEXT} (regions for training): what is not painted there is background, and "
    "nothing outside is learnt. A box without paint holds background alone. Where "
    "background is painted too, only what is painted counts"
)


class PaintedKind(KindBox):
    """What annotations mean, and whether that holds inside of drawn boxes alone.

    Attributes
    ----------
    inside
        What they mean inside of boxes.
    """

    tip = _TIP

    def __init__(self) -> None:
        super().__init__()
        self.inside = AnnotationKind.CLASSES
        self.insertItem(self.findData(AnnotationKind.SCRIBBLES) + 1, _TEXT, _BOXES)

    @property
    def in_boxes(self) -> bool:
        """Whether all of it is painted inside of boxes."""
        return bool(self.currentData() == _BOXES)

    def value(self) -> AnnotationKind | None:
        """Return the kind, or None for a guess."""
        return self.inside if self.in_boxes else super().value()

    def setValue(self, kind: AnnotationKind | None) -> None:  # noqa: N802
        """Choose a kind; boxes stay chosen where it is the one inside of them."""
        if not (self.in_boxes and kind is self.inside):
            super().setValue(kind)

    def choose_boxes(self) -> None:
        """Say that everything is painted inside of boxes."""
        self.setCurrentIndex(self.findData(_BOXES))
