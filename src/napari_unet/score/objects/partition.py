"""Scores that compare partitions into objects: Rand, information, variation of it.

Overlap hardly sees a membrane that is broken in one pixel; these scores do, because
they ask of pairs of pixels whether they lie in the same object.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.annotation import connected_objects
from napari_unet.data.labels import check_alike, check_slices
from napari_unet.score.borders.thinning import thin_borders
from napari_unet.score.means import mean
from napari_unet.score.measures import OBJECTS
from napari_unet.score.objects.contingency import CELLS, contingency, join, ranked


@dataclass(frozen=True, eq=False)
class Partition:
    """Contingency table of predicted and true objects, and the scores of it.

    With p_ij the share of pixels in predicted object i and true object j, s_i and t_j
    its sums over j and i, H an entropy and I the mutual information,

    - V_rand = sum p_ij^2 / (sum s_i^2 / 2 + sum t_j^2 / 2); its split part divides by
      sum t_j^2, its merge part by sum s_i^2;
    - V_info = I / (H(s) / 2 + H(t) / 2); its split part divides by H(s), its merge
      part by H(t).

    Both are foreground-restricted, as the ISBI 2012 challenge scored [1]_: only pixels
    inside a true object count, and each of them that was predicted as background is
    an object of its own, as in the organisers' program [2]_. A split part falls when
    an object is cut into several, a merge part when several are joined.

    `voi` and `adapted_rand_error` count the same pixels but are scikit-image's
    (`variation_of_information` in bits and `adapted_rand_error`, both with true
    background ignored), for which predicted background is one more object: wide
    predicted borders make them far worse than V_rand.
    `rand_error` takes every annotated pixel, with background as an object on either
    side.

    Where there is nothing to split or nothing to merge (one object), that part of
    V_info is 1; where both sides are one object so is V_info (the program has 0).
    Every score is NaN where there are no pixels to compare.

    Attributes
    ----------
    predicted, truth
        (P,) ids of the objects of each pair that shares pixels; 0 is background.
    pixels
        (P,) int64: how many pixels each pair shares.

    References
    ----------
    .. [1] Arganda-Carreras et al. 2015, Frontiers in Neuroanatomy 9:142,
       doi:10.3389/fnana.2015.00142.
    .. [2] Fiji's Trainable Weka Segmentation, metrics RandError
       (getForegroundRestrictedRandIndexStatsN2) and VariationOfInformation
       (foregroundRestrictedFscore).
    """

    predicted: NDArray[np.generic]
    truth: NDArray[np.generic]
    pixels: NDArray[np.int64]

    @classmethod
    def joined(cls, parts: Sequence[Partition]) -> Partition:
        """Put slices together whose ids mean the same objects."""
        return cls(*join([(one.predicted, one.truth, one.pixels) for one in parts]))

    @property
    def v_rand(self) -> float:
        """Foreground-restricted Rand F-score, 0 to 1."""
        predicted, truth, joint = self._restricted.squares
        return _ratio(2 * joint, predicted + truth)

    @property
    def v_rand_split(self) -> float:
        """Chance that two pixels of a true object are together in the prediction."""
        _, truth, joint = self._restricted.squares
        return _ratio(joint, truth)

    @property
    def v_rand_merge(self) -> float:
        """Chance that two pixels of a predicted object are together in the truth."""
        predicted, _, joint = self._restricted.squares
        return _ratio(joint, predicted)

    @property
    def v_info(self) -> float:
        """Foreground-restricted information F-score, 0 to 1."""
        predicted, truth, joint = self._restricted.entropies
        return _share(2 * (predicted + truth - joint), predicted + truth)

    @property
    def v_info_split(self) -> float:
        """Share of the prediction's information that the truth holds too."""
        predicted, truth, joint = self._restricted.entropies
        return _share(predicted + truth - joint, predicted)

    @property
    def v_info_merge(self) -> float:
        """Share of the truth's information that the prediction holds too."""
        predicted, truth, joint = self._restricted.entropies
        return _share(predicted + truth - joint, truth)

    @property
    def voi(self) -> float:
        """Variation of information in bits, 0 where both agree."""
        return self.voi_split + self.voi_merge

    @property
    def voi_split(self) -> float:
        """Bits by which true objects are split, H(prediction | truth)."""
        _, truth, joint = self._inside.entropies
        return _positive(joint - truth)

    @property
    def voi_merge(self) -> float:
        """Bits by which true objects are merged, H(truth | prediction)."""
        predicted, _, joint = self._inside.entropies
        return _positive(joint - predicted)

    @property
    def rand_error(self) -> float:
        """Share of all pairs of pixels that are together on one side only."""
        predicted, truth, joint = self._all.pairs
        return _ratio(
            predicted + truth - 2 * joint, self._all.total * (self._all.total - 1)
        )

    @property
    def adapted_rand_error(self) -> float:
        """1 - Rand F-score of pairs of two different pixels, 0 where both agree."""
        predicted, truth, joint = self._inside.pairs
        return 1 - _ratio(2 * joint, predicted + truth)

    def values(self) -> dict[str, float]:
        """Return the scores by name; NaN where a score is not defined."""
        return {name: float(getattr(self, name)) for name in OBJECTS}

    @cached_property
    def _all(self) -> _Sizes:
        return _Sizes.of(self.predicted, self.truth, self.pixels)

    @cached_property
    def _inside(self) -> _Sizes:
        here = self.truth != 0
        return _Sizes.of(self.predicted[here], self.truth[here], self.pixels[here])

    @cached_property
    def _restricted(self) -> _Sizes:
        """Sizes inside true objects, predicted background taken apart into pixels."""
        inside, found = self._inside, self.predicted[self.truth != 0] != 0
        if found.all():
            return inside
        # The background has the lowest id, so that its size is the first.
        alone, predicted = int(inside.predicted[0]), inside.predicted[1:]
        return _Sizes(predicted, inside.truth, inside.joint[found], alone)


