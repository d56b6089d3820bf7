"""Corrections change what they should, and nothing else."""

import numpy as np
import pytest

from napari_unet.errors import InputError
from napari_unet.proofread.correction import ObjectBoxes
from napari_unet.proofread.parting import split_by_line, split_by_seeds
from napari_unet.proofread.repair import (
    delete,
    fill_holes,
    grow,
    interpolate,
    keep_largest,
    merge,
    renumber,
    smooth,
    take,
    take_whole,
)


def dumbbell(ndim):
    """Two cells that ran together, 3, beside another, 8."""
    labels = np.zeros((7, 40, 60)[-ndim:], np.uint8)
    labels[..., 10:25, 5:25] = 3
    labels[..., 10:25, 28:50] = 3
    labels[..., 16:19, 25:28] = 3
    labels[..., 30:38, 5:50] = 8
    return labels


def apply(labels, correction):
    changed = labels.astype(np.result_type(labels, correction.values))
    changed[correction.box] = correction.values
    return changed


@pytest.fixture(params=[2, 3])
def labels(request):
    return dumbbell(request.param)


def test_what_was_split_along_a_line_can_be_merged_again(labels):
    at = [[15, 26], [20, 26]] if labels.ndim == 2 else [[3, 15, 26], [3, 20, 26]]
    parted = apply(labels, split_by_line(ObjectBoxes(labels), 3, at))
    left, right = parted[..., 10:25, 5:25], parted[..., 10:25, 28:50]
    assert (left == 9).all()
    assert (right == 3).all()  # the larger part keeps its number
    assert np.array_equal(parted > 0, labels > 0)
    again = apply(parted, merge(ObjectBoxes(parted), [3, 9]))
    assert np.array_equal(again, labels)


def test_what_a_line_does_not_cross_goes_with_what_it_is_joined_to():
    labels = np.zeros((4, 20, 60), np.uint8)
    labels[:3, 5:15, 5:25] = labels[:3, 5:15, 35:55] = labels[3, 5:15, 5:55] = 1
    parted = apply(
        labels, split_by_line(ObjectBoxes(labels), 1, [[0, 2, 9], [0, 18, 9]])
    )
    assert np.unique(parted).tolist() == [0, 1, 2]
    assert (parted[:3, 5:15, 35:55] == 1).all()


def test_seeds_part_an_object_where_it_is_narrow(labels):
    seeds = [[17, 12], [17, 40]]
    if labels.ndim == 3:
        seeds = [[2, *seeds[0]], [4, *seeds[1]]]
    parted = apply(labels, split_by_seeds(ObjectBoxes(labels), 3, seeds))
    assert (parted[..., 10:25, 5:25] == 9).all()
    assert (parted[..., 10:25, 28:50] == 3).all()
    assert np.array_equal(parted == 8, labels == 8)


@pytest.mark.parametrize("ndim", [2, 3])
def test_seeds_may_lie_near_the_outline_of_their_parts(ndim):
    rows, columns = np.ogrid[:60, :100]
    left = (rows - 30) ** 2 + (columns - 30) ** 2 < 25**2
    right = (rows - 30) ** 2 + (columns - 72) ** 2 < 20**2
    labels = (left | right).astype(np.uint8).reshape((1, 60, 100)[-ndim:])
    seeds = [[30, 8], [30, 58]] if ndim == 2 else [[0, 30, 8], [0, 30, 58]]
    parted = apply(labels, split_by_seeds(ObjectBoxes(labels), 1, seeds))
    assert (parted[..., :53] != 2).all()
    assert (parted[..., 54:] != 1).all()


def test_seeds_with_nothing_narrow_between_part_an_object_halfway():
    labels = np.zeros((30, 50), np.uint8)
    labels[5:25, 5:45] = 1
    rows, columns = np.ogrid[:30, :50]
    labels[(rows - 14.5) ** 2 + (columns - 24.5) ** 2 > 10**2] = 0
    parted = apply(labels, split_by_seeds(ObjectBoxes(labels), 1, [[14, 17], [14, 32]]))
    counts = np.bincount(parted.ravel())[1:]
    assert abs(counts[0] - counts[1]) < 0.1 * counts.sum()


def test_seeds_part_an_object_where_the_probability_is_low():
    labels = np.ones((20, 40), np.uint8)
    likely = np.ones(labels.shape, np.float32)
    likely[:, 13] = 0.2
    seeds = [[10, 3], [10, 35]]
    parted = apply(labels, split_by_seeds(ObjectBoxes(labels), 1, seeds, None, likely))
    assert (parted[:, :13] == 2).all()
    assert (parted[:, 14:] == 1).all()


