"""Intervals tell how far a score would move with other slices."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_unet.score.intervals import (
    DrawnVolume,
    interval,
    interval_of_mean,
    resamples,
)
from napari_unet.score.means import mean
from napari_unet.score.objects.partition import Partition, partition


def test_slices_are_drawn_as_often_as_there_are_slices():
    drawn = resamples(6)
    assert drawn.shape == (1000, 6)
    assert (drawn.sum(axis=1) == 6).all()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(6), abs=0.1)
    assert (resamples(6) == drawn).all()


def test_the_interval_of_a_mean_is_that_of_theory_for_many_slices():
    values = np.random.default_rng(1).normal(0.9, 0.05, 400)
    low, high = interval_of_mean(values, resamples(400))
    half = 1.96 * values.std() / math.sqrt(400)
    assert (high - low) / 2 == pytest.approx(half, rel=0.15)
    assert low < values.mean() < high


def test_slices_that_agree_leave_no_interval():
    low, high = interval_of_mean(np.full(5, 0.8), resamples(5))
    assert low == pytest.approx(0.8)
    assert high == pytest.approx(0.8)


def test_one_slice_tells_nothing_of_others():
    assert interval_of_mean(np.array([0.8, np.nan]), resamples(2)) is None
    assert interval(np.array([np.nan])) is None


def test_weights_count_slices_by_their_pixels():
    values, weights = np.array([0.0, 1.0, np.nan]), np.array([1.0, 3.0, 9.0])
    assert mean(values, weights) == 0.75
    assert mean(values) == 0.5
    assert math.isnan(mean(np.array([np.nan])))


def test_the_interval_is_that_of_the_means_of_all_resamples():
    rng = np.random.default_rng(2)
    values, weights = rng.random(7), rng.integers(1, 99, 7)
    values[3] = np.nan
    for each in (None, weights):
        shares = np.ones(7) if each is None else each
        means = np.array([mean(values, shares * one) for one in resamples(7)])
        assert interval_of_mean(values, resamples(7), each) == pytest.approx(
            interval(means), rel=1e-12
        )


def test_a_volume_of_slices_drawn_once_is_the_volume_itself():
    rng = np.random.default_rng(0)
    predicted, truth = rng.integers(0, 6, (2, 4, 16, 16))
    parts = [partition(a, b) for a, b in zip(predicted, truth, strict=True)]
    whole = partition(predicted, truth)
    drawn = DrawnVolume(parts).drawn(np.ones(4, int))
    assert drawn.values() == pytest.approx(whole.values())
    assert Partition.joined(parts).values() == pytest.approx(whole.values())


def test_a_slice_that_is_drawn_twice_counts_twice():
    rng = np.random.default_rng(0)
    predicted, truth = rng.integers(0, 300, (2, 3, 16, 16), dtype=np.uint16)
    parts = [partition(a, b) for a, b in zip(predicted, truth, strict=True)]
    drawn = DrawnVolume(parts).drawn(np.array([2, 0, 1]))
    again = partition(predicted[[0, 0, 2]], truth[[0, 0, 2]])
    assert drawn.values() == pytest.approx(again.values())


def test_objects_without_background_are_drawn_as_objects():
    ids = np.array([[7, 7, 9], [9, 9, 7]], np.uint64) << np.uint64(40)
    parts = [partition(one, one) for one in ids]
    drawn = DrawnVolume(parts).drawn(np.ones(2, int))
    assert drawn.values() == pytest.approx(partition(ids, ids).values())