@dataclass(frozen=True, eq=False)
class SlicePartitions:
    """Partitions of the slices of a stack, each scored by itself.

    Attributes
    ----------
    slices
        One for each slice; the scores of a slice without true objects are NaN.
    """

    slices: tuple[Partition, ...]

    def values(self) -> dict[str, float]:
        """Return the mean of each score over the slices that have it, by name."""
        return {name: self.mean(name) for name in OBJECTS}

    def mean(self, name: str) -> float:
        """Return the mean of one score over the slices that have it, or NaN."""
        return mean([float(getattr(one, name)) for one in self.slices])

    @property
    def v_rand(self) -> float:
        """Mean foreground-restricted Rand F-score of the slices."""
        return self.mean("v_rand")

    @property
    def v_info(self) -> float:
        """Mean foreground-restricted information F-score of the slices."""
        return self.mean("v_info")


def partition(
    prediction: NDArray[np.generic],
    truth: NDArray[np.generic],
    annotated: NDArray[np.bool_] | None = None,
) -> Partition:
    """Count the pixels that predicted and true objects share.

    Parameters
    ----------
    prediction
        Objects, whole numbers of any shape; 0 is background.
    truth
        Objects of the same shape; 0 is background (borders between the objects).
    annotated
        Where the truth is known; everywhere when left out. No other pixel counts.

    Raises
    ------
    InputError
        When the shapes differ, or an id is negative or no whole number.
    """
    return Partition(*contingency(prediction, truth, annotated))


