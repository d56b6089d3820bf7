"""Validation pixels too close to training pixels are counted, and can be given up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.draw import polygon2mask

from napari_unet.data.leak import Leak, leaks, near_training, outlines, shrink_regions
from napari_unet.data.regions import TRAIN, UNUSED, VALIDATION, Region, role_map

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9))


def by_hand(roles, annotated, reach):
    """Look at every pair of pixels."""
    trained = np.argwhere((roles == TRAIN) & annotated)
    out = np.zeros(roles.shape, bool)
    for pixel in np.argwhere(roles == VALIDATION):
        out[tuple(pixel)] = (abs(trained - pixel) <= reach).all(axis=1).any()
    return out


@settings(max_examples=60, deadline=None)
@given(data=st.data(), shape=SHAPES)
def test_a_pixel_leaks_where_a_training_pixel_is_within_reach_on_every_axis(
    data, shape
):
    roles = data.draw(arrays(np.uint8, shape, elements=st.integers(0, 4)))
    annotated = data.draw(arrays(bool, shape))
    reach = data.draw(st.tuples(*[st.integers(0, 5)] * 3))
    near = near_training(roles, annotated, reach)
    assert np.array_equal(near, by_hand(roles, annotated, reach))


def halves(shape=(1, 20, 40)):
    roles = np.full(shape, TRAIN, np.uint8)
    roles[..., 20:] = VALIDATION
    return roles, np.ones(shape, bool)


def test_the_pixels_within_reach_are_counted():
    assert leaks(*halves(), (0, 6, 6)) == Leak(20 * 6, 20 * 20, (0, 6, 6))


def test_only_annotated_pixels_count_on_either_side():
    roles, annotated = halves()
    annotated[..., 18:23] = False
    assert leaks(roles, annotated, (0, 6, 6)).pixels == 20 * (6 - 3 - 2)
    annotated[..., :20] = False
    assert leaks(roles, annotated, (0, 6, 6)).pixels == 0


@pytest.mark.parametrize(("far", "slices"), [(0, 0), (1, 1), (3, 3), (40, 5)])
def test_neighbouring_slices_leak_as_far_as_the_reach_goes(far, slices):
    roles = np.full((15, 8, 8), TRAIN, np.uint8)
    roles[10:] = VALIDATION
    leak = leaks(roles, np.ones(roles.shape, bool), (far, 4, 4))
    assert (leak.pixels, leak.validation) == (slices * 64, 5 * 64)


def test_a_leak_is_told_in_one_sentence_with_its_number():
    words = Leak(1204, 31204, (1, 92, 92)).words
    assert words.startswith(
        "1,204 of 31,204 validation pixels lie within 92 pixels and 1 slice of training"
    )
    assert "leave a gap between them" in words
    assert Leak(7, 7, (0, 92, 92)).words.startswith("all 7 validation pixels lie")
    assert Leak(0, 7, (1, 92, 92)).words == ""


def test_shrinking_ends_the_leak_and_costs_training_nothing():
    roles, annotated = halves()
    near = near_training(roles, annotated, (0, 6, 6))
    left = np.where(near, np.uint8(UNUSED), roles)
    assert (left == VALIDATION).sum() == 20 * 14
    assert leaks(left, annotated, (0, 6, 6)).pixels == 0
    assert ((left == TRAIN) == (roles == TRAIN)).all()
    assert (left[..., 20:26] == UNUSED).all()


# -------------------------------------------------------------------------- polygons


@settings(max_examples=150, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_outlines_cover_a_mask_to_the_pixel_however_it_looks(mask):
    covered = np.zeros(mask.shape, int)
    for corners in outlines(mask):
        covered += polygon2mask(mask.shape, np.array(corners))
    assert np.array_equal(covered, mask)


def test_the_outline_of_a_box_has_few_corners():
    mask = np.zeros((90, 90), bool)
    mask[10:60, 20:70] = True
    (corners,) = outlines(mask)
    assert len(corners) <= 9


def test_shrunk_regions_mean_what_shrinking_leaves():
    corners = ((2, 2), (2, 36), (17, 36), (17, 2))
    hole = ((8, 14), (8, 16), (10, 16), (10, 14))
    given_regions = [
        Region(role="validation", slices="1:4", polygon=corners),
        Region(role="train", slices="0:2", polygon=((0, 0), (0, 1), (19, 1), (19, 0))),
        Region(role="test", slices="2", polygon=hole),
        Region(role="validation", slices="5:"),
    ]
    shape, reach = (7, 20, 40), (1, 5, 5)
    annotated = np.ones(shape, bool)
    shrunk = shrink_regions(given_regions, annotated, reach)
    before = role_map(given_regions, shape)
    expected = (before == VALIDATION) & ~near_training(before, annotated, reach)
    assert expected.any()
    roles = role_map(shrunk, shape)
    assert np.array_equal(roles == VALIDATION, expected)
    assert np.array_equal(roles == TRAIN, before == TRAIN)
    assert given_regions[3] in shrunk, "what does not leak stays as it is"
    assert leaks(roles, annotated, reach).pixels == 0


def test_what_is_given_up_is_not_trained_on_instead():
    corners = ((4, 10), (4, 30), (16, 30), (16, 10))
    annotated, reach = np.ones((1, 20, 40), bool), (0, 3, 3)
    shrunk = shrink_regions(
        [Region(role="validation", polygon=corners)], annotated, reach
    )
    assert sorted(one.role for one in shrunk) == ["ignore", "ignore", "validation"]
    roles = role_map(shrunk, annotated.shape)
    assert (roles == VALIDATION).sum() == (13 - 6) * (21 - 6)
    assert (roles == TRAIN).sum() == 20 * 40 - 13 * 21
    assert leaks(roles, annotated, reach).pixels == 0


def test_training_that_overlaps_does_not_win_back_what_is_given_up():
    left, right = (((0, a), (0, b), (19, b), (19, a)) for a, b in ((0, 25), (15, 39)))
    regions = [
        Region(role="validation", polygon=left),
        Region(role="train", polygon=right),
    ]
    annotated, reach = np.ones((1, 20, 40), bool), (0, 3, 3)
    roles = role_map(shrink_regions(regions, annotated, reach), annotated.shape)
    assert leaks(roles, annotated, reach) == Leak(0, 20 * 23, reach)
    assert (roles == TRAIN).sum() == 20 * 14


def test_whole_slices_that_leak_are_given_up_one_by_one():
    annotated = np.ones((10, 8, 8), bool)
    whole = [Region(role="validation", slices="6:")]
    shrunk = shrink_regions(whole, annotated, (1, 4, 4))
    assert [(one.role, one.slices, one.polygon) for one in shrunk] == [
        ("validation", "7:10", None),
        ("ignore", "6", None),
    ]
