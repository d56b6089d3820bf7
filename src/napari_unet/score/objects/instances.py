"""Objects found, missed and made up, counted by how well they cover each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import InputError
from napari_unet.score.measures import figure
from napari_unet.score.objects.partition import Partition, sizes_of

THRESHOLDS = tuple(hundredths / 100 for hundredths in range(50, 100, 5))
"""IoU above which objects match: 0.5 to 0.95."""

SCORES = (
    "true_positives",
    "false_positives",
    "false_negatives",
    "precision",
    "recall",
    "f1",
    "average_precision",
    "segmentation_quality",
    "panoptic_quality",
)
"""Names of the scores, in the order in which they are shown."""


@dataclass(frozen=True)
class InstanceScores:
    """Objects that match above one threshold, TP, and those that do not, FP and FN.

    Objects on one side only score 0; without objects on either side there is no score
    (NaN).

    Attributes
    ----------
    true_positives
        Pairs of a predicted and a true object that match.
    false_positives
        Predicted objects without a true one: made up.
    false_negatives
        True objects without a predicted one: missed.
    covered
        Sum of the IoU of the pairs.
    """

    true_positives: int
    false_positives: int
    false_negatives: int
    covered: float

    @property
    def precision(self) -> float:
        """TP / (TP + FP): share of the predicted objects that are right."""
        return self._share(self.true_positives, self._found)

    @property
    def recall(self) -> float:
        """TP / (TP + FN): share of the true objects that were found."""
        return self._share(self.true_positives, self._there)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN), also called recognition quality."""
        return self._share(2 * self.true_positives, self._found + self._there)

    @property
    def average_precision(self) -> float:
        """TP / (TP + FP + FN), as the Data Science Bowl and StarDist count it.

        It knows no confidences, and is not the area under a curve as COCO's is.
        """
        either = self._found + self._there - self.true_positives
        return self._share(self.true_positives, either)

    @property
    def segmentation_quality(self) -> float:
        """Mean IoU of the objects that match."""
        return self._share(self.covered, self.true_positives)

    @property
    def panoptic_quality(self) -> float:
        """Sum of the IoU / (TP + FP / 2 + FN / 2): segmentation quality times F1."""
        return self._share(2 * self.covered, self._found + self._there)

    def values(self) -> dict[str, float]:
        """Return the counts and scores by name."""
        return {name: getattr(self, name) for name in SCORES}

    @property
    def _found(self) -> int:
        return self.true_positives + self.false_positives

    @property
    def _there(self) -> int:
        return self.true_positives + self.false_negatives

    def _share(self, part: float, whole: int) -> float:
        if not self._found + self._there:
            return math.nan
        return part / whole if whole else 0.0


@dataclass(frozen=True, eq=False)
class Instances:
    """Predicted and true objects, matched where their IoU is above a threshold.

    At IoU > 0.5 no object can have two partners [1]_, so that there is nothing to
    choose; a lower threshold is not offered. The 2018 Data Science Bowl counted above
    the threshold too [2]_, StarDist at or above it [3]_, which needs an assignment at
    0.5 and differs only for objects whose IoU is the threshold to the last digit.

    Only annotated pixels count. A true object is its annotated part. A predicted object
    with most of its pixels where nothing is annotated is no false positive (in [1]_:
    where the truth is void): the truth does not tell whether it is there. It may still
    match.

    Attributes
    ----------
    ious
        (M,): IoU of each pair above 0.5.
    doubtful
        (M,) bool: whether most of the pair's predicted object is not annotated.
    predicted
        Predicted objects, those not counted that are mostly not annotated.
    truth
        True objects.

    References
    ----------
    .. [1] Kirillov et al. 2019, Panoptic segmentation, CVPR, sections 4.1 and 4.2,
       arXiv:1801.00868.
    .. [2] Caicedo et al. 2019, Nature Methods 16:1247, doi:10.1038/s41592-019-0612-7,
       and the competition's page, "Evaluation".
    .. [3] Schmidt et al. 2018, MICCAI, arXiv:1806.03535; stardist.matching.
    """

    ious: NDArray[np.float64]
    doubtful: NDArray[np.bool_]
    predicted: int
    truth: int

    @classmethod
    def of(cls, table: Partition, hidden: Partition | None = None) -> Instances:
        """Match the objects of a contingency table.

        Parameters
        ----------
        table
            Of the annotated pixels.
        hidden
            Of the pixels that are not annotated, if there are any; only the predicted
            objects in it count.
        """
        predicted_ids, predicted, sizes = sizes_of(table.predicted, table.pixels)
        truth_ids, truth, truth_sizes = sizes_of(table.truth, table.pixels)
        union = sizes[predicted] + truth_sizes[truth] - table.pixels
        ious = table.pixels / union
        matched = (table.predicted != 0) & (table.truth != 0) & (ious > THRESHOLDS[0])
        doubtful = np.zeros(len(predicted_ids), bool)
        if hidden is not None:
            unknown_ids, _, unknown = sizes_of(hidden.predicted, hidden.pixels)
            _, here, there = np.intersect1d(
                predicted_ids, unknown_ids, assume_unique=True, return_indices=True
            )
            doubtful[here] = unknown[there] > sizes[here]
        return cls(
            ious[matched],
            doubtful[predicted[matched]],
            predicted=int(np.count_nonzero((predicted_ids != 0) & ~doubtful)),
            truth=int(np.count_nonzero(truth_ids)),
        )

    def __add__(self, other: Instances) -> Instances:
        """Pool the objects of two slices."""
        return Instances(
            np.concatenate([self.ious, other.ious]),
            np.concatenate([self.doubtful, other.doubtful]),
            self.predicted + other.predicted,
            self.truth + other.truth,
        )

    def at(self, threshold: float) -> InstanceScores:
        """Count what matches above an IoU, and what does not.

        Raises
        ------
        InputError
            When the threshold is below 0.5, where objects may have several partners.
        """
        if not THRESHOLDS[0] <= threshold <= 1:
            raise InputError(
                f"Objects cannot be matched at an IoU of {threshold:g}: choose 0.5 "
                "to 1."
            )
        matched = self.ious > threshold
        hits = int(np.count_nonzero(matched))
        sure = int(np.count_nonzero(matched & ~self.doubtful))
        return InstanceScores(
            true_positives=hits,
            false_positives=self.predicted - sure,
            false_negatives=self.truth - hits,
            covered=math.fsum(self.ious[matched]),
        )

    def values(self) -> dict[str, dict[str, float]]:
        """Return all scores by threshold, "0.50" to "0.95", and their "mean"."""
        rows = {f"{one:.2f}": self.at(one).values() for one in THRESHOLDS}
        mean = {
            name: math.fsum(row[name] for row in rows.values()) / len(rows)
            for name in SCORES
        }
        return {**rows, "mean": mean}


def found_words(found: Mapping[str, float]) -> str:
    """Write one of `Instances.values` as a sentence."""
    return (
        f"{found['true_positives']:,.0f} cells found, {found['false_negatives']:,.0f} "
        f"missed, {found['false_positives']:,.0f} made up; precision "
        f"{figure(found['precision'])}, recall {figure(found['recall'])}, "
        f"average precision {figure(found['average_precision'])}, panoptic quality "
        f"{figure(found['panoptic_quality'])}."
    )
