"""Predictions and truths are read for what they are, however they are stored."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.errors import InputError
from napari_unet.score.comparison import compare
from napari_unet.score.scoring import score, score_labels


def numbered(gap=2):
    """32 cells on two slices, each with its number; a gap of 0 lets them touch."""
    objects = np.zeros((2, 48, 48), np.uint16)
    for number in range(16):
        y, x = 12 * (number // 4), 12 * (number % 4)
        part = (slice(y, y + 12 - gap), slice(x, x + 12 - gap))
        objects[0][part], objects[1][part] = number + 1, number + 17
    return objects


def of_objects(scores):
    values = scores.values()
    return values["v_rand"], scores.instances.values()["0.50"]["f1"]


@pytest.mark.parametrize("high", [1, 255, 65535])
def test_a_mask_of_any_height_is_compared_by_its_pieces(high):
    truth = numbered()
    mask = (truth > 0).astype(np.uint16) * np.uint16(high)
    scores = score_labels(mask, truth, AnnotationKind.OBJECTS)
    assert of_objects(scores) == (1, 1)


def test_classes_are_no_numbers_of_objects():
    truth = numbered()
    classes = np.where(truth > 0, truth % 2 + 1, 0).astype(np.uint8)
    scores = score_labels(classes, truth, AnnotationKind.OBJECTS)
    assert of_objects(scores) == (1, 1)
    assert "what touches is one object" in " ".join(scores.notes)


def test_numbers_keep_touching_cells_apart_where_the_truth_is_a_mask():
    cells = numbered(gap=1)
    touching = numbered(gap=0)
    scores = score_labels(touching, cells > 0, AnnotationKind.CLASSES)
    assert scores.values()["v_rand"] > 0.95
    assert "an object of foreground" in " ".join(scores.notes)
    as_mask = score_labels(touching > 0, cells > 0, AnnotationKind.CLASSES)
    assert as_mask.values()["v_rand"] < 0.3


def test_two_numbered_cells_are_numbers_too():
    truth = numbered(gap=1)[:1, :12, :24]
    predicted = numbered(gap=0)[:1, :12, :24]
    assert (
        compare(predicted, truth > 0, AnnotationKind.CLASSES).predicted_ids is not None
    )


@pytest.mark.parametrize("offset", [2**31, 2**32, 2**40])
def test_numbers_of_any_size_are_told_apart(offset):
    truth = numbered(gap=0).astype(np.uint64)
    truth[truth > 0] += np.uint64(offset)
    truth[0, 0, 0] = 1
    scores = score_labels(truth, truth, AnnotationKind.OBJECTS)
    assert scores.values()["v_rand"] == 1
    assert scores.values()["voi"] == 0


def test_a_perfect_prediction_of_few_sparse_objects_is_perfect():
    truth = np.zeros((1, 60, 60), np.uint8)
    for number, y in enumerate((5, 25, 45), start=1):
        truth[0, y : y + 10, 10:30] = number
    for prediction in (truth, (truth > 0).astype(np.uint8), 255 * (truth > 0)):
        scores = score_labels(prediction, truth)
        assert scores.values()["iou"] == 1
        assert of_objects(scores) == (1, 1)


def test_dense_classes_of_the_truth_stay_classes():
    noise = ndimage.gaussian_filter(np.random.default_rng(0).random((1, 64, 64)), 2)
    ranks = np.argsort(np.argsort(noise.ravel())).reshape(noise.shape)
    truth = (3 * ranks // ranks.size).astype(np.uint8)
    comparison = compare((truth > 0).astype(np.uint8), truth)
    assert comparison.num_classes == 3
    assert score(comparison).overall.iou_per_class[2] == 0


def two_organs(share):
    """One slice with organs 1 and 2, each of one piece, on a `share` of it."""
    truth = np.zeros((1, 100, 100), np.uint8)
    height = round(100 * share)
    truth[0, :height, :45], truth[0, :height, 50:] = 1, 2
    return truth


@pytest.mark.parametrize("share", [0.25, 0.8])
def test_two_values_scored_against_themselves_are_perfect(share):
    truth = two_organs(share)
    comparison = compare(truth, truth)
    assert "scribbles" not in comparison.notes[0]
    assert score(comparison).values()["iou"] == 1
    assert comparison.annotated.all()


def test_organs_that_change_places_are_wrong():
    truth = two_organs(0.8)
    scores = score_labels(np.array([0, 2, 1], np.uint8)[truth], truth)
    assert scores.values()["iou"] == 0
    assert scores.notes[0].startswith("ground truth is classes")


def test_organs_are_classes_where_the_model_tells_as_many():
    truth = two_organs(0.25)
    changed = np.array([0, 2, 1], np.uint8)[truth]
    assert score(compare(changed, truth)).values()["iou"] == 1
    assert score(compare(changed, truth, num_classes=3)).values()["iou"] == 0
    nothing = np.where(truth == 2, 0, truth)
    alone = compare(nothing, truth, num_classes=3)
    assert score(alone).values()["iou"] == 0.5


def test_numbers_beyond_the_classes_of_the_model_are_objects():
    cells = numbered()
    comparison = compare(cells, cells > 0, num_classes=3)
    assert comparison.num_classes == 2
    assert of_objects(score(comparison)) == (1, 1)


def test_organs_of_many_pieces_are_classes_however_sparse():
    truth = np.zeros((1, 80, 80), np.uint8)
    truth[0, ::8, ::8], truth[0, 4::8, 4::8] = 1, 2
    comparison = compare(np.array([0, 2, 1], np.uint8)[truth], truth)
    assert comparison.notes[0].startswith("ground truth is classes")
    assert score(comparison).values()["iou"] == 0


def test_dense_values_are_objects_where_more_objects_than_these_are_predicted():
    truth = two_organs(0.8)
    predicted = truth.copy()
    predicted[0, :30, :45] = 3
    comparison = compare(predicted, truth)
    assert comparison.notes[0].startswith("ground truth is objects")
    assert comparison.truth_ids is not None


def test_scribbles_stay_scribbles_beside_a_mask_and_beside_many_objects():
    truth = np.zeros((1, 48, 48), np.uint8)
    truth[0, 2:44:8, 2:9], truth[0, 2:44:8, 30:40] = 1, 2
    for prediction in (np.where(truth == 2, 255, 0), numbered()[:1]):
        comparison = compare(prediction, truth)
        assert comparison.notes[0].startswith("ground truth is scribbles")
        assert not comparison.annotated.all()


def test_the_reason_for_objects_tells_a_mask_from_numbers():
    truth = two_organs(0.25)
    truth[0, 60:70, 10:20] = 3
    as_mask = compare((truth > 0).astype(np.uint8), truth).notes[0]
    assert as_mask.endswith("of one piece, and the prediction is a mask")
    assert compare(truth, truth).notes[0].endswith("and so it is in the prediction")


def test_more_classes_than_the_truth_has_are_told():
    truth = two_organs(0.8)
    many = np.where(
        truth > 0, numbered(gap=0)[0].repeat(3, 0).repeat(3, 1)[:100, :100], 0
    )
    notes = compare(many, truth, AnnotationKind.CLASSES).notes
    assert "are read as classes, of which 2 are known" in notes[-1]
    assert "known" not in " ".join(compare(truth, truth).notes)


def test_objects_against_classes_are_refused_in_a_sentence():
    truth = np.zeros((1, 32, 32), np.uint8)
    truth[0, :, 8:16], truth[0, :, 16:] = 1, 2
    predicted = np.arange(1024, dtype=np.uint32).reshape(1, 32, 32) * 40
    with pytest.raises(InputError, match=r"holds objects \(up to 40,920\)"):
        compare(predicted, truth, AnnotationKind.CLASSES)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0, 0.5])
def test_values_that_are_no_labels_are_refused_in_a_sentence(bad):
    truth = np.ones((1, 8, 8), np.uint8)
    predicted = truth.astype(float)
    predicted[0, 0, 0] = bad
    with pytest.raises(InputError, match="The prediction holds"):
        compare(predicted, truth)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -2.0, 0.5])
def test_a_truth_that_is_no_labels_is_refused_in_a_sentence(bad):
    predicted = np.ones((1, 8, 8), np.uint8)
    truth = predicted.astype(float)
    truth[0, 0, 0] = bad
    with pytest.raises(InputError, match="The ground truth holds"):
        compare(predicted, truth)


def test_labels_that_are_stored_as_floats_are_read():
    truth = numbered()
    scores = score_labels(truth.astype(np.float32), truth, AnnotationKind.OBJECTS)
    assert of_objects(scores) == (1, 1)


@pytest.mark.parametrize("share", [0.25, 0.8])
def test_a_truth_that_is_stored_as_floats_reads_as_whole_numbers_do(share):
    truth = two_organs(share)
    truth[0, 90:, :10] = 3
    mask = (truth > 0).astype(np.uint8)
    found, expected = compare(mask, truth.astype(np.float32)), compare(mask, truth)
    assert found.notes == expected.notes
    np.testing.assert_array_equal(found.truth, expected.truth)


# ------------------------------------------------------- what of the truth is scored


@pytest.mark.parametrize("ignore", [255, -1])
def test_what_the_truth_ignores_is_not_scored(ignore):
    truth = (numbered() > 0).astype(np.int16)
    predicted = truth.astype(np.uint8)
    truth[:, :20, :20] = ignore
    predicted[:, :20, :20] = 0
    scores = score_labels(predicted, truth)
    assert (scores.values()["iou"], scores.values()["pixel_error"]) == (1, 0)
    assert of_objects(scores) == (1, 1)
    assert f"{ignore} is ignored: 800 pixels" in " ".join(scores.notes)


def test_numbered_cells_keep_apart_where_some_are_ignored():
    truth = numbered(gap=0).astype(np.int32)
    predicted = truth.astype(np.uint16)
    truth[:, 40:] = -1
    assert of_objects(score_labels(predicted, truth)) == (1, 1)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("cells", [2, 16])
def test_a_segmentation_without_0_begins_with_the_background(cells, dtype):
    """As ilastik's does, of few large cells as well as of many."""
    truth = numbered(gap=3) > 0
    if cells == 2:
        truth[:, 14:] = truth[:, :, 26:] = False
    predicted = (truth + 1).astype(dtype)
    for kind in (None, AnnotationKind.CLASSES):
        scores = score_labels(predicted, truth, kind)
        assert scores.values()["iou"] == 1
        assert "1 is read as background" in " ".join(scores.notes)
    assert score_labels(truth.astype(np.uint8), predicted).values()["iou"] == 1


