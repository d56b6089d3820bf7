"""Overlap scores are the textbook's, whatever is compared."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import precision_recall_fscore_support, recall_score

from napari_unet.data.annotation import IGNORE
from napari_unet.errors import InputError
from napari_unet.score.pixels.overlap import Overlap, overlap

TRUTH = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], np.uint8)
LABELS = arrays.arrays(np.uint8, (4, 6), elements=st.integers(0, 3))


def places(labels, value):
    return set(map(tuple, np.argwhere(labels == value).tolist()))


def test_the_confusion_counts_truth_by_row_and_prediction_by_column():
    scores = overlap(np.array([[1, 1, 0, 1], [0, 0, 0, 0]]), TRUTH, 2)
    np.testing.assert_array_equal(scores.confusion, [[3, 1], [2, 2]])
    assert scores.pixels == 8
    assert scores.iou == pytest.approx(2 / 5)
    assert scores.dice == pytest.approx(4 / 7)
    assert scores.accuracy == pytest.approx(5 / 8)
    assert scores.pixel_error == pytest.approx(3 / 8)


def test_a_perfect_prediction_scores_1():
    scores = overlap(TRUTH, TRUTH, 2)
    assert (
        scores.iou,
        scores.dice,
        scores.accuracy,
        scores.pixel_error,
    ) == (1, 1, 1, 0)


def test_an_empty_prediction_scores_0():
    scores = overlap(np.zeros_like(TRUTH), TRUTH, 2)
    assert (scores.iou, scores.dice, scores.accuracy) == (0, 0, 0.5)


def test_calling_everything_foreground_scores_its_share():
    scores = overlap(np.ones_like(TRUTH), TRUTH, 2)
    assert (scores.iou, scores.accuracy) == (0.5, 0.5)
    assert scores.iou_per_class[0] == 0


def test_a_shifted_square_scores_what_is_common():
    truth = np.zeros((20, 20), np.uint8)
    truth[5:15, 5:15] = 1
    scores = overlap(np.roll(truth, 2, axis=1), truth, 2)
    assert scores.iou == pytest.approx(80 / 120)
    assert scores.dice == pytest.approx(160 / 200)


def test_precision_falls_with_what_is_too_much_and_recall_with_what_is_missed():
    scores = overlap(np.array([[1, 1, 0, 1], [0, 0, 0, 0]]), TRUTH, 2)
    assert scores.precision == pytest.approx(2 / 3)
    assert scores.recall == pytest.approx(2 / 4)
    assert scores.specificity == pytest.approx(3 / 4)


@settings(max_examples=60, deadline=None)
@given(prediction=LABELS, truth=LABELS)
def test_precision_recall_and_specificity_equal_scikit_learn(prediction, truth):
    scores = overlap(prediction, truth, 4)
    found = prediction.ravel(), truth.ravel()
    precision, recall, _, _ = precision_recall_fscore_support(
        *found[::-1], labels=range(4), zero_division=0
    )
    there = np.array([(prediction == v).any() or (truth == v).any() for v in range(4)])
    for per_class, expected in (
        (scores.precision_per_class, precision),
        (scores.recall_per_class, recall),
    ):
        np.testing.assert_allclose(per_class, np.where(there, expected, np.nan))
    outside = [
        recall_score(truth.ravel() != v, prediction.ravel() != v, zero_division=np.nan)
        for v in range(4)
    ]
    np.testing.assert_allclose(scores.specificity_per_class, outside)


@pytest.mark.parametrize("name", ["iou", "dice", "precision", "recall"])
def test_a_class_on_one_side_only_scores_0(name):
    empty = np.zeros_like(TRUTH)
    assert getattr(overlap(TRUTH, empty, 2), name) == 0
    assert getattr(overlap(empty, TRUTH, 2), name) == 0


@pytest.mark.parametrize("name", ["iou", "dice", "precision", "recall"])
def test_nothing_on_either_side_has_no_score(name):
    empty = np.zeros((3, 3), np.uint8)
    scores = overlap(empty, empty, 2)
    assert math.isnan(getattr(scores, name))
    assert (scores.accuracy, scores.specificity) == (1, 1)


def test_specificity_tells_of_an_empty_truth_and_asks_for_some_background():
    empty = np.zeros_like(TRUTH)
    assert overlap(TRUTH, empty, 2).specificity == 0.5
    assert math.isnan(overlap(TRUTH, empty + 1, 2).specificity)


def test_without_truth_there_is_no_score_at_all():
    scores = overlap(TRUTH, np.full_like(TRUTH, IGNORE), 2)
    assert scores.pixels == 0
    assert math.isnan(scores.accuracy)
    assert math.isnan(scores.pixel_error)


@settings(max_examples=60, deadline=None)
@given(prediction=LABELS, truth=LABELS, ignored=arrays.arrays(bool, (4, 6)))
def test_scores_equal_those_of_sets_and_ignored_pixels_never_count(
    prediction, truth, ignored
):
    truth = np.where(ignored, np.uint8(IGNORE), truth)
    scores = overlap(prediction, truth, 4)
    unknown = places(truth, IGNORE)
    ious, dices, hits = [], [], 0
    for value in range(4):
        a, b = places(prediction, value) - unknown, places(truth, value)
        ious.append(len(a & b) / len(a | b) if a | b else math.nan)
        dices.append(2 * len(a & b) / (len(a) + len(b)) if a | b else math.nan)
        hits += len(a & b)
    np.testing.assert_allclose(scores.iou_per_class, ious)
    np.testing.assert_allclose(scores.dice_per_class, dices)
    for mean, values in ((scores.iou, ious), (scores.dice, dices)):
        known = [value for value in values[1:] if not math.isnan(value)]
        expected = sum(known) / len(known) if known else math.nan
        np.testing.assert_allclose(mean, expected)
    assert scores.pixels == 24 - len(unknown)
    if scores.pixels:
        assert scores.accuracy == pytest.approx(hits / scores.pixels)


@settings(max_examples=30, deadline=None)
@given(one=LABELS, other=LABELS)
def test_counts_of_parts_add_up_to_those_of_the_whole(one, other):
    added = overlap(one[:2], other[:2], 4) + overlap(one[2:], other[2:], 4)
    np.testing.assert_array_equal(added.confusion, overlap(one, other, 4).confusion)


@pytest.mark.parametrize("dtype", ["?", "i4", "i8", "u2", "f4"])
def test_the_type_of_the_prediction_does_not_matter(dtype):
    assert overlap(TRUTH.astype(dtype), TRUTH, 2).iou == 1


def test_different_shapes_are_said():
    with pytest.raises(InputError, match=r"is 2 x 3 .* truth is 2 x 4: choose"):
        overlap(TRUTH[:, :3], TRUTH, 2)


@pytest.mark.parametrize(
    ("prediction", "words"),
    [
        (np.full(TRUTH.shape, 7), "Class 7 .* 2 classes .*objects"),
        (np.full(TRUTH.shape, -1), "-1: values below 0"),
        (np.full(TRUTH.shape, 0.7), "probability map"),
        (np.full(TRUTH.shape, np.nan), "fractions"),
    ],
)
def test_what_is_no_class_is_said(prediction, words):
    with pytest.raises(InputError, match=words):
        overlap(prediction, TRUTH, 2)


def test_several_tables_at_once_score_as_each_by_itself():
    tables = np.random.default_rng(0).integers(0, 3, (20, 3, 3))
    each = Overlap(tables).each
    for n, table in enumerate(tables):
        for name, values in each.items():
            alone = getattr(Overlap(table), name)
            np.testing.assert_equal(alone, values[n])
