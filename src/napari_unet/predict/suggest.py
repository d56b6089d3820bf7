"""Where an annotation would teach a network most."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import InputError
from napari_unet.words import sides

_LITTLE = 0.1
"""Share of a box that may lie on another one, or be annotated already."""
_STEPS = 8
"""Places of a box within its own length at which it is tried."""
_FADE = 0.5
"""What is left of the loss at the same place, one slice further."""
_POWER = 2
"""Of a score, for the chance to be drawn."""
_TINY = np.float32(1e-12)


@dataclass(frozen=True)
class Suggestion:
    """A place that is worth annotating.

    Attributes
    ----------
    z
        Index of the slice.
    box
        Rows and columns of the place.
    score
        Mean uncertainty of its pixels, those that are annotated counted as 0.
    """

    z: int
    box: tuple[slice, slice]
    score: float


def suggest(
    uncertainty: NDArray[np.floating],
    annotated: NDArray[np.bool_],
    *,
    box: int = 64,
    count: int = 8,
    rng: np.random.Generator | None = None,
) -> list[Suggestion]:
    """Rank boxes by their mean uncertainty outside of what is annotated.

    The best box is taken first. Then boxes that overlap it by more than a tenth go,
    those at the same place of other slices lose what they share with it, the less
    the more slices lie between, and a slice that has given its fair share of the
    boxes gives no more; and so on with the best of the rest.

    The very best boxes are alike, and none is what most of the image looks like. With
    an `rng` boxes are therefore drawn, one that is twice as uncertain with four times
    the chance (Kirsch et al. 2023, arXiv:2106.12059, for batches of single examples).

    Parameters
    ----------
    uncertainty
        (Z, Y, X), 0 where the network is sure or was not asked.
    annotated
        (Z, Y, X): pixels that are annotated. A box may hold a tenth of them.
    box
        Side of the boxes in pixels, where the image is that large.
    count
        How many there are at most.
    rng
        Where chance comes from; the best are taken when left out.

    Returns
    -------
    Boxes, the most uncertain first.

    Raises
    ------
    InputError
        When the shapes differ or are not (Z, Y, X), or box or count is below 1.
    """
    _check(uncertainty, annotated, box, count)
    grid = _Grid(uncertainty.shape[1:], box)
    scores = np.stack(
        [
            grid.scores(unsure, known)
            for unsure, known in zip(uncertainty, annotated, strict=True)
        ]
    )
    worth = scores.copy()
    if rng is not None:
        # The largest of w / exponential is w of i with a chance in proportion to w.
        worth = scores**_POWER / rng.exponential(size=scores.shape)
    chosen = _best(grid, scores, worth, count)
    return sorted(chosen, key=lambda one: -one.score)


def entropy_of(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the entropy of (..., C, z, Y, X), as a share of the largest there is."""
    sure = np.log(np.maximum(probabilities, _TINY))
    entropy = -(probabilities * sure).sum(axis=-4)
    return np.asarray(entropy / np.float32(np.log(probabilities.shape[-4])))


class _Grid:
    """The places at which a box is tried in a slice, by their first pixels."""

    def __init__(self, plane: tuple[int, ...], box: int) -> None:
        self.height, self.width = (min(box, length) for length in plane)
        self.rows = _starts(plane[0], self.height)
        self.columns = _starts(plane[1], self.width)

    def scores(
        self, unsure: NDArray[np.floating], annotated: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return the score of each box; 0 where too much of it is annotated."""
        if not unsure.any():
            return np.zeros((len(self.rows), len(self.columns)))
        known = self._means(annotated)
        means = self._means(np.where(annotated, 0, unsure))
        return np.where(known > _LITTLE, 0, means)

    def box(self, row: int, column: int) -> tuple[slice, slice]:
        y, x = int(self.rows[row]), int(self.columns[column])
        return slice(y, y + self.height), slice(x, x + self.width)

    def shared(self, row: int, column: int) -> NDArray[np.float64]:
        """Return the share of each box that lies on this one."""
        down = self.height - abs(self.rows - self.rows[row])
        across = self.width - abs(self.columns - self.columns[column])
        area = np.clip(down, 0, None)[:, None] * np.clip(across, 0, None)
        return np.asarray(area / (self.height * self.width))

    def _means(self, values: NDArray[np.generic]) -> NDArray[np.float64]:
        """Return the mean over each box, from sums over all pixels above and left."""
        sums = np.zeros([length + 1 for length in values.shape])
        np.cumsum(values, axis=0, out=sums[1:, 1:], dtype=float)
        np.cumsum(sums, axis=1, out=sums)
        above, left = self.rows[:, None], self.columns
        below, right = above + self.height, left + self.width
        inside = sums[below, right] - sums[above, right]
        inside -= sums[below, left] - sums[above, left]
        return np.asarray(inside / (self.height * self.width))


def _best(
    grid: _Grid, scores: NDArray[np.float64], worth: NDArray[np.float64], count: int
) -> Iterator[Suggestion]:
    """Take the boxes of most worth one by one; what is near one of them loses."""
    slices = np.arange(len(worth))
    fair = math.ceil(count / max(1, int(worth.any(axis=(1, 2)).sum())))
    taken = np.zeros(len(worth), int)
    for _ in range(count):
        z, row, column = np.unravel_index(worth.argmax(), worth.shape)
        if worth[z, row, column] <= 0:
            return
        score = float(scores[z, row, column])
        yield Suggestion(int(z), grid.box(int(row), int(column)), score)
        shared = grid.shared(int(row), int(column))
        worth[z, shared > _LITTLE] = 0
        near = _FADE ** abs(slices - z)
        worth *= 1 - near[:, None, None] * shared
        taken[z] += 1
        if taken[z] >= fair:
            worth[z] = 0


def _starts(length: int, side: int) -> NDArray[np.intp]:
    """Return where boxes of a side begin, the last one at the very end."""
    last = length - side
    step = max(1, side // _STEPS)
    return np.append(np.arange(0, last, step), last)


def _check(
    uncertainty: NDArray[np.floating],
    annotated: NDArray[np.bool_],
    box: int,
    count: int,
) -> None:
    if uncertainty.ndim != 3 or uncertainty.shape != annotated.shape:
        raise InputError(
            f"The uncertainty is {sides(uncertainty.shape)} and the annotations are "
            f"{sides(annotated.shape)}: both have the slices, Y and X of the image."
        )
    if box < 1 or count < 1:
        raise InputError(
            f"{count} boxes of {box} pixels cannot be suggested: ask for 1 or more."
        )