def score_slices(
    prediction_mask: NDArray[np.generic],
    truth_mask: NDArray[np.generic],
    annotated: NDArray[np.bool_] | None = None,
    *,
    thin: bool = True,
) -> SlicePartitions:
    """Score a mask of cell interiors slice by slice, as the ISBI 2012 challenge did.

    The objects are the 4-connected components of each slice. The challenge's scores
    are the means over the slices of V_rand and V_info after border thinning, which
    only the prediction undergoes (see `thin_borders`). It took the best of several
    thresholds of the membrane probability; here the mask is given.

    Parameters
    ----------
    prediction_mask
        (Z, Y, X): 0 is border, every other value cell interior.
    truth_mask
        (Z, Y, X), likewise.
    annotated
        (Z, Y, X): where the truth is known; everywhere when left out.
    thin
        Thin the predicted borders to one pixel first, so that their width counts
        for nothing.

    Raises
    ------
    InputError
        When the shapes differ or are not (Z, Y, X).
    """
    check_slices(prediction_mask, "Masks", "scored slice by slice")
    check_alike(prediction_mask, truth_mask, annotated)
    predicted = connected_objects(np.asarray(prediction_mask != 0))
    truth = connected_objects(np.asarray(truth_mask != 0))
    if thin:
        predicted = thin_borders(predicted)
    known = [None] * len(truth) if annotated is None else annotated
    return SlicePartitions(tuple(map(partition, predicted, truth, known)))


@dataclass(frozen=True, eq=False)
class _Sizes:
    """Pixels in each predicted, true and common object; all that the scores need.

    `alone` counts pixels that are each a predicted object of their own; they are in
    no predicted and no common object here.
    """

    predicted: NDArray[np.float64]
    truth: NDArray[np.float64]
    joint: NDArray[np.float64]
    alone: int = 0

    @classmethod
    def of(
        cls,
        predicted: NDArray[np.generic],
        truth: NDArray[np.generic],
        pixels: NDArray[np.int64],
    ) -> _Sizes:
        joint = pixels.astype(float)
        return cls(_added(predicted, joint), _added(truth, joint), joint)

    @cached_property
    def total(self) -> float:
        return float(self.truth.sum())

    @cached_property
    def squares(self) -> tuple[float, float, float]:
        """Pairs of pixels that are together, a pixel with itself included."""
        predicted, truth, joint = (
            float(n @ n) for n in (self.predicted, self.truth, self.joint)
        )
        return predicted + self.alone, truth, joint + self.alone

    @property
    def pairs(self) -> tuple[float, float, float]:
        """Pairs of two different pixels that are together."""
        predicted, truth, joint = self.squares
        return predicted - self.total, truth - self.total, joint - self.total

    @cached_property
    def entropies(self) -> tuple[float, float, float]:
        """Entropy in bits of the prediction, the truth and both together."""
        total = self.total
        if not total:
            return math.nan, math.nan, math.nan
        apart = self.alone / total * math.log2(total)
        predicted, truth, joint = (
            _entropy(sizes / total)
            for sizes in (self.predicted, self.truth, self.joint)
        )
        return predicted + apart, truth, joint + apart


def sizes_of(
    ids: NDArray[np.generic], pixels: NDArray[np.int64]
) -> tuple[NDArray[np.generic], NDArray[np.intp], NDArray[np.float64]]:
    """Return the ids, which of them each entry has, and the pixels of each."""
    found, which = np.unique(ids, return_inverse=True)
    return found, which, np.bincount(which, pixels).astype(float)


def _added(
    ids: NDArray[np.generic], pixels: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the pixels of each id that occurs, in the order of the ids."""
    if ids.max(initial=0) >= CELLS * ids.size:
        ids = ranked(ids)[1]
    sizes = np.bincount(ids.astype(np.intp), pixels)
    return np.asarray(sizes[sizes > 0], float)


def _entropy(shares: NDArray[np.float64]) -> float:
    return -float(shares @ np.log2(shares))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan


def _share(part: float, whole: float) -> float:
    """Return the share of the information, all of it where there is none."""
    return 1.0 if whole == 0 else part / whole


def _positive(entropy: float) -> float:
    """Take back what rounding put below 0; NaN stays."""
    return 0.0 if entropy < 0 else entropy