def test_merging_fills_the_line_between():
    labels = np.zeros((20, 21), np.uint8)
    labels[2:18, 2:10], labels[2:18, 11:19] = 1, 2
    together = apply(labels, merge(ObjectBoxes(labels), [2, 1]))
    assert (together[2:18, 2:19] == 2).all()
    assert np.count_nonzero(together) == 16 * 17


def test_what_is_deleted_is_background_and_the_rest_stays(labels):
    gone = apply(labels, delete(ObjectBoxes(labels), 3))
    assert np.array_equal(gone, np.where(labels == 3, 0, labels))


def test_holes_are_filled_but_not_where_other_objects_lie():
    labels = np.zeros((30, 30), np.uint8)
    labels[3:27, 3:27] = 5
    labels[8:12, 8:12], labels[18:22, 18:22] = 0, 6
    filled = apply(labels, fill_holes(ObjectBoxes(labels), 5))
    assert (filled[8:12, 8:12] == 5).all()
    assert (filled[18:22, 18:22] == 6).all()


@pytest.mark.parametrize("depth", [1, 5])
def test_an_object_of_a_single_slice_is_mended_in_its_plane(depth):
    labels = np.zeros((depth, 30, 30), np.uint8)
    labels[depth // 2, 3:27, 3:27] = 5
    labels[depth // 2, 8:12, 8:12] = 0
    filled = apply(labels, fill_holes(ObjectBoxes(labels), 5))
    assert (filled[depth // 2, 3:27, 3:27] == 5).all()
    grown = apply(filled, grow(ObjectBoxes(filled), 5))
    assert np.count_nonzero(grown) == 24 * 24 + 4 * 24
    even = apply(filled, smooth(ObjectBoxes(filled), 5))
    assert (even[depth // 2, 5:25, 5:25] == 5).all()
    assert np.count_nonzero(even) == np.count_nonzero(even[depth // 2])


def test_smoothing_takes_bumps_and_leaves_the_rest(labels):
    rough = labels.copy()
    rough[..., 8:10, 12] = 3
    even = apply(rough, smooth(ObjectBoxes(rough), 3, radius=2))
    assert not even[..., 8, 12].any()
    assert (even[..., 13:22, 8:22] == 3).all()
    assert np.array_equal(even == 8, labels == 8)
    tiny = np.zeros((9, 9), np.uint8)
    tiny[4, 4] = 1
    with pytest.raises(InputError, match="smaller than the bumps"):
        smooth(ObjectBoxes(tiny), 1)


def test_the_plane_of_a_single_slice_is_smoothed_whatever_its_thickness():
    labels = np.zeros((1, 40, 40), np.uint8)
    labels[0, 10:30, 10:30] = 1
    thin = smooth(ObjectBoxes(labels), 1, spacing=(1, 4, 4))
    np.testing.assert_array_equal(thin.values, smooth(ObjectBoxes(labels), 1).values)


def test_growing_stops_at_other_objects():
    labels = np.zeros((9, 20), np.uint8)
    labels[3:6, 3:6], labels[3:6, 8:12] = 1, 2
    wide = apply(labels, grow(ObjectBoxes(labels), 1, 4))
    assert np.array_equal(wide == 2, labels == 2)
    assert (wide[4, 0:8] == 1).all()
    once = apply(labels, grow(ObjectBoxes(labels), 1))
    assert np.count_nonzero(once == 1) == 9 + 12


def test_only_the_largest_piece_is_kept(labels):
    crumbs = labels.copy()
    crumbs[..., 0, 0] = crumbs[..., 39, 59] = 3
    assert np.array_equal(apply(crumbs, keep_largest(ObjectBoxes(crumbs), 3)), labels)


def test_slices_between_two_drawn_ones_are_drawn():
    labels = np.zeros((9, 40, 40), np.uint8)
    labels[1, 10:30, 10:30] = 4
    labels[7, 15:25, 15:25] = 4
    labels[4, 18:20, 18:20] = 7
    full = apply(labels, interpolate(ObjectBoxes(labels), 4))
    areas = (full == 4).sum(axis=(1, 2))
    assert (np.diff(areas[[1, 2, 3, 5, 6, 7]]) < 0).all()
    middle = np.argwhere(full[4] > 0)
    assert (middle.min(axis=0) == 12).all() or (middle.min(axis=0) == 13).all()
    assert (full[4, 18:20, 18:20] == 7).all()
    assert areas[0] == areas[8] == 0
    with pytest.raises(InputError, match="No slice lies between"):
        interpolate(ObjectBoxes(full), 4)


def test_numbers_are_counted_up_anew():
    labels = np.array([[0, 5, 5, 0, 900, 2]], np.uint16)
    change = renumber(ObjectBoxes(labels))
    assert apply(labels, change).tolist() == [[0, 2, 2, 0, 3, 1]]
    assert change.words == "3 objects numbered anew"


@pytest.mark.parametrize("highest", [900, 2**30])
def test_values_that_are_no_objects_keep_theirs_where_numbers_are_new(highest):
    labels = np.array([[-3, 5], [highest, -3], [5, 2]], np.int32)
    change = renumber(ObjectBoxes(labels))
    assert change.values.tolist() == [[-3, 2], [3, -3], [2, 1]]
    assert change.values.dtype == labels.dtype


def test_boxes_stay_true_when_labels_change(labels):
    boxes = ObjectBoxes(labels)
    change = merge(boxes, [3, 8])
    labels[change.box] = change.values
    boxes.include(change.box)
    inner = np.argwhere(labels == 3)
    assert [part.start for part in boxes.find(3)] == inner.min(axis=0).tolist()
    assert [part.stop - 1 for part in boxes.find(3)] == inner.max(axis=0).tolist()
    with pytest.raises(InputError, match="no object 8"):
        boxes.find(8)


def test_numbers_too_large_to_list_are_found():
    labels = np.zeros((5, 6), np.int64)
    labels[2:4, 3:5] = 2**40
    assert ObjectBoxes(labels).find(2**40) == (slice(2, 4), slice(3, 5))


def test_a_type_that_is_full_becomes_larger():
    labels = np.full((10, 40), 255, np.uint8)
    parted = split_by_seeds(ObjectBoxes(labels), 255, [[5, 3], [5, 35]])
    assert parted.values.max() == 256


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda boxes: split_by_line(boxes, 3, [[0, 0], [0, 5]]), "all the way"),
        (lambda boxes: split_by_seeds(boxes, 3, [[17, 12], [0, 0]]), "1 of the seeds"),
        (lambda boxes: merge(boxes, [3, 3]), "cannot be merged"),
        (lambda boxes: delete(boxes, 4), "no object 4"),
        (lambda boxes: delete(boxes, 0), "background here"),
    ],
)
def test_what_cannot_be_done_is_said(wrong, words):
    labels = dumbbell(2)
    before = labels.copy()
    with pytest.raises(InputError, match=words):
        wrong(ObjectBoxes(labels))
    assert np.array_equal(labels, before)


def test_what_was_missed_is_taken_from_the_probability_near_the_place(labels):
    probable = np.zeros(labels.shape, np.float32)
    probable[..., 2:8, 10:20] = 0.7
    probable[..., 2:8, 40:50] = 0.9
    probable[..., 10:25, 5:25] = 1  # is an object already
    around = tuple(slice(0, length) for length in labels.shape)
    place = [*(3,)[: labels.ndim - 2], 9, 21]  # beside it
    boxes = ObjectBoxes(labels)
    taken = apply(labels, take(boxes, place, around, probable))
    assert (taken[..., 2:8, 10:20] == 9).all()
    assert np.array_equal(taken == 9, (probable == np.float32(0.7)))
    with pytest.raises(InputError, match=r"0\.95: the most is 0\.90"):
        take(boxes, place, around, probable, 0.95)


def test_an_object_is_taken_as_a_whole_however_large_it_is(monkeypatch):
    probable = np.zeros((1, 70, 90), np.float32)
    probable[0, 5:65, 30:60] = 0.9
    boxes = ObjectBoxes(np.zeros(probable.shape, np.uint8))
    near = (slice(0, 1), slice(20, 40), slice(35, 45))
    where = (0, 30, 40), near, probable.__getitem__
    taken = apply(boxes.labels, take_whole(boxes, *where))
    assert np.array_equal(taken > 0, probable > 0)
    monkeypatch.setattr("napari_unet.proofread.repair._LOOKED_AT", 1)
    assert "cut off" in take_whole(boxes, *where).words


def test_an_object_of_a_number_that_is_too_large_widens_the_labels():
    labels = np.full((1, 8, 8), 255, np.uint8)
    labels[0, :4] = 0
    whole = (slice(0, 1), slice(0, 8), slice(0, 8))
    change = take(ObjectBoxes(labels), (0, 1, 1), whole, np.ones(labels.shape))
    assert change.values.max() == 256


@pytest.mark.parametrize("number", [2**32 - 1, 2**63 + 5])
def test_the_largest_numbers_can_be_split(number):
    dtype = np.uint32 if number < 2**32 else np.uint64
    labels = dumbbell(2).astype(dtype)
    labels[labels == 3] = number
    parted = split_by_seeds(ObjectBoxes(labels), number, [[17, 12], [17, 40]])
    assert set(np.unique(parted.values).tolist()) == {0, number, number + 1}


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_where_no_number_is_left_to_split_with_it_is_said(dtype):
    labels = dumbbell(2).astype(dtype)
    labels[0, 0] = np.iinfo(dtype).max
    with pytest.raises(InputError, match="number the objects anew"):
        split_by_seeds(ObjectBoxes(labels), 3, [[17, 12], [17, 40]])
