"""Scores on probabilities are those of the formulas, whatever is annotated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_unet.data.annotation import IGNORE
from napari_unet.errors import InputError
from napari_unet.score.pixels.overlap import overlap
from napari_unet.score.pixels.soft import soft_dice, soft_iou, thresholded_iou

SCORES = (soft_iou, soft_dice, thresholded_iou)
CHANCES = arrays.arrays(np.float32, (2, 3, 4), elements=st.floats(0, 1, width=32))
CLASSES = arrays.arrays(np.uint8, (2, 3, 4), elements=st.sampled_from([0, 1, 2, 255]))


@settings(max_examples=60, deadline=None)
@given(chances=CHANCES, truth=CLASSES)
def test_the_scores_equal_sums_over_single_pixels(chances, truth):
    pairs = [
        (float(p), float(t > 0))
        for p, t in zip(chances.ravel(), truth.ravel(), strict=True)
        if t != IGNORE
    ]
    hard = [(float(p >= 0.5), t) for p, t in pairs]
    both = sum(p * t for p, t in pairs)

    def iou(pairs):
        either = sum(p + t - p * t for p, t in pairs)
        return (sum(p * t for p, t in pairs) + 1) / (either + 1)

    dice = (2 * both + 1) / (sum(p + t for p, t in pairs) + 1)
    for score, expected in zip(SCORES, (iou(pairs), dice, iou(hard)), strict=True):
        value = score(chances, truth)
        assert value == pytest.approx(expected if pairs else math.nan, nan_ok=True)


@pytest.mark.parametrize("score", SCORES)
def test_certainty_of_the_truth_scores_1(score):
    truth = np.tile(np.array([0, 1, IGNORE], np.uint8), (2, 5, 1))
    assert score((truth == 1).astype(np.float32), truth) == 1


def test_half_a_chance_everywhere_is_foreground_at_the_threshold():
    truth = np.zeros((1, 20, 20), np.uint8)
    truth[0, :10] = 1
    half = np.full(truth.shape, 0.5, np.float32)
    assert soft_iou(half, truth) == pytest.approx(101 / 301)
    assert soft_dice(half, truth) == pytest.approx(201 / 401)
    assert thresholded_iou(half, truth) == pytest.approx(201 / 401)
    below = np.full(truth.shape, 0.49, np.float32)
    assert thresholded_iou(below, truth) == pytest.approx(1 / 201)


@settings(max_examples=30, deadline=None)
@given(chances=CHANCES, truth=CLASSES)
def test_the_thresholded_iou_is_that_of_masks_but_for_one_pixel(chances, truth):
    binary = np.where(truth == 2, np.uint8(1), truth)
    counted = overlap(chances >= 0.5, binary, 2).confusion
    expected = math.nan
    if counted.any():
        expected = (counted[1, 1] + 1) / (counted.sum() - counted[0, 0] + 1)
    assert thresholded_iou(chances, truth) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("score", SCORES)
def test_nothing_on_either_side_scores_1_and_nothing_annotated_has_no_score(score):
    nothing = np.zeros((1, 3, 3), np.float32)
    assert score(nothing, nothing.astype(np.uint8)) == 1
    assert math.isnan(score(nothing, np.full((1, 3, 3), IGNORE, np.uint8)))


def test_a_large_stack_loses_no_digits():
    chances = np.full((8, 512, 512), 0.1, np.float32)
    truth = np.ones(chances.shape, np.uint8)
    expected = (float(chances[0, 0, 0]) * truth.size + 1) / (truth.size + 1)
    assert soft_iou(chances, truth) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("score", SCORES)
def test_what_cannot_be_scored_is_said(score):
    truth = np.zeros((1, 2, 3), np.uint8)
    with pytest.raises(InputError, match=r"1 x 3 x 2 .* truth is 1 x 2 x 3"):
        score(np.zeros((1, 3, 2)), truth)
    for value in (255.0, -0.1, np.nan):
        with pytest.raises(InputError, match="outside 0 to 1"):
            score(np.full(truth.shape, value), truth)
