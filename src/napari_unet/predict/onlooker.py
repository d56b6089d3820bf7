"""What somebody looks at while a network learns, and what it makes of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NETWORK = "your network"
"""Who draws a preview once the network has learnt from annotations."""
TILE = 512
"""Pixels of a tile of a preview: soon there, and little is predicted twice."""
_BLOCK = 128


class View(NamedTuple):
    """What is looked at: a slice, its rows and columns."""

    z: int
    region: tuple[slice, slice] | None

    def within(self, shape: Sequence[int]) -> View | None:
        """Return the view within a (Z, Y, X) image, and in whole blocks.

        None where nothing of it lies there, such as in a view of the info bar alone.
        """
        depth, *plane = shape
        parts = zip(self.region or (slice(None),) * 2, plane, strict=True)
        ends = [(*part.indices(length)[:2], length) for part, length in parts]
        if any(start >= stop for start, stop, _ in ends):
            return None
        rows, columns = (_widen(*one) for one in ends)
        return View(min(max(self.z, 0), depth - 1), (rows, columns))

    @property
    def box(self) -> tuple[slice, ...]:
        """The (Z, Y, X) box that is looked at, of a view with a region."""
        return (slice(self.z, self.z + 1), *(self.region or ()))


class Onlooker:
    """Somebody who looks at an image while a network learns; asked from any thread.

    Attributes
    ----------
    view
        What is looked at, or None.
    """

    def __init__(self) -> None:
        self.view: View | None = None

    def look_at(
        self,
        z: int | None,
        region: tuple[slice, slice] | None = None,
    ) -> None:
        """Ask for previews of a part of slice `z`; None ends them."""
        self.view = None if z is None else View(z, region)


@dataclass(frozen=True, eq=False)
class Preview:
    """A part of what is looked at, as the network sees it now.

    Attributes
    ----------
    core
        Where it lies in the (Z, Y, X) image; one slice.
    labels
        The class of each pixel, (z, y, x) uint8.
    probabilities
        (num_classes, z, y, x) float32.
    step
        Steps of the network that was asked.
    updates
        Updates of annotations that it has learnt from.
    drawn_by
        Who was asked, in words: the model that is started from, until the network has
        taken a step, and `NETWORK` from then on.
    """

    core: tuple[slice, ...]
    labels: NDArray[np.uint8]
    probabilities: NDArray[np.floating]
    step: int
    updates: int = 0
    drawn_by: str = NETWORK


def _widen(start: int, stop: int, length: int) -> slice:
    """Widen a part of an axis to whole blocks.

    The CPU's library keeps code for every size that it has seen: while somebody zooms
    these would be hundreds.
    """
    return slice(start // _BLOCK * _BLOCK, min(length, -(-stop // _BLOCK) * _BLOCK))
