"""Surface distances are those between all pairs of pixels of two outlines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial.distance import cdist
from skimage.metrics import hausdorff_distance

from napari_unet.errors import InputError
from napari_unet.score.borders.surface import surface_distances

MASKS = arrays.arrays(bool, (2, 7, 8))
KNOWN = MASKS | st.just(np.ones((2, 7, 8), bool))


def square(*, y=8, x=8, side=10, shape=(30, 30)):
    mask = np.zeros((1, *shape), bool)
    mask[0, y : y + side, x : x + side] = True
    return mask


def outline(mask, known):
    """List the pixels of foreground that have known background to one side."""
    high, wide = mask.shape
    found = []
    for y, x in np.argwhere(mask & known):
        sides = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
        inside = [(b, a) for b, a in sides if 0 <= b < high and 0 <= a < wide]
        if any(known[place] and not mask[place] for place in inside):
            found.append((y, x))
    return np.array(found, float).reshape(-1, 2)


@settings(max_examples=80, deadline=None)
@given(predicted=MASKS, truth=MASKS, known=KNOWN)
def test_distances_equal_those_between_all_pairs(predicted, truth, known):
    measured = surface_distances(predicted, truth, known)
    for z in range(2):
        one, other = (outline(m[z], known[z]) for m in (predicted, truth))
        if len(one) and len(other):
            apart = cdist(one, other)
            there, back = apart.min(axis=1), apart.min(axis=0)
            mean = (there.sum() + back.sum()) / (len(there) + len(back))
            highest = max(np.percentile(there, 95), np.percentile(back, 95))
        else:
            mean = highest = np.nan
        np.testing.assert_allclose(measured.mean[z], mean, atol=1e-12)
        np.testing.assert_allclose(measured.percentile_95[z], highest, atol=1e-12)


def test_a_shifted_square_lies_at_most_its_shift_away():
    measured = surface_distances(square(x=10), square())
    # Upper and lower sides overlap in 8 of 10 pixels.
    assert 0 < measured.mean[0] < 2
    assert measured.percentile_95[0] == 2
    assert hausdorff_distance(square(x=10)[0], square()[0]) == 2


def test_a_perfect_prediction_lies_0_away():
    measured = surface_distances(square(), square())
    assert (measured.mean[0], measured.percentile_95[0]) == (0, 0)


def test_a_far_speck_moves_the_mean_but_not_the_percentile():
    truth = square(side=20, shape=(60, 60))
    speck = truth.copy()
    speck[0, 55, 55] = True
    measured = surface_distances(speck, truth)
    assert measured.mean[0] > 0.1
    assert measured.percentile_95[0] == 0


@pytest.mark.parametrize("fill", [False, True])
def test_without_an_outline_on_both_sides_there_is_no_distance(fill):
    flat = np.full(square().shape, fill)
    for pair in ((flat, square()), (square(), flat)):
        measured = surface_distances(*pair)
        assert np.isnan(measured.mean).all()
        assert np.isnan(measured.percentile_95).all()


def test_outlines_outside_the_annotated_pixels_do_not_count():
    truth = square()
    annotated = np.zeros(truth.shape, bool)
    annotated[0, :, :14] = True
    prediction = truth.copy()
    prediction[0, :, 20:] = True
    measured = surface_distances(prediction, truth & annotated, annotated)
    assert (measured.mean[0], measured.percentile_95[0]) == (0, 0)


def test_no_slices_have_no_distances():
    measured = surface_distances(np.zeros((0, 4, 4), bool), np.zeros((0, 4, 4), bool))
    assert measured.mean.shape == measured.percentile_95.shape == (0,)


def test_what_cannot_be_measured_is_said():
    with pytest.raises(InputError, match="give slices, Y and X"):
        surface_distances(square()[0], square()[0])
    with pytest.raises(InputError, match=r"1 x 29 x 30 and the ground truth"):
        surface_distances(square()[:, 1:], square())
