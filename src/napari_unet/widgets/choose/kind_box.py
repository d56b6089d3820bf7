"""The choice of what annotations mean, with the guess in words."""

from __future__ import annotations

import contextlib

import numpy as np
from napari.layers import Labels

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.annotation import IGNORE, guess_kind
from napari_unet.data.label_survey import KindGuess
from napari_unet.errors import NapariUNetError
from napari_unet.widgets.layers.arrays import painted_planes
from napari_unet.widgets.qt.parts import NarrowBox

WORDS = {
    AnnotationKind.SCRIBBLES: "strokes in places",
    AnnotationKind.CLASSES: "whole slices, by class",
    AnnotationKind.OBJECTS: "whole slices, each object apart",
}
TOOLTIP = (
    "strokes in places (scribbles): 0 unlabelled, 1 background, 2 and up classes\n"
    "whole slices, by class (classes): 0 background, 1 and up classes, on every slice "
    "with any label\n"
    "whole slices, each object apart (objects): 0 background, one number for each"
)
_AS_IT_LOOKS = "as it looks"

# Among them, 255 is the number of one.
_OBJECTS = AnnotationKind.OBJECTS


class KindBox(NarrowBox):
    """Scribbles, classes or objects; or a guess, which is shown once it is made."""

    tip = TOOLTIP
    """What the choices are, with their terms."""

    def __init__(self) -> None:
        super().__init__()
        self.guess: KindGuess | None = None
        self.addItem(_AS_IT_LOOKS, None)
        for kind in AnnotationKind:
            self.addItem(WORDS[kind], kind)

    def value(self) -> AnnotationKind | None:
        """Return the kind, or None for a guess."""
        kind = self.currentData()
        return None if kind is None else AnnotationKind(kind)

    def setValue(self, kind: AnnotationKind | None) -> None:  # noqa: N802
        """Choose a kind."""
        self.setCurrentIndex(0 if kind is None else self.findData(kind))

    def settle(self, coverage: Coverage) -> Coverage:
        """Return a coverage with what was guessed of the layer that was looked at."""
        if coverage.ignore is not None:
            return coverage
        ignore = None if self.guess is None else self.guess.ignore
        if ignore is None or (ignore == IGNORE and self.value() is _OBJECTS):
            return coverage.model_copy(update={"ignore": "none"})
        return coverage.model_copy(update={"ignore": ignore})

    def show_guess(
        self, layer: Labels | None, coverage: Coverage | None = None
    ) -> None:
        """Guess from a layer, keep it in `guess`, and name it in the first entry."""
        guess = None
        if layer is not None:
            with contextlib.suppress(NapariUNetError):
                guess = guess_kind(np.asarray(painted_planes(layer)), coverage)
        found = "" if guess is None else f": {WORDS[guess.kind]}"
        self.setItemText(0, f"{_AS_IT_LOOKS}{found}")
        self.setToolTip("\n\n".join([*([guess.reason] if guess else []), self.tip]))
        self.guess = guess
