"""Which predicted and true objects have a substantial part in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_unet.score.objects.contingency import contingency

_ENOUGH = 400
"""Pixels of a part that are substantial, however large the object is."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Predicted and true objects that share a substantial part.

    Attributes
    ----------
    predicted, truth
        (P,) ids of either side, numbered without gaps.
    most_of_predicted, most_of_truth
        (P,) bool: whether it is the largest part of the predicted, or true, object.
    """

    predicted: NDArray[np.int32]
    truth: NDArray[np.int32]
    most_of_predicted: NDArray[np.bool_]
    most_of_truth: NDArray[np.bool_]

    def joints(
        self, *, merges: bool
    ) -> tuple[list[tuple[int, int]], NDArray[np.intp], dict[int, int]]:
        """Find the pairs that are merged into another one, or cut from it.

        A merge is a part of a predicted object that holds more of another true one; a
        split is a part of a true object that is all that its predicted object holds,
        and not the largest part of the true one.

        Returns
        -------
        All pairs, of an object and the part of it; which of them are joints; and the
        largest part of each object that they concern.
        """
        whole, parts, most = self.predicted, self.truth, self.most_of_predicted
        joint = ~most
        if not merges:
            whole, parts, most = self.truth, self.predicted, self.most_of_truth
            joint = self.most_of_predicted & ~most
        pairs = list(zip(whole.tolist(), parts.tolist(), strict=True))
        among = np.flatnonzero(most & np.isin(whole, whole[joint]))
        return pairs, np.flatnonzero(joint), dict(pairs[index] for index in among)


def pairs_of(
    predicted: NDArray[np.int32],
    truth: NDArray[np.int32],
    core: NDArray[np.bool_],
    part: float,
) -> Pairs:
    """Find the pairs that share the share `part` of the core of the true object.

    Parameters
    ----------
    predicted, truth
        (Z, Y, X) ids, 0 is background.
    core
        (Z, Y, X): the pixels that count.
    part
        Share, 0 to 1; `_ENOUGH` pixels are enough at any rate.
    """
    a, b, pixels = contingency(predicted, truth, core)
    sizes = np.bincount(b, pixels, minlength=1)
    wanted = np.clip(part * sizes[b], 1, _ENOUGH)
    kept = (a != 0) & (b != 0) & (pixels >= wanted)
    pixels = pixels[kept]
    first, second = a[kept].astype(np.int32), b[kept].astype(np.int32)
    return Pairs(first, second, _largest(first, pixels), _largest(second, pixels))


def numbered(
    ids: NDArray[np.generic], known: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.generic]]:
    """Give numbers without gaps to the objects that lie on `known` pixels.

    Returns
    -------
    (Z, Y, X) numbers, 0 where there is none, and the id that each number stands for.
    """
    wanted = ids if known.all() else np.where(known, ids, 0)
    highest = int(wanted.max(initial=0))
    if highest < 4 * wanted.size:
        # A table of all ids is a hundred times faster than sorting all pixels.
        there = np.zeros(highest + 1, bool)
        there[wanted] = there[0] = True
        numbers = (np.cumsum(there) - 1).astype(np.int32)
        return numbers[wanted], np.flatnonzero(there)
    found, ranks = np.unique(np.append(wanted, 0), return_inverse=True)
    return ranks[:-1].reshape(ids.shape).astype(np.int32), found


def _largest(ids: NDArray[np.int32], pixels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark one pair of each id: that with the most pixels."""
    order = np.lexsort((-pixels, ids))
    first = np.ones(ids.size, bool)
    first[1:] = ids[order][1:] != ids[order][:-1]
    marked = np.zeros(ids.size, bool)
    marked[order[first]] = True
    return marked
