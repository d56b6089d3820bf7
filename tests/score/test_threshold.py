"""Curves against the threshold hold what scoring each mask by itself gives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.data.annotation import IGNORE
from napari_unet.errors import InputError
from napari_unet.samples import em_stack
from napari_unet.score.comparison import Comparison, compare
from napari_unet.score.objects.partition import score_slices
from napari_unet.score.pixels.overlap import overlap
from napari_unet.score.threshold import THRESHOLDS, ThresholdCurve, threshold_steps


def threshold_curve(*arguments, **options) -> ThresholdCurve:
    """Return the curve once all of it is known."""
    *_, curve = threshold_steps(*arguments, **options)
    return curve


@pytest.fixture(scope="module")
def pair() -> tuple[np.ndarray, Comparison]:
    """Probabilities that follow the truth with noise, and a truth with gaps."""
    truth = (em_stack((4, 64, 72), seed=1)[1] > 0).astype(np.uint8)
    noise = np.random.default_rng(0).normal(0, 0.25, truth.shape)
    predicted = np.clip(0.25 + 0.5 * truth + noise, 0, 1).astype(np.float32)
    read = compare((predicted > 0.5).astype(np.uint8), truth)
    holes = read.truth.copy()
    holes[1, :20] = IGNORE
    holes[2] = IGNORE
    return predicted, replace(read, truth=holes)


def test_every_point_is_the_score_of_the_mask_at_that_threshold(pair) -> None:
    predicted, read = pair
    curve = threshold_curve(predicted, read)
    assert curve.slices == (0, 1, 3)
    assert curve.thresholds.tolist() == list(THRESHOLDS)
    for index in (0, 7, 19, 38):
        mask = predicted > np.float32(THRESHOLDS[index])
        expected = overlap(mask.astype(np.uint8), read.truth, 2)
        assert curve.iou[index] == pytest.approx(expected.iou)
        assert curve.dice[index] == pytest.approx(expected.dice)
        if index % 2 == 1:
            slices = list(curve.slices)
            known = read.annotated[slices]
            rand = score_slices(mask[slices], read.truth_mask[slices], known)
            assert curve.v_rand[index] == pytest.approx(rand.v_rand)


def test_a_probability_on_the_threshold_is_background(pair) -> None:
    _, read = pair
    predicted = np.where(read.truth_mask, np.float32(0.5), np.float32(0.25))
    curve = threshold_curve(predicted, read, (0.25, 0.499, 0.5))
    np.testing.assert_array_equal(curve.iou, [1, 1, 0])


def test_iou_and_dice_come_first_and_rand_fills_up(pair) -> None:
    predicted, read = pair
    curves = list(threshold_steps(predicted, read))
    assert not np.isnan(curves[0].iou).any()
    known = [int((~np.isnan(curve.v_rand)).sum()) for curve in curves]
    assert known == list(range(20))
    assert curves[-1].done == 1
    early = np.flatnonzero(~np.isnan(curves[3].v_rand))
    assert early.max() - early.min() > 25


def test_rand_is_computed_at_one_half_and_at_a_single_threshold(pair) -> None:
    predicted, read = pair
    (half,) = np.flatnonzero(np.array(THRESHOLDS) == 0.5)
    expected = threshold_curve(predicted, read, (0.5,)).v_rand[0]
    assert threshold_curve(predicted, read).v_rand[half] == expected


def test_only_the_slices_asked_for_are_scored(pair) -> None:
    predicted, read = pair
    curve = threshold_curve(predicted, read, (0.5,), slices=[1, 2])
    assert curve.slices == curve.rand_slices == (1,)
    mask = (predicted[1:2] > 0.5).astype(np.uint8)
    assert curve.iou[0] == pytest.approx(overlap(mask, read.truth[1:2], 2).iou)


def test_of_many_slices_rand_takes_some_evenly_spread() -> None:
    truth = np.zeros((40, 512, 512), np.uint8)
    truth[:, 10:60, 10:60] = 1
    read = compare(truth, truth)
    first = next(threshold_steps(truth.astype(np.float32), read))
    assert first.slices == tuple(range(40))
    assert first.rand_slices == (0, 8, 16, 23, 31, 39)


def test_the_best_threshold_is_the_one_nearest_to_the_middle_of_equals() -> None:
    steps = np.array([0.1, 0.4, 0.7, 0.9])
    iou = np.array([0.8, 0.9, 0.9, 0.2])
    nothing = np.full(4, np.nan)
    curve = ThresholdCurve(steps, iou, iou, nothing, (0,), (0,))
    assert curve.best("iou") == 0.4
    assert curve.best("v_rand") is None
    assert curve.at(0.8)["iou"] == pytest.approx(0.55)
    assert np.isnan(curve.at(0.8)["v_rand"])


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_empty_and_full_predictions_divide_by_nothing(value) -> None:
    truth = np.zeros((2, 20, 20), np.uint8)
    truth[0, 5:9, 5:9] = 1
    curve = threshold_curve(
        np.full(truth.shape, value, np.float32), compare(truth, truth)
    )
    assert np.isfinite(curve.iou).all()
    assert np.isfinite(curve.v_rand[1::2]).all()


def test_what_does_not_fit_is_refused(pair) -> None:
    predicted, read = pair
    with pytest.raises(InputError, match="choose the same slices"):
        threshold_curve(predicted[:2], read)
    with pytest.raises(InputError, match="None of the slices"):
        threshold_curve(predicted, read, slices=[2])
