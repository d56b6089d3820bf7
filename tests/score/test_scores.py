"""Reports score slice by slice, count nothing twice and make nothing up."""

from __future__ import annotations

import csv
import json
import math
from threading import Event

import numpy as np
import pytest
import tifffile

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import IGNORE
from napari_unet.errors import InputError, OutputError
from napari_unet.score import scoring
from napari_unet.score.comparison import compare
from napari_unet.score.measures import MEASURES
from napari_unet.score.scores import COLUMNS, Scores
from napari_unet.score.scoring import (
    add_borders,
    score,
    score_labels,
    score_objects,
    score_slice,
    score_stack,
    score_steps,
)
from napari_unet.steps import result_of


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


def test_slices_can_be_called_by_numbers_with_gaps():
    stack = truth()
    stack[1] = IGNORE
    scores = score_stack(truth(), stack).numbered(range(20, 26, 2))
    assert [row["slice"] for row in scores.to_dict()["slices"]] == [20, 24]
    assert scores.overall.iou == 1


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
    result = score_stack(prediction, stack).to_dict()
    assert [row["iou"] for row in result["slices"]] == [0, None, 1]
    assert result["slices"][1]["accuracy"] == 1
    assert result["overall"]["iou"] == 0.5


def test_false_cells_on_an_empty_slice_count_against_the_prediction():
    stack = truth()
    stack[1] = 0
    scores = score_stack(truth(), stack)
    assert scores.slices[1].overlap.iou == 0
    assert scores.overall.iou == pytest.approx(2 / 3)


def test_a_class_that_only_the_prediction_holds_is_counted():
    prediction = truth()
    prediction[0, 0, 0] = 2
    result = score_stack(prediction, truth()).to_dict()["overall"]
    assert result["iou_per_class"][2] == 0
    assert result["iou"] == pytest.approx(0.5)


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
    assert set(rows[0]) == {"slice", *COLUMNS, "trained_on"}
    assert [row["iou"] for row in rows] == ["1.000000", "", "1.000000", "1.000000"]


def test_the_format_can_be_told_apart_from_the_name(tmp_path):
    scores = score_stack(truth(), truth())
    scores.save(tmp_path / "table.txt", as_csv=True)
    scores.save(tmp_path / "scores.csv", as_csv=False)
    table = (tmp_path / "table.txt").read_text(encoding="utf-8")
    assert table == scores.to_csv()
    result = json.loads((tmp_path / "scores.csv").read_text(encoding="utf-8"))
    assert result == scores.to_dict()


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        score_stack(truth(), truth()).save(tmp_path)


def test_a_merge_across_one_pixel_is_seen_by_rand_and_hardly_by_iou():
    stack = np.ones((1, 100, 100), np.uint8)
    stack[:, 49:51] = 0
    prediction = stack.copy()
    prediction[:, 49:51, 50] = 1
    before = score_stack(stack, stack).values()
    after = score_stack(prediction, stack).values()
    assert before["v_rand"] == before["iou"] == 1
    assert after["iou"] > 0.999
    assert after["v_rand"] < 0.7
    assert after["v_rand_split"] == pytest.approx(1, abs=1e-3)
    assert after["v_rand_merge"] == pytest.approx(0.5, abs=1e-2)
    assert 0 < after["warping_error"] <= 2 / 10_000


def test_figures_of_extreme_predictions_are_right_and_finite():
    stack = np.zeros((2, 40, 40), np.uint8)
    stack[:, 2:18, 2:38] = stack[:, 22:38, 2:38] = 1
    perfect = score_stack(stack, stack).values()
    for name, value in perfect.items():
        assert value == MEASURES[name].best, name
    for prediction in (0 * stack, 0 * stack + 1, np.roll(stack, 3, axis=2)):
        result = score_stack(prediction, stack, num_classes=2)
        values = result.values()
        missing = {name for name, value in values.items() if math.isnan(value)}
        # An outline that is not there is at no distance.
        outlines = {"surface_distance", "surface_distance_95"}
        extreme = len(np.unique(prediction)) == 1
        assert missing == (outlines if extreme else set())
        assert all(
            np.isfinite(result.intervals[name]).all() for name in result.intervals
        )
        json.dumps(result.to_dict(), allow_nan=False)


def test_objects_that_go_on_are_scored_in_the_volume():
    objects = np.zeros((4, 20, 20), np.uint16)
    objects[:, :10], objects[:, 11:] = 3, 900
    swapped = objects.copy()
    swapped[2:] = np.where(objects[2:] == 3, 900, np.where(objects[2:] == 900, 3, 0))
    swapped[0, 0, :2] = 7
    result = score_labels(swapped, objects, AnnotationKind.OBJECTS)
    assert result.volume
    # Each slice is nearly right by itself; the volume is not.
    assert all(row.values()["v_rand"] > 0.9 for row in result.slices)
    assert result.values()["v_rand"] < 0.7
    assert result.to_dict()["overall"]["objects"] == "volume"
    low, high = result.intervals["v_rand"]
    assert low <= result.values()["v_rand"] <= high or high < 1


def test_numbers_that_start_anew_in_each_slice_are_objects_of_the_slice():
    rng = np.random.default_rng(0)
    objects = rng.permuted(np.arange(1, 41).repeat(10).reshape(1, 20, 20), axis=2)
    stack = np.concatenate([rng.permutation(objects.ravel()).reshape(1, 20, 20)] * 1)
    other = rng.permutation(stack.ravel()).reshape(1, 20, 20)
    both = np.concatenate([stack, other]).astype(np.uint16)
    assert not score_labels(both, both, AnnotationKind.OBJECTS).volume