def test_false_cells_on_an_empty_slice_count_where_it_is_complete():
    truth = numbered() > 0
    predicted = truth.copy()
    truth[1] = False
    assert score_labels(predicted, truth).values()["iou"] == 1
    complete = Coverage(complete="1")
    scores = score_labels(predicted, truth, coverage=complete)
    assert [row.slice for row in scores.slices] == [0, 1]
    assert scores.slices[1].values()["iou"] == 0
    assert scores.values()["iou"] == pytest.approx(0.5)
    assert scores.instances.values()["0.50"]["precision"] == pytest.approx(0.5)
    assert score_labels(truth, truth, coverage=complete).values()["iou"] == 1


def test_an_image_that_holds_nothing_can_be_scored():
    empty, predicted = np.zeros((2, 16, 16), np.uint8), np.zeros((2, 16, 16), np.uint8)
    predicted[0, 2:6, 2:6] = 1
    complete = Coverage(complete="all")
    scores = score_labels(predicted, empty, coverage=complete)
    assert scores.values()["iou"] == 0
    assert scores.values()["pixel_error"] == 16 / 512
    with pytest.raises(InputError, match="nothing to score"):
        score_labels(predicted, empty)


def test_objects_that_are_numbered_slice_by_slice_are_compared_so() -> None:
    truth = np.zeros((3, 40, 40), np.uint8)
    truth[:, 3:18, 3:18], truth[:, 3:18, 20:37], truth[:, 20:37, 3:37] = 1, 2, 3
    many = np.zeros_like(truth)
    for number in range(4, 16):
        many[:, 2 * number : 2 * number + 1, 38:40] = number
    truth = np.maximum(truth, many)
    anew = np.where(truth, truth + 40 * np.arange(3)[:, None, None], 0)
    objects = AnnotationKind.OBJECTS
    assert compare(truth, truth, objects).volume
    found = compare(anew, truth, objects)
    assert not found.volume
    assert any("slice by slice" in note for note in found.notes)
    assert score(found).values()["v_rand"] == pytest.approx(1)
    assert compare(anew, truth, objects, volume=True).volume
    # What is not numbered has pieces that go through the slices.
    assert compare((truth > 0).astype(np.uint8), truth, objects).volume
