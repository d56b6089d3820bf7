"""Objects are matched, missed or made up, and nothing is counted twice."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import reduce
from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.optimize import linear_sum_assignment

from napari_unet.errors import InputError
from napari_unet.score.objects.instances import SCORES, THRESHOLDS, Instances
from napari_unet.score.objects.partition import partition

QUALITIES = SCORES[3:]
OBJECTS = arrays.arrays(np.int32, (5, 6), elements=st.integers(0, 4))


def instances(predicted, truth, known=None):
    """Match objects over the known pixels; all where `known` is left out."""
    hidden = None if known is None else partition(predicted, truth, ~known)
    return Instances.of(partition(predicted, truth, known), hidden)


def rows(*lengths):
    """Objects 1, 2, ... of so many pixels in a row each, with background between."""
    image = np.zeros((2 * len(lengths), 40), np.int32)
    for n, length in enumerate(lengths):
        image[2 * n, :length] = n + 1
    return image


def places(objects, known):
    """Return the annotated and all pixels of each object, as sets."""
    return {
        n: (
            set(map(tuple, np.argwhere((objects == n) & known).tolist())),
            int((objects == n).sum()),
        )
        for n in np.unique(objects)
        if n
    }


def by_hand(predicted, truth, known):
    """Count at each threshold, by assigning the largest IoUs first to last."""
    found, there = places(predicted, known), places(truth, known)
    found = {n: v for n, v in found.items() if v[0]}
    there = {n: v for n, v in there.items() if v[0]}
    counts = []
    for hundredths in range(50, 100, 5):
        threshold = Fraction(hundredths, 100)
        ious = np.zeros((len(found), len(there)))
        for i, (mine, _) in enumerate(found.values()):
            for j, (theirs, _) in enumerate(there.values()):
                iou = Fraction(len(mine & theirs), len(mine | theirs))
                ious[i, j] = float(iou) if iou > threshold else 0
        assigned = zip(*linear_sum_assignment(-ious), strict=True)
        pairs = [(i, j) for i, j in assigned if ious[i, j]]
        doubtful = {
            n for n, (mine, size) in enumerate(found.values()) if size > 2 * len(mine)
        }
        false = set(range(len(found))) - {i for i, _ in pairs} - doubtful
        covered = sum(ious[i, j] for i, j in pairs)
        counts.append((len(pairs), len(false), len(there) - len(pairs), covered))
    return counts


@settings(max_examples=80, deadline=None)
@given(
    predicted=OBJECTS,
    truth=OBJECTS,
    noise=arrays.arrays(bool, (5, 6)),
    known=arrays.arrays(bool, (5, 6)) | st.just(np.ones((5, 6), bool)),
)
def test_counts_equal_those_of_an_assignment_by_hand(predicted, truth, noise, known):
    # Most random objects have no partner: let the prediction be much like the truth.
    predicted = np.where(noise & (predicted > 2), predicted, truth)
    matched = instances(predicted, truth, known)
    for threshold, counts in zip(
        THRESHOLDS, by_hand(predicted, truth, known), strict=True
    ):
        scores, (hits, false, missed, covered) = matched.at(threshold), counts
        assert scores.true_positives == hits
        assert scores.false_positives == false
        assert scores.false_negatives == missed
        if hits + false + missed:
            quality = covered / (hits + false / 2 + missed / 2)
            assert scores.panoptic_quality == pytest.approx(quality)
            assert scores.average_precision == hits / (hits + false + missed)


def test_thresholds_decide_which_objects_match():
    truth, predicted = rows(20, 20, 20, 20), rows(20, 18, 13, 9)
    matched = instances(predicted, truth)
    # IoU 1, 0.9, 0.65 and 0.45.
    counts = [matched.at(threshold).true_positives for threshold in THRESHOLDS]
    assert counts == [3] * 3 + [2] * 5 + [1] * 2
    scores = matched.at(0.5)
    assert scores.precision == scores.recall == pytest.approx(3 / 4)
    assert scores.f1 == pytest.approx(6 / 8)
    assert scores.average_precision == pytest.approx(3 / 5)
    assert scores.segmentation_quality == pytest.approx((1 + 0.9 + 0.65) / 3)
    product = scores.segmentation_quality * scores.f1
    assert scores.panoptic_quality == pytest.approx(product)


@pytest.mark.parametrize("pixels", range(10, 20))
def test_an_iou_at_the_threshold_is_no_match(pixels):
    matched = instances(rows(pixels), rows(20))
    for threshold in THRESHOLDS:
        assert matched.at(threshold).true_positives == (threshold < pixels / 20)


def test_two_halves_of_an_object_are_no_match():
    halves = rows(20)
    halves[0, 10:20] = 2
    scores = instances(halves, rows(20)).at(0.5)
    assert scores.true_positives == 0
    assert (scores.false_positives, scores.false_negatives) == (2, 1)


def test_the_mean_is_that_of_the_ten_thresholds():
    scores = instances(rows(20, 18, 13), rows(20, 20, 20))
    values = scores.values()
    assert list(values) == [f"{t / 100:.2f}" for t in range(50, 100, 5)] + ["mean"]
    for name in SCORES:
        expected = np.mean([values[key][name] for key in values if key != "mean"])
        assert values["mean"][name] == pytest.approx(expected)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(OBJECTS, OBJECTS), min_size=1, max_size=3))
def test_slices_added_up_score_like_all_their_objects_at_once(slices):
    added = reduce(add, [instances(predicted, truth) for predicted, truth in slices])
    step = 10 * np.arange(len(slices))[:, None, None]
    predicted, truth = (
        np.where(stack > 0, stack + step, 0)
        for stack in (np.stack(column) for column in zip(*slices, strict=True))
    )
    np.testing.assert_equal(added.values(), instances(predicted, truth).values())


def test_objects_on_one_side_only_score_0_and_none_at_all_have_no_score():
    for one, other in ((rows(5, 6), rows(5, 6) * 0), (rows(5, 6) * 0, rows(5, 6))):
        for row in instances(one, other).values().values():
            assert not any(row[name] for name in QUALITIES)
    for row in instances(rows(5) * 0, rows(5) * 0).values().values():
        assert all(math.isnan(row[name]) for name in QUALITIES)
        assert row["false_positives"] == row["false_negatives"] == 0


def test_a_perfect_prediction_scores_1_under_any_numbers():
    scores = instances(np.array([0, 70, 2**40])[rows(5, 6)], rows(5, 6))
    for row in scores.values().values():
        assert all(row[name] == 1 for name in QUALITIES)


def test_an_object_mostly_beyond_the_annotated_pixels_is_not_made_up():
    annotated = np.zeros((6, 40), bool)
    annotated[:, :10] = True
    predicted = rows(30, 12, 0)
    scores = instances(predicted, rows(0, 0, 8), annotated)
    # The first has 20 of 30 pixels that nobody annotated, the second 2 of 12.
    assert scores.at(0.5).false_positives == scores.at(0.95).false_positives == 1
    assert scores.at(0.5).false_negatives == 1


def test_an_object_that_is_only_partly_annotated_matches_by_that_part():
    annotated = np.zeros((2, 40), bool)
    annotated[:, :10] = True
    scores = instances(rows(30), rows(9), annotated)
    # IoU 0.9 in the annotated pixels; above that it is neither matched nor made up.
    assert scores.at(0.85).precision == 1
    assert scores.at(0.9).values() == {
        **dict.fromkeys(SCORES, 0),
        "false_negatives": 1,
    }


def test_objects_that_nobody_annotated_do_not_count():
    annotated = np.zeros((4, 40), bool)
    annotated[:2] = True
    scores = instances(rows(9, 9), rows(9, 0), annotated)
    assert scores.at(0.95).average_precision == 1
    assert (scores.truth, scores.predicted) == (1, 1)


@pytest.mark.parametrize("threshold", [0.49, 0, 1.1, math.nan])
def test_a_threshold_at_which_objects_have_several_partners_is_refused(threshold):
    with pytest.raises(InputError, match=r"choose 0\.5 to 1"):
        instances(rows(3), rows(3)).at(threshold)


def test_what_is_no_object_is_said():
    with pytest.raises(InputError, match="choose the same slices"):
        instances(rows(3), rows(3, 4))
    with pytest.raises(InputError, match="objects are whole numbers"):
        instances(rows(3) / 2, rows(3))