def test_slices_that_were_trained_on_are_marked():
    comparison = compare(truth(), truth(), first_slice=5, trained_on=frozenset([1]))
    scores = score(comparison)
    assert scores.trained_on == (6,)
    assert [row["trained_on"] for row in scores.to_dict()["slices"]] == [
        False,
        True,
        False,
    ]
    assert scores.to_csv().splitlines()[2].endswith(",yes")
    assert scores.to_csv().splitlines()[-1].endswith(",1 of 3")


def test_slices_are_not_marked_where_it_is_not_known_which_were_trained_on():
    scores = score(compare(truth(), truth(), trained_on=None))
    assert scores.trained_on is None
    result = scores.to_dict()
    assert result["overall"]["trained_on"] is None
    assert {row["trained_on"] for row in result["slices"]} == {None}
    assert all(line.endswith(",") for line in scores.to_csv().splitlines()[1:])


def test_scoring_tells_how_far_it_is_and_can_be_stopped():
    comparison, stop = compare(truth(), truth()), Event()
    shown = []
    assert score(comparison, lambda *step: shown.append(step)).values()["iou"] == 1
    assert shown == [(1, 3), (2, 3), (3, 3)]
    steps = score_steps(comparison, stop)
    next(steps)
    stop.set()
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value is None


def test_scores_without_borders_come_first_and_all_are_those_of_each_slice(monkeypatch):
    rng = np.random.default_rng(0)
    stack = (rng.random((5, 41, 51)) > 0.3).astype(np.uint8)
    comparison, stop = compare(np.roll(stack, 1, axis=2), stack), Event()
    monkeypatch.setattr(scoring, "_NUMBERS_AFTER", 0)
    shown = []
    first = result_of(score_objects(comparison, stop), shown.append)
    so_far = [step for step in shown if isinstance(step, Scores)]
    assert [len(one.slices) for one in so_far] == [1, 2, 4]
    assert so_far[-1].slices[0].values()["iou"] == first.slices[0].values()["iou"]
    whole = result_of(add_borders(comparison, first, stop))
    plain = [score_slice(comparison, z).values() for z in range(5)]
    assert [row.values() for row in whole.slices] == plain
    assert math.isnan(first.values()["warping_error"])
    for name in ("iou", "v_rand", "v_info", "voi"):
        assert first.values()[name] == whole.values()[name]
    every = result_of(score_steps(comparison, stop))
    assert [row.values() for row in every.slices] == plain
    stop.set()
    assert result_of(add_borders(comparison, first, stop)) is None


def test_thinning_is_undone_by_request():
    stack = np.ones((1, 60, 60), np.uint8)
    stack[:, 29:31] = 0
    wide = stack.copy()
    wide[:, 24:36] = 0
    result = score_stack(wide, stack).to_dict()["overall"]
    assert result["v_rand"] > 0.99
    assert result["without_thinning"]["v_rand"] < 0.95


# ----------------------------------------------------------------- labels as stored


@pytest.mark.parametrize("high", [1, 255])
@pytest.mark.parametrize("true_high", [1, 255, 65535])
def test_masks_of_0_1_and_0_255_mean_the_same(high, true_high):
    scores = score_labels(high * truth(), true_high * truth().astype(np.uint16))
    notes = scores.notes
    assert scores.overall.iou == 1
    assert ("above 0 is read as foreground" in " ".join(notes)) == (high == 255)


def test_a_truth_of_three_classes_takes_the_prediction_at_its_word():
    classes = np.zeros((1, 6, 9), np.uint8)
    classes[0, :, :4], classes[0, :, 4:8] = 1, 2
    prediction = np.where(classes == 2, np.uint8(1), classes)
    result = score_labels(prediction, classes, AnnotationKind.CLASSES).overall
    np.testing.assert_allclose(result.iou_per_class, [1, 0.5, 0])


def test_numbered_objects_are_scored_as_foreground():
    objects = np.zeros((1, 30, 30), np.int32)
    for n in range(9):
        y, x = divmod(n, 3)
        objects[0, 10 * y : 10 * y + 6, 10 * x : 10 * x + 6] = 1000 * n + 1
    scores = score_labels(objects, objects, AnnotationKind.OBJECTS)
    assert scores.overall.iou == 1


def test_unlabelled_pixels_of_scribbles_do_not_count():
    scribbles = np.zeros((1, 8, 8), np.uint8)
    scribbles[0, 0], scribbles[0, 4] = 1, 2
    prediction = np.ones_like(scribbles)
    prediction[0, 0] = 0
    scores = score_labels(prediction, scribbles, AnnotationKind.SCRIBBLES)
    assert scores.overall.iou == 1
    assert scores.overall.pixels == 16


def test_only_the_slices_that_are_asked_for_are_scored():
    prediction = truth()
    prediction[0] = 0
    scores = score_labels(prediction, truth(), slices=[1, 2], first_slice=5)
    assert [row.slice for row in scores.slices] == [6, 7]
    assert scores.overall.iou == 1


def test_a_guess_is_told():
    assert "ground truth is classes" in score_labels(truth(), truth()).notes[0]


def test_a_probability_map_is_no_prediction():
    with pytest.raises(InputError, match="probability map"):
        score_labels(0.9 * truth(), truth())


def test_empty_ground_truth_is_refused():
    with pytest.raises(InputError, match="no labels"):
        score_labels(truth(), np.zeros_like(truth()))


@pytest.mark.real_data
def test_real_labels_score_1_against_themselves_in_any_writing(real_data):
    labels = tifffile.imread(real_data / "isbi2012-train-labels.tif", key=range(24, 26))
    scores = score_labels(labels // 255, labels, first_slice=24)
    assert scores.overall.iou == 1
    shifted = score_labels(np.roll(labels, 1, axis=2), labels)
    assert 0.8 < shifted.overall.iou < 0.99
