"""Classes become clean classes or numbered objects, as a microscopist expects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from napari_unet.config import PostprocessConfig
from napari_unet.errors import InputError
from napari_unet.predict.postprocessing import classify, postprocess
from napari_unet.samples import em_stack

CLASSES = arrays(np.uint8, (3, 12, 14), elements=st.integers(0, 2))


def disks(*circles, shape=(1, 60, 90)):
    """A mask of circles, each as (y, x, radius), in every slice."""
    y, x = np.mgrid[: shape[1], : shape[2]]
    mask = np.zeros(shape, np.uint8)
    for cy, cx, radius in circles:
        mask[:, np.hypot(y - cy, x - cx) <= radius] = 1
    return mask


def likely(mask, inside=0.95):
    """Probabilities that a network might give for a mask, of both classes."""
    foreground = np.where(mask > 0, inside, 0.05).astype(np.float32)
    return np.stack([1 - foreground, foreground])


def make(mask, probabilities=None, ndim=2, **options):
    config = PostprocessConfig(**{"min_size": 0, **options})
    return postprocess(mask, config, probabilities=probabilities, ndim=ndim)


def split(mask, probabilities=None, **options):
    given = likely(mask) if probabilities is None else probabilities
    return make(mask, given, objects="watershed", **options)


# ------------------------------------------------------------------------- classes


def test_by_default_nothing_is_changed():
    mask = disks((20, 20, 10))
    assert postprocess(mask, PostprocessConfig()) is mask


def test_specks_are_no_objects_but_stay_in_a_mask():
    mask = np.zeros((1, 40, 60), np.uint8)
    mask[0, 5:25, 5:25] = 1
    mask[0, 30:33, 30:33] = 1  # 9 pixels
    mask[0, 30:32, 40:45] = 1  # 10 pixels
    found = postprocess(mask, PostprocessConfig(objects="connected"))
    assert found.max() == 2
    assert not found[0, 31, 31]
    assert postprocess(mask, PostprocessConfig(objects="no")) is mask
    every = PostprocessConfig(objects="connected", min_size=0)
    assert postprocess(mask, every).max() == 3


def test_of_two_classes_equally_probable_background_wins():
    even = np.full((2, 1, 1, 1), 0.5, np.float32)
    assert classify(even)[0, 0, 0] == 0
    assert classify(even, 0.4)[0, 0, 0] == 1


def test_small_pieces_go_and_the_others_stay_as_they_are():
    big, small = disks((20, 20, 10)), disks((40, 70, 3))
    size = int(small.sum())
    np.testing.assert_array_equal(make(big + small, min_size=size + 1), big)
    np.testing.assert_array_equal(make(big + small, min_size=size), big + small)


@pytest.mark.parametrize("corner", [0, -1])
def test_a_small_piece_in_a_corner_leaves_the_background_alone(corner):
    big = np.repeat(disks((20, 20, 10)), 2, axis=0)
    stray = big.copy()
    stray[corner, corner, corner] = 1
    np.testing.assert_array_equal(make(stray, min_size=5), big)


def test_holes_are_filled_up_to_their_size():
    whole = disks((30, 40, 20))
    holed = whole - disks((30, 40, 4))
    size = int((whole - holed).sum())
    np.testing.assert_array_equal(make(holed, fill_holes=size), whole)
    np.testing.assert_array_equal(make(holed, fill_holes=size - 1), holed)


def test_a_hole_takes_the_class_around_it():
    classes = disks((30, 20, 15)) + 2 * disks((30, 60, 12))
    holed = classes.copy()
    holed[0, 30, 18:22] = 0
    holed[0, 28:32, 60] = 0
    np.testing.assert_array_equal(make(holed, fill_holes=10), classes)


def test_a_bay_at_the_border_of_the_image_is_no_hole():
    mask = np.ones((1, 20, 20), np.uint8)
    mask[0, 8:12, :3] = 0
    np.testing.assert_array_equal(make(mask, fill_holes=100), mask)


def test_a_hole_that_opens_into_another_slice_is_none_where_slices_are_followed():
    mask = np.repeat(disks((30, 40, 20)), 3, axis=0)
    mask[1:, 30, 40] = 0
    np.testing.assert_array_equal(make(mask, fill_holes=9, follow_slices=True), mask)
    assert make(mask, fill_holes=9).sum() == mask.sum() + 2


@settings(max_examples=40, deadline=None)
@given(classes=CLASSES, ndim=st.sampled_from([2, 3]), size=st.integers(1, 9))
def test_cleaning_twice_is_cleaning_once(classes, ndim, size):
    once = make(classes, ndim=ndim, min_size=size, fill_holes=size)
    assert once.dtype == np.uint8
    again = make(once, ndim=ndim, min_size=size)
    np.testing.assert_array_equal(once, again)


# ------------------------------------------------------------------------- objects


# Six holes in one slice: the line of a watershed cuts a corner off an object here.
CUT_OFF = np.ones((3, 12, 14), np.uint8)
CUT_OFF[1, [4, 6, 6, 7, 8, 9], [11, 6, 8, 9, 8, 1]] = 0


@settings(max_examples=40, deadline=None)
@given(classes=CLASSES, ndim=st.sampled_from([2, 3]), seed=st.integers(0, 9))
@example(classes=CUT_OFF, ndim=2, seed=None)
@pytest.mark.parametrize("core", [0.0, 0.8])
@pytest.mark.parametrize("objects", ["connected", "watershed"])
def test_every_pixel_of_a_class_is_in_one_connected_object_of_that_class(
    objects, core, classes, ndim, seed
):
    chance = likely(classes)
    if seed is not None:
        chance[1] *= np.random.default_rng(seed).uniform(0.6, 1, classes.shape)
        chance[0] = 1 - chance[1]
    predicted = make(classes, chance, ndim=ndim, objects=objects, core=core)
    lost = (predicted == 0) & (classes > 0)
    assert not (predicted > 0)[classes == 0].any()
    # In two dimensions, lines part what was split or grew.
    lines = ndim == 2 and (objects == "watershed" or core)
    assert lines or not lost.any()
    numbers = np.unique(predicted[predicted > 0])
    np.testing.assert_array_equal(numbers, np.arange(1, len(numbers) + 1))
    structure = ndimage.generate_binary_structure(3, 1)
    for number in numbers:
        where = predicted == number
        assert len(np.unique(classes[where])) == 1
        assert ndimage.label(where, structure)[1] == 1
        assert ndim == 3 or where.any(axis=(1, 2)).sum() == 1


def test_parts_of_a_slice_are_objects_of_the_mask_alone_too():
    mask = disks((30, 30, 16), (30, 59, 14))
    parts = split(mask, neck=0.6)
    assert parts.max() == 2
    structure = ndimage.generate_binary_structure(3, 1)
    _, count = ndimage.label(parts > 0, structure)
    assert count == 2
    lost = np.count_nonzero(mask) - np.count_nonzero(parts)
    assert 0 < lost < 15, "a line as long as the neck is wide"


def test_numbers_are_unique_in_the_stack_and_go_through_it_where_wanted():
    mask = np.repeat(disks((20, 20, 10), (40, 60, 12)), 4, axis=0)
    apart = make(mask, objects="connected")
    assert apart.max() == 8
    followed = make(mask, objects="connected", follow_slices=True)
    assert followed.max() == 2
    np.testing.assert_array_equal(followed, make(mask, objects="connected", ndim=3))
    assert apart.dtype == np.uint16


def test_more_objects_than_16_bits_hold_get_32():
    mask = np.zeros((2, 400, 400), np.uint8)
    mask[:, ::2, ::2] = 1
    predicted = make(mask, objects="connected")
    assert (predicted.dtype, predicted.max()) == (np.uint32, 80_000)


def test_objects_that_touch_at_a_narrow_place_are_split_there():
    mask = disks((30, 25, 18), (30, 60, 18))
    predicted = split(mask)
    assert predicted.max() == 2
    assert make(mask, objects="connected").max() == 1
    left, right = predicted[0, 30, 20], predicted[0, 30, 65]
    assert left != right
    # The neck is at the middle.
    assert (predicted[0, :, :41][mask[0, :, :41] > 0] == left).mean() > 0.97


def test_a_small_object_at_a_large_one_is_split_off_too():
    assert split(disks((30, 30, 25), (30, 63, 8))).max() == 2


def test_a_doubtful_membrane_splits_what_is_broad():
    mask = np.zeros((1, 60, 90), np.uint8)
    mask[0, 10:50, 10:80] = 1
    probabilities = likely(mask)
    probabilities[:, 0, :, 44:46] = [[[0.45]], [[0.55]]]
    assert split(mask).max() == 1
    assert split(mask, probabilities, neck=0.7).max() == 2


@pytest.mark.parametrize(("ndim", "line"), [(2, 60), (3, 0)])
def test_objects_are_found_in_their_cores_and_grow_to_the_mask(ndim, line):
    chance = np.full((2, 60, 90), 0.05, np.float32)
    chance[:, :, 5:85] = 0.6
    chance[:, 10:50, 10:40] = chance[:, 10:50, 50:80] = 0.95
    chance[:, 2:5, :3] = 0.6  # nothing sure is there
    probabilities = np.stack([1 - chance, chance])
    mask, options = classify(probabilities), {"objects": "connected", "ndim": ndim}
    found = make(mask, probabilities, core=0.7, **options)
    assert (found[:, 10:50, 10:40] == found[:, 20:21, 20:21]).all()
    assert len(np.unique(found[0])) == 1 + 3
    assert not found[mask == 0].any()
    assert np.count_nonzero((mask > 0) & (found == 0)) == 2 * line
    large = make(mask, probabilities, core=0.7, min_size=20, **options)
    assert len(np.unique(large[0])) == 1 + 2
    assert len(np.unique(make(mask, **options)[0])) == 1 + 2
    with pytest.raises(InputError, match="above a probability need"):
        make(mask, core=0.7, **options)


def test_one_round_object_with_a_rough_border_stays_whole():
    rng = np.random.default_rng(0)
    mask = disks((30, 45, 22))
    rough = np.array(mask)
    border = ndimage.binary_dilation(mask[0]) & ~ndimage.binary_erosion(mask[0])
    rough[0][border] = rng.random(border.sum()) > 0.5
    assert split(rough, min_size=20).max() == 1


def test_a_part_below_the_smallest_size_joins_what_it_was_split_from():
    mask = disks((30, 30, 25), (30, 61, 8))
    predicted = split(mask, min_size=300)
    np.testing.assert_array_equal(predicted, mask)
    alone = disks((30, 30, 25), (50, 80, 5))
    np.testing.assert_array_equal(split(alone, min_size=300), disks((30, 30, 25)))


def test_an_object_of_parts_that_are_all_small_is_not_lost():
    mask = disks((30, 25, 10), (30, 45, 10))
    assert split(mask).max() == 2
    predicted = split(mask, min_size=400)
    np.testing.assert_array_equal(predicted, mask)


def test_the_watershed_finds_the_cells_of_a_synthetic_stack():
    _, objects = em_stack((2, 128, 128), seed=1)
    mask = (objects > 0).astype(np.uint8)
    predicted = split(mask, min_size=30)
    cells = sum(len(np.unique(one)) - 1 for one in objects)
    assert predicted.max() == pytest.approx(cells, rel=0.25)


def test_a_slice_without_any_background_is_one_object():
    mask = np.ones((2, 20, 20), np.uint8)
    assert split(mask).max() == 2
    assert split(np.zeros_like(mask)).max() == 0


# ------------------------------------------------------------ borders and smoothing


def test_thin_borders_are_one_pixel_wide_and_the_objects_keep_their_places():
    mask = np.zeros((2, 40, 60), np.uint8)
    mask[:, 5:35, 5:25], mask[:, 5:35, 33:55] = 1, 1
    predicted = make(mask, objects="connected", thin_borders=4)
    for one in predicted[:, 20]:
        assert (one == 0).sum() == 60 - (55 + 4) + 1 + 1
    assert predicted.max() == 4
    # Class labels keep the border, so that the cells stay apart.
    classes = make(mask, thin_borders=4)
    np.testing.assert_array_equal(classes, predicted > 0)


def test_borders_between_touching_objects_are_cut():
    predicted = split(disks((30, 25, 18), (30, 60, 18)), thin_borders=1)
    row = predicted[0, 30, 30:55]
    assert (row == 0).sum() == 1


def test_growing_stops_at_the_given_distance():
    predicted = make(disks((30, 45, 10)), thin_borders=5)
    grown = disks((30, 45, 15))
    assert np.abs(predicted.astype(int) - grown).sum() < 40


def test_smoothing_across_slices_removes_what_is_in_one_slice_only():
    mask = np.repeat(disks((30, 45, 15)), 5, axis=0)
    steady = mask.copy()
    mask[2] = 0
    mask[4, :5, :5] = 1
    steady[4, :5, :5] = 1
    predicted = make(mask, likely(mask), smooth=1.0)
    np.testing.assert_array_equal(predicted[2], steady[2])
    assert not predicted[3, :5, :5].any()
    half = likely(mask).astype(np.float16)
    np.testing.assert_array_equal(make(mask, half, smooth=1.0), predicted)


def test_smoothing_keeps_the_threshold():
    mask = disks((30, 45, 15))
    config = PostprocessConfig(smooth=1.0)
    given = likely(mask, inside=0.4)
    for threshold, expected in ((0.3, mask), (None, 0 * mask), (0.02, mask | 1)):
        predicted = postprocess(mask, config, probabilities=given, threshold=threshold)
        np.testing.assert_array_equal(predicted, expected)


@pytest.mark.parametrize("options", [{"smooth": 1}, {"objects": "watershed"}])
def test_missing_probabilities_are_said(options):
    with pytest.raises(InputError, match="need the probabilities"):
        make(disks((20, 20, 10)), **options)


@settings(deadline=None)
@given(
    arrays(np.uint8, (5, 7, 6), elements=st.integers(0, 1)),
    st.integers(0, 9),
    st.integers(1, 6),
)
def test_slabs_number_objects_as_the_whole_does(mask, min_size, depth):
    expected = ndimage.label(mask)[0]
    sizes = np.bincount(expected.ravel())
    kept = sizes >= min_size
    kept[0] = False
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("napari_unet.predict.slab_objects._AT_ONCE", depth * 42)
        found = make(mask, ndim=3, objects="connected", core=0, min_size=min_size)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, (np.cumsum(kept) * kept)[expected])
