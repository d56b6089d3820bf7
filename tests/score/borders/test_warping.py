"""The warping error counts wrong topology, and shifted borders cost nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from napari_unet.errors import InputError
from napari_unet.score.borders.warping import (
    SIMPLE,
    STEPS,
    warping_error,
    warping_errors,
)

CROSS = ndimage.generate_binary_structure(2, 1)
SQUARE = ndimage.generate_binary_structure(2, 2)
MASKS = arrays.arrays(bool, (2, 9, 10))


def cells(border=2):
    """Four cells of 14 x 14 in an image of 40 x 40, with a border between them."""
    mask = np.zeros((1, 40, 40), bool)
    for y in (5, 19 + border):
        for x in (5, 19 + border):
            mask[0, y : y + 14, x : x + 14] = True
    return mask


def topology(mask):
    """Count the 4-connected objects and the 8-connected pieces of background."""
    padded = np.pad(mask, 1)
    return ndimage.label(padded, CROSS)[1], ndimage.label(~padded, SQUARE)[1]


def eroded(mask):
    return ndimage.binary_erosion(mask, CROSS[None])


@pytest.mark.parametrize("code", range(256))
def test_a_point_is_simple_where_its_flip_changes_no_count(code):
    patch = np.zeros((3, 3), bool)
    for bit, (y, x) in enumerate(STEPS):
        patch[1 + y, 1 + x] = code >> bit & 1
    flipped = patch.copy()
    flipped[1, 1] = True
    assert SIMPLE[code] == (topology(flipped) == topology(patch))


@settings(max_examples=60, deadline=None)
@given(prediction=MASKS, truth=MASKS)
def test_the_warped_truth_has_the_topology_of_the_truth(prediction, truth):
    wrong = warping_errors(prediction, truth)
    warped = prediction ^ wrong
    for one, other in zip(warped, truth, strict=True):
        assert topology(one) == topology(other)
    assert not (wrong & (prediction == truth)).any()


@settings(max_examples=60, deadline=None)
@given(prediction=MASKS, truth=MASKS)
def test_nothing_that_is_wrong_could_still_be_flipped(prediction, truth):
    wrong = warping_errors(prediction, truth)
    for warped, left in zip(prediction ^ wrong, wrong, strict=True):
        for y, x in np.argwhere(left):
            patch = np.pad(warped, 1)[y : y + 3, x : x + 3]
            code = sum(int(patch[1 + b, 1 + a]) << k for k, (b, a) in enumerate(STEPS))
            assert not SIMPLE[code]


def test_shifted_and_eroded_borders_cost_nothing():
    truth = cells()
    for prediction in (
        truth,
        ndimage.binary_erosion(truth, CROSS[None]),
        np.roll(truth, 2, axis=2),
        np.roll(truth, (2, -1), axis=(1, 2)),
    ):
        assert warping_error(prediction, truth) == 0


def test_a_broken_border_costs_the_pixels_that_mend_it():
    truth = cells(border=3)
    prediction = truth.copy()
    prediction[0, 10, 19:22] = True
    wrong = warping_errors(prediction, truth)
    # The truth grows into the break from both sides; one pixel must keep them apart.
    assert np.count_nonzero(wrong) == 1
    assert wrong[0, 10, 19:22].any()
    assert warping_error(prediction, truth) == pytest.approx(1 / 1600)


def test_a_border_that_is_made_up_costs_the_pixels_that_cut():
    truth = cells()
    prediction = truth.copy()
    prediction[0, 10, 5:19] = False
    wrong = warping_errors(prediction, truth)
    assert 1 <= np.count_nonzero(wrong) <= 14
    assert np.argwhere(wrong)[:, 1].tolist() == [10] * np.count_nonzero(wrong)


def test_a_hole_costs_its_pixels():
    truth = cells()
    prediction = truth.copy()
    prediction[0, 8:11, 8:10] = False
    wrong = warping_errors(prediction, truth)
    np.testing.assert_array_equal(wrong, prediction != truth)


def test_a_missed_object_costs_a_pixel_and_one_made_up_all_of_them():
    truth = cells()
    fewer = truth.copy()
    fewer[0, :20, :20] = False
    assert np.count_nonzero(warping_errors(fewer, truth)) == 1
    assert np.count_nonzero(warping_errors(truth, fewer)) == 14 * 14


def test_corners_join_borders_but_not_cells():
    truth = np.kron(np.eye(2, dtype=bool), np.ones((4, 4), bool))[None]
    joined, apart = truth.copy(), truth.copy()
    joined[0, 3:5, 3:5] = True
    apart[0, 3, 3] = apart[0, 4, 4] = False
    assert warping_error(apart, truth) == 0
    np.testing.assert_array_equal(warping_errors(joined, truth), joined != truth)


def test_only_annotated_pixels_count():
    truth = cells()
    annotated = np.ones(truth.shape, bool)
    annotated[0, :20] = False
    assert warping_error(truth, truth & annotated, annotated) == 0
    prediction = truth.copy()
    prediction[0, 30, 8] = False
    prediction[0, 10, 8] = False
    wrong = warping_errors(prediction, truth & annotated, annotated)
    assert np.argwhere(wrong).tolist() == [[0, 30, 8]]
    error = warping_error(prediction, truth & annotated, annotated)
    assert error == pytest.approx(1 / 800)


def test_slices_are_warped_by_themselves_and_those_without_truth_have_no_score():
    truth = np.concatenate([cells(), cells(), cells()])
    prediction = truth.copy()
    prediction[1:] = ~prediction[1:]
    annotated = np.ones(truth.shape, bool)
    annotated[2] = False
    errors = warping_error(prediction, truth, annotated)
    assert errors[0] == 0
    assert errors[1] == warping_error(prediction[1:2], truth[1:2])[0] > 0
    assert math.isnan(errors[2])


@pytest.mark.parametrize("shape", [(8, 9), (9, 8), (9, 9)])
def test_slices_are_warped_as_each_by_itself_whatever_their_sides(shape):
    prediction, truth = np.random.default_rng(0).random((2, 6, *shape)) > 0.4
    together = warping_errors(prediction, truth)
    for z in range(6):
        alone = warping_errors(prediction[z : z + 1], truth[z : z + 1])
        np.testing.assert_array_equal(together[z], alone[0])


def test_an_empty_truth_counts_all_that_was_found():
    truth = np.zeros((1, 40, 40), bool)
    assert warping_error(truth, truth) == 0
    assert warping_error(cells(), truth) == 4 * 14 * 14 / 1600


def test_what_cannot_be_warped_is_said():
    truth = cells()
    with pytest.raises(InputError, match="give slices, Y and X"):
        warping_error(truth[0], truth[0])
    with pytest.raises(InputError, match=r"1 x 40 x 39 and the ground truth"):
        warping_error(truth[:, :, 1:], truth)


@pytest.mark.real_data
def test_on_real_membranes_width_and_shifts_hardly_cost(real_data):
    truth = tifffile.imread(real_data / "isbi2012-train-labels.tif", key=[24])[None] > 0
    for prediction in (
        ndimage.binary_erosion(truth, CROSS[None], border_value=1),
        ndimage.binary_dilation(truth, CROSS[None]),
        np.roll(truth, 1, axis=2),
    ):
        pixel_error = (prediction != truth).mean()
        assert pixel_error > 0.03
        assert warping_error(prediction, truth) < pixel_error / 50
