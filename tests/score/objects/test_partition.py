"""Scores of partitions are the challenge's and scikit-image's, whatever is compared."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations, product

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage
from skimage.metrics import adapted_rand_error, variation_of_information

from napari_unet.errors import InputError
from napari_unet.score import measures
from napari_unet.score.objects.partition import partition, score_slices

OBJECTS = arrays.arrays(np.int32, (4, 5), elements=st.integers(0, 3))
CROSS = ndimage.generate_binary_structure(2, 1)


def with_singles(prediction):
    """Number every pixel of background as an object of its own."""
    out = prediction.astype(np.int64)
    out[prediction == 0] = 1000 + np.arange((prediction == 0).sum())
    return out


def chance_together(first, second):
    """Chance that two pixels, drawn with replacement, are together in both."""
    pairs = list(product(range(len(first)), repeat=2))
    both = [first[a] == first[b] and second[a] == second[b] for a, b in pairs]
    return sum(both) / len(pairs)


def bits(values):
    """Entropy of a list of values."""
    shares = [values.count(value) / len(values) for value in set(values)]
    return sum(-share * math.log2(share) for share in shares)


@settings(max_examples=40, deadline=None)
@given(OBJECTS, OBJECTS.filter(np.any))
def test_v_rand_is_counted_over_all_pairs_of_pixels_in_true_objects(predicted, truth):
    scores = partition(predicted, truth)
    inside = truth > 0
    s, t = with_singles(predicted)[inside], truth[inside]
    both, in_told, in_true = (chance_together(*x) for x in ((s, t), (s, s), (t, t)))
    assert scores.v_rand_split == pytest.approx(both / in_true)
    assert scores.v_rand_merge == pytest.approx(both / in_told)
    assert scores.v_rand == pytest.approx(2 * both / (in_told + in_true))


@settings(max_examples=40, deadline=None)
@given(OBJECTS, OBJECTS.filter(np.any))
def test_v_info_is_the_mutual_information_inside_true_objects(predicted, truth):
    scores = partition(predicted, truth)
    inside = truth > 0
    s, t = with_singles(predicted)[inside].tolist(), truth[inside].tolist()
    mutual = bits(s) + bits(t) - bits(list(zip(s, t, strict=True)))
    for part, whole in ((scores.v_info_split, bits(s)), (scores.v_info_merge, bits(t))):
        assert part == pytest.approx(mutual / whole if whole else 1, abs=1e-9)
    both = bits(s) + bits(t)
    expected = 2 * mutual / both if both else 1
    assert scores.v_info == pytest.approx(expected, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(OBJECTS, OBJECTS)
def test_the_rand_error_is_counted_over_all_pairs_of_different_pixels(predicted, truth):
    s, t = predicted.ravel(), truth.ravel()
    pairs = list(combinations(range(s.size), 2))
    wrong = sum((s[a] == s[b]) != (t[a] == t[b]) for a, b in pairs)
    assert partition(predicted, truth).rand_error == pytest.approx(wrong / len(pairs))


@settings(max_examples=40, deadline=None)
@given(OBJECTS, OBJECTS.filter(np.any))
def test_variation_of_information_equals_scikit_image(predicted, truth):
    scores = partition(predicted, truth)
    split, merge = variation_of_information(truth, predicted, ignore_labels=(0,))
    assert scores.voi_split == pytest.approx(split, abs=1e-9)
    assert scores.voi_merge == pytest.approx(merge, abs=1e-9)
    assert scores.voi == pytest.approx(split + merge, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(OBJECTS, OBJECTS)
def test_the_adapted_rand_error_equals_scikit_image(predicted, truth):
    # Four pixels of one object: scikit-image divides by 0 where no pair is together.
    predicted[0, :4], truth[0, :4] = 1, 1
    expected, _, _ = adapted_rand_error(truth, predicted)
    assert partition(predicted, truth).adapted_rand_error == pytest.approx(expected)


def test_an_object_cut_in_two_is_a_split():
    truth = np.ones((2, 4), int)
    predicted = np.array([[1, 1, 2, 2], [1, 1, 2, 2]])
    scores = partition(predicted, truth)
    assert (scores.v_rand_split, scores.v_rand_merge) == (0.5, 1)
    assert scores.v_rand == pytest.approx(2 / 3)
    assert (scores.v_info_split, scores.v_info_merge) == (0, 1)
    assert (scores.voi_split, scores.voi_merge) == (1, 0)


def test_two_objects_joined_are_a_merge():
    truth = np.array([[1, 1, 2, 2], [1, 1, 2, 2]])
    scores = partition(np.ones((2, 4), int), truth)
    assert (scores.v_rand_split, scores.v_rand_merge) == (1, 0.5)
    assert (scores.v_info_split, scores.v_info_merge) == (1, 0)
    assert (scores.voi_split, scores.voi_merge) == (0, 1)


def test_predicted_background_inside_an_object_counts_as_single_pixels():
    truth = np.ones((1, 4), int)
    scores = partition(np.array([[0, 0, 1, 1]]), truth)
    # Two pixels of 1/4 and one object of 1/2: squares 1/16 + 1/16 + 1/4.
    assert scores.v_rand_split == 3 / 8
    assert scores.v_rand_merge == 1


def test_what_is_predicted_outside_true_objects_counts_in_the_rand_error_only():
    truth = np.array([[1, 1, 0, 2, 2]])
    tight, loose = np.array([[1, 1, 0, 2, 2]]), np.array([[1, 1, 1, 2, 2]])
    one, other = partition(tight, truth).values(), partition(loose, truth).values()
    assert one.pop("rand_error") == 0
    assert other.pop("rand_error") == pytest.approx(2 / 10)
    assert one == other


@settings(max_examples=40, deadline=None)
@given(OBJECTS.filter(np.any))
def test_the_truth_scores_1_against_itself_under_other_numbers(truth):
    scores = partition(np.array([0, 70, 5, 9])[truth], truth)
    for name in ("v_rand", "v_rand_split", "v_rand_merge"):
        assert getattr(scores, name) == 1
    for name in ("v_info", "v_info_split", "v_info_merge"):
        assert getattr(scores, name) == pytest.approx(1)
    assert scores.voi == pytest.approx(0, abs=1e-9)
    assert scores.rand_error == 0


@settings(max_examples=40, deadline=None)
@given(OBJECTS, OBJECTS, arrays.arrays(bool, (4, 5)))
def test_only_annotated_pixels_count(predicted, truth, annotated):
    scores = partition(predicted, truth, annotated).values()
    alone = partition(predicted[annotated], truth[annotated]).values()
    np.testing.assert_equal(scores, alone)


def test_without_true_objects_there_is_no_score():
    scores = partition(np.ones((3, 3), int), np.zeros((3, 3), int)).values()
    # One cluster on either side, whatever it is called.
    assert scores.pop("rand_error") == 0
    assert all(math.isnan(score) for score in scores.values())
    nothing = partition(np.zeros((0, 3), int), np.zeros((0, 3), int)).values()
    assert all(math.isnan(score) for score in nothing.values())


@settings(max_examples=40, deadline=None)
@given(OBJECTS, OBJECTS)
def test_a_volume_scores_like_all_its_pixels_at_once(predicted, truth):
    volume = partition(predicted.reshape(2, 2, 5), truth.reshape(2, 2, 5))
    np.testing.assert_equal(volume.values(), partition(predicted, truth).values())


def test_ids_may_be_as_large_as_their_type_holds():
    truth = np.array([1, 2, 2, 0], np.uint64)
    predicted = np.array([1, 1, 2, 2], np.int64)
    large = partition(
        predicted + 2**62, np.where(truth > 0, truth + np.uint64(2**63), 0)
    )
    assert large.values() == partition(predicted, truth).values()


@pytest.mark.parametrize("highest", [3, 500, 2**40])
@pytest.mark.parametrize("length", [1, 12])
def test_pairs_are_counted_once_whether_objects_are_few_or_many(highest, length):
    drawn = np.random.default_rng(0).integers(0, highest, (2, 30, 40), endpoint=True)
    predicted, truth = np.repeat(drawn, length, axis=2)
    scores = partition(predicted, truth)
    counted = Counter(zip(truth.ravel(), predicted.ravel(), strict=True))
    table = zip(scores.truth, scores.predicted, strict=True)
    found = list(zip(table, scores.pixels, strict=True))
    assert found == sorted(counted.items())


def test_the_last_id_of_a_byte_is_an_object_like_any_other():
    objects = np.repeat(np.array([[0, 1, 255]], np.uint8), 200, axis=1)
    scores = partition(objects, objects)
    assert scores.v_rand == 1
    np.testing.assert_array_equal(scores.truth, [0, 1, 255])


def test_masks_are_objects_of_one_id():
    mask = np.array([[True, False, True]])
    assert partition(mask, mask).v_rand == 1


@pytest.mark.parametrize(
    ("predicted", "truth", "words"),
    [
        (np.zeros((2, 3), int), np.zeros((3, 2), int), "2 x 3 and the ground truth"),
        (np.zeros((2, 2)), np.zeros((2, 2), int), "The prediction holds float64"),
        (np.zeros((2, 2), int), np.full((2, 2), -1), "ground truth holds -1"),
    ],
)
def test_what_cannot_be_compared_is_refused(predicted, truth, words):
    with pytest.raises(InputError, match=words):
        partition(predicted, truth)


def test_annotated_pixels_of_another_shape_are_refused():
    objects = np.zeros((2, 2), int)
    with pytest.raises(InputError, match="annotated pixels are 3 x 2"):
        partition(objects, objects, np.ones((3, 2), bool))


# --- masks, slice by slice


def cells():
    """Four cells of 20 x 20, parted by borders four pixels wide, in two slices."""
    mask = np.zeros((2, 48, 48), np.uint8)
    for y, x in product((2, 26), repeat=2):
        mask[:, y : y + 20, x : x + 20] = 1
    return mask


def test_the_score_of_a_stack_is_the_mean_of_its_slices():
    truth = cells()
    prediction = truth.copy()
    prediction[1, 2:22] = 1
    scores = score_slices(prediction, truth)
    assert scores.slices[0].v_rand == 1
    assert scores.slices[1].v_rand_split == 1
    assert scores.slices[1].v_rand_merge == pytest.approx(4 / 6)
    assert scores.v_rand == pytest.approx((1 + scores.slices[1].v_rand) / 2)
    assert scores.v_info == scores.values()["v_info"] == scores.mean("v_info")
    assert list(scores.values()) == list(measures.OBJECTS)


def test_a_slice_without_truth_is_left_out_of_the_mean():
    truth = cells()
    truth[1] = 0
    scores = score_slices(cells(), truth)
    assert len(scores.slices) == 2
    assert math.isnan(scores.slices[1].v_rand)
    assert scores.v_rand == 1


def test_slices_that_are_not_annotated_do_not_count():
    truth = cells()
    annotated = np.ones(truth.shape, bool)
    annotated[1] = False
    prediction = truth.copy()
    prediction[1] = 1
    assert score_slices(prediction, truth, annotated).v_rand == 1


def test_the_width_of_predicted_borders_counts_only_without_thinning():
    truth = cells()
    wide = np.stack([ndimage.binary_erosion(one, CROSS, 3) for one in truth])
    assert score_slices(wide, truth).v_rand == 1
    assert score_slices(wide, truth, thin=False).v_rand < 0.9


def test_a_break_of_one_pixel_that_joins_two_cells_is_seen():
    truth = cells()
    prediction = truth.copy()
    prediction[:, 10, 22:26] = 1
    iou = truth.sum() / prediction.sum()
    assert iou > 0.99
    assert score_slices(prediction, truth).v_rand < 0.9


def test_corners_that_touch_do_not_join_cells():
    truth = np.kron(np.eye(2, dtype=np.uint8), np.ones((4, 4), np.uint8))[None]
    joined = np.ones_like(truth)
    assert score_slices(truth, truth).v_rand == 1
    assert score_slices(joined, truth).mean("v_rand_merge") == 0.5


def test_masks_of_one_slice_without_an_axis_for_slices_are_refused():
    with pytest.raises(InputError, match="give slices, Y and X"):
        score_slices(cells()[0], cells()[0])


@pytest.mark.real_data
def test_on_real_membranes_rand_sees_topology_where_overlap_sees_width(real_data):
    truth = tifffile.imread(real_data / "isbi2012-train-labels.tif")[24:27] > 0
    eroded = np.stack([ndimage.binary_erosion(x, CROSS, border_value=1) for x in truth])
    assert score_slices(truth, truth).v_rand == 1
    assert eroded.sum() / truth.sum() < 0.94
    assert score_slices(eroded, truth).v_rand > 0.998
