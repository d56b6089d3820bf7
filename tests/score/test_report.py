"""Reports score slice by slice, count nothing twice and make nothing up."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tifffile

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import IGNORE
from napari_unet.errors import InputError, OutputError
from napari_unet.score.report import COLUMNS, score_labels, score_stack


def truth(shape=(3, 8, 8)):
    """A square of 16 pixels on every slice."""
    labels = np.zeros(shape, np.uint8)
    labels[:, 2:6, 2:6] = 1
    return labels


def test_overall_counts_pixels_of_all_slices_together():
    stack = np.zeros((2, 10, 10), np.uint8)
    stack[0], stack[1, 0, 0] = 1, 1
    prediction = stack.copy()
    prediction[1, 0, :2] = 0, 1
    scores = score_stack(prediction, stack)
    assert [row.overlap.iou for row in scores.slices] == [1, 0]
    # Not the mean of 1 and 0: the large slice counts more.
    assert scores.overall.iou == pytest.approx(100 / 102)
    assert scores.values()["iou"] == scores.overall.iou


def test_slices_are_called_by_their_number_in_the_stack():
    scores = score_stack(truth(), truth(), first_slice=24)
    assert [row.slice for row in scores.slices] == [24, 25, 26]


def test_slices_without_truth_are_left_out():
    stack = truth()
    stack[1] = IGNORE
    scores = score_stack(truth(), stack)
    assert [row.slice for row in scores.slices] == [0, 2]
    assert scores.overall.pixels == 128


def test_ignored_pixels_are_never_counted():
    stack = truth()
    stack[:, 4:] = IGNORE
    prediction = truth()
    prediction[:, 4:] = 1 - prediction[:, 4:]
    assert score_stack(prediction, stack).overall.iou == 1


def test_an_empty_slice_has_no_score_and_is_not_perfect():
    stack = truth()
    stack[1] = 0
    prediction = stack.copy()
    prediction[0] = 0
    told = score_stack(prediction, stack).to_dict()
    assert [row["iou"] for row in told["slices"]] == [0, None, 1]
    assert told["slices"][1]["accuracy"] == 1
    assert told["overall"]["iou"] == 0.5


def test_false_cells_on_an_empty_slice_count_against_the_prediction():
    stack = truth()
    stack[1] = 0
    scores = score_stack(truth(), stack)
    assert scores.slices[1].overlap.iou == 0
    assert scores.overall.iou == pytest.approx(2 / 3)


def test_a_class_that_only_the_prediction_holds_is_counted():
    prediction = truth()
    prediction[0, 0, 0] = 2
    told = score_stack(prediction, truth()).to_dict()["overall"]
    assert told["iou_per_class"][2] == 0
    assert told["iou"] == pytest.approx(0.5)


def test_a_stack_without_truth_is_refused():
    with pytest.raises(InputError, match="No slice has ground truth"):
        score_stack(truth(), np.full_like(truth(), IGNORE))


@pytest.mark.parametrize("shape", [(2, 8, 8), (3, 8, 7), (8, 8), (1, 3, 8, 8)])
def test_another_shape_is_said(shape):
    with pytest.raises(InputError, match=f"{shape[0]} x .* the ground truth is 3 x 8"):
        score_stack(np.zeros(shape, np.uint8), truth())


def test_single_images_ask_for_slices():
    with pytest.raises(InputError, match="2 dimensions"):
        score_stack(truth()[0], truth()[0])


# ---------------------------------------------------------------------------- files


def test_json_holds_no_nan_and_reads_back(tmp_path):
    stack = truth()
    stack[1] = 0
    scores = score_stack(stack, stack)
    scores.save(tmp_path / "new" / "scores.json")

    def refuse(constant):
        raise AssertionError(constant)

    text = (tmp_path / "new" / "scores.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=refuse) == scores.to_dict()


def test_csv_has_a_line_for_each_slice_and_one_for_all(tmp_path):
    stack = truth()
    stack[1] = 0
    scores = score_stack(stack, stack, first_slice=5)
    scores.save(tmp_path / "scores.CSV")
    with (tmp_path / "scores.CSV").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["slice"] for row in rows] == ["5", "6", "7", "all"]
    assert set(rows[0]) == {"slice", *COLUMNS}
    assert [row["iou"] for row in rows] == ["1.000000", "", "1.000000", "1.000000"]


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        score_stack(truth(), truth()).save(tmp_path)


# ----------------------------------------------------------------- labels as stored


@pytest.mark.parametrize("high", [1, 255])
@pytest.mark.parametrize("true_high", [1, 255, 65535])
def test_masks_of_0_1_and_0_255_mean_the_same(high, true_high):
    scores, notes = score_labels(high * truth(), true_high * truth().astype(np.uint16))
    assert scores.overall.iou == 1
    assert ("above 0 is read as foreground" in " ".join(notes)) == (high == 255)


def test_a_truth_of_three_classes_takes_the_prediction_at_its_word():
    classes = np.zeros((1, 6, 9), np.uint8)
    classes[0, :, :4], classes[0, :, 4:8] = 1, 2
    prediction = np.where(classes == 2, np.uint8(1), classes)
    told = score_labels(prediction, classes, AnnotationKind.CLASSES)[0].overall
    np.testing.assert_allclose(told.iou_per_class, [1, 0.5, 0])


def test_numbered_objects_are_scored_as_foreground():
    objects = np.zeros((1, 30, 30), np.int32)
    for n in range(9):
        y, x = divmod(n, 3)
        objects[0, 10 * y : 10 * y + 6, 10 * x : 10 * x + 6] = 1000 * n + 1
    scores, _ = score_labels(objects, objects, AnnotationKind.OBJECTS)
    assert scores.overall.iou == 1


def test_unlabelled_pixels_of_scribbles_do_not_count():
    scribbles = np.zeros((1, 8, 8), np.uint8)
    scribbles[0, 0], scribbles[0, 4] = 1, 2
    prediction = np.ones_like(scribbles)
    prediction[0, 0] = 0
    scores, _ = score_labels(prediction, scribbles, AnnotationKind.SCRIBBLES)
    assert scores.overall.iou == 1
    assert scores.overall.pixels == 16


def test_only_the_slices_that_are_asked_for_are_scored():
    prediction = truth()
    prediction[0] = 0
    scores, _ = score_labels(prediction, truth(), slices=[1, 2], first_slice=5)
    assert [row.slice for row in scores.slices] == [6, 7]
    assert scores.overall.iou == 1


def test_a_guess_is_told():
    assert "ground truth is classes" in score_labels(truth(), truth())[1][0]


def test_a_probability_map_is_no_prediction():
    with pytest.raises(InputError, match="probability map"):
        score_labels(0.9 * truth(), truth())


def test_empty_ground_truth_is_refused():
    with pytest.raises(InputError, match="no labels"):
        score_labels(truth(), np.zeros_like(truth()))


@pytest.mark.real_data
def test_real_labels_score_1_against_themselves_in_any_writing(real_data):
    labels = tifffile.imread(real_data / "isbi2012-train-labels.tif", key=range(24, 26))
    scores, _ = score_labels(labels // 255, labels, first_slice=24)
    assert scores.overall.iou == 1
    shifted, _ = score_labels(np.roll(labels, 1, axis=2), labels)
    assert 0.8 < shifted.overall.iou < 0.99
