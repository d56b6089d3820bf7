"""How bright either side is where it is annotated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_unet.baselines.planes import Plane, check_sides, side_of

_BINS = 64


class Appearance:
    """Histograms of the grey values of background and foreground."""

    def __init__(self) -> None:
        self._counts = np.zeros((2, _BINS))

    def add(self, plane: Plane, classes: NDArray[np.uint8]) -> None:
        """Count the annotated pixels of a slice."""
        sides, greys = side_of(classes), _bins(plane)
        for side in (0, 1):
            self._counts[side] += np.bincount(greys[sides == side], minlength=_BINS)

    def check(self, who: str) -> None:
        """Raise InputError where a side is missing that `who` learns from."""
        check_sides(self._counts.sum(axis=1), who)

    def odds(self, plane: Plane) -> Plane:
        """Return for each pixel how its grey value speaks for the foreground.

        The logarithm of how many times likelier it is there than in the background;
        each bin counts a pixel more than it has, so that none is impossible.
        """
        counts = self._counts + 1
        background, foreground = np.log(counts / counts.sum(axis=1, keepdims=True))
        return np.asarray((foreground - background)[_bins(plane)], np.float32)


def _bins(plane: Plane) -> NDArray[np.intp]:
    return np.clip(plane * _BINS, 0, _BINS - 1).astype(np.intp)
