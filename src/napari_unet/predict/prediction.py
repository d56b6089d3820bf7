"""What a prediction consists of, tile by tile and as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_unet.predict.postprocessing import classify


@dataclass(frozen=True, eq=False)
class TileDone:
    """A part of the image that is predicted.

    Attributes
    ----------
    done, total
        Tiles so far, and tiles in all; the total grows where tiles are made smaller.
    core
        Where the part lies in the (Z, Y, X) image.
    probabilities
        (num_classes, z, y, x), float32 or float16.
    threshold
        Of the foreground, as in `classify`.
    message
        A word to the user on what had to be changed, as when memory was full; or "".
    """

    done: int
    total: int
    core: tuple[slice, ...]
    probabilities: NDArray[np.floating]
    threshold: float | None = None
    message: str = ""

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The class of each pixel, (z, y, x)."""
        return classify(self.probabilities, self.threshold)

    def within(self, box: Sequence[slice]) -> TileDone:
        """Return the part of the tile that lies in a (Z, Y, X) box."""
        core = tuple(
            slice(max(have.start, want.start), min(have.stop, want.stop))
            for have, want in zip(self.core, box, strict=True)
        )
        part = tuple(
            slice(want.start - have.start, want.stop - have.start)
            for want, have in zip(core, self.core, strict=True)
        )
        kept = self.probabilities[(slice(None), *part)]
        return replace(self, core=core, probabilities=kept)


@dataclass(frozen=True, eq=False)
class Prediction:
    """A predicted stack that fills up tile by tile.

    Attributes
    ----------
    labels
        (Z, Y, X) uint8, the class of each pixel.
    probabilities
        (num_classes, Z, Y, X), or None where they are not kept.
    """

    labels: NDArray[np.uint8]
    probabilities: NDArray[np.floating] | None = None

    def add(self, tile: TileDone) -> None:
        """Put a tile where it belongs."""
        self.labels[tile.core] = tile.labels
        if self.probabilities is not None:
            self.probabilities[(slice(None), *tile.core)] = tile.probabilities
