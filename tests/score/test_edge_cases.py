"""No measure divides by zero: extreme predictions have the figures that are documented.

Every measure is asked for the same masks; what comes out is finite wherever there is
something to compare, and NaN only where the documentation says so.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_unet.data.annotation import IGNORE, connected_objects
from napari_unet.score.borders.surface import surface_distances
from napari_unet.score.borders.warping import warping_error
from napari_unet.score.measures import MEASURES
from napari_unet.score.measures import OBJECTS as PARTITION
from napari_unet.score.objects.instances import SCORES as INSTANCES
from napari_unet.score.objects.instances import Instances
from napari_unet.score.objects.partition import partition, score_slices
from napari_unet.score.pixels.overlap import overlap
from napari_unet.score.pixels.soft import soft_dice, soft_iou, thresholded_iou

OVERLAP = ("iou", "dice", "precision", "recall")
SHARES = ("accuracy", "pixel_error", "specificity")
SURFACE = ("surface_distance", "surface_distance_95")
FOUND = tuple(f"instance_{name}" for name in INSTANCES[3:])
SOFT = ("soft_iou", "soft_dice", "thresholded_iou")
ERRORS = ("pixel_error", "rand_error", "adapted_rand_error", "voi", "voi_split")
ERRORS += ("voi_merge", "warping_error", *SURFACE)


def cells():
    """Four cells of 8 x 8 in each of two slices of 30 x 30."""
    truth = np.zeros((2, 30, 30), np.uint8)
    for y in (4, 16):
        for x in (4, 16):
            truth[:, y : y + 8, x : x + 8] = 1
    return truth


def mean(values):
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


def score(prediction, truth):
    """Return every measure of a mask, by name; the challenge's with thinned borders."""
    known = truth != IGNORE
    predicted_mask, truth_mask = prediction != 0, (truth != 0) & known
    counts = overlap(prediction, truth, 2)
    objects = connected_objects(predicted_mask), connected_objects(truth_mask)
    hidden = partition(*objects, ~known)
    found = Instances.of(partition(*objects, known), hidden).at(0.5)
    distances = surface_distances(predicted_mask, truth_mask, known)
    chances = predicted_mask.astype(np.float32)
    thinned = score_slices(predicted_mask, truth_mask, known).values()
    return {
        **{name: getattr(counts, name) for name in (*OVERLAP, *SHARES)},
        **score_slices(predicted_mask, truth_mask, known, thin=False).values(),
        **{name: thinned[name] for name in PARTITION if name.startswith("v_")},
        **{f"instance_{name}": getattr(found, name) for name in INSTANCES[3:]},
        "warping_error": mean(warping_error(predicted_mask, truth_mask, known)),
        "surface_distance": mean(distances.mean),
        "surface_distance_95": mean(distances.percentile_95),
        "soft_iou": soft_iou(chances, truth),
        "soft_dice": soft_dice(chances, truth),
        "thresholded_iou": thresholded_iou(chances, truth),
    }


def best(name):
    return 0 if name in ERRORS else 1


def undefined(scores):
    return {name for name, value in scores.items() if math.isnan(value)}


def test_every_measure_that_users_see_is_tried_here():
    scores = score(cells(), cells())
    assert set(MEASURES) <= set(scores)
    assert {name for name, one in MEASURES.items() if one.best == 0} <= set(ERRORS)


def test_a_perfect_prediction_has_the_best_figures():
    for name, value in score(cells(), cells()).items():
        assert value == pytest.approx(best(name)), name


def test_an_empty_prediction_has_figures_but_no_outline():
    scores = score(np.zeros_like(cells()), cells())
    assert undefined(scores) == set(SURFACE)
    for name in (*OVERLAP, *FOUND):
        assert scores[name] == 0
    share = cells().mean()
    assert scores["accuracy"] == pytest.approx(1 - share)
    assert scores["specificity"] == 1
    # Each pixel of the four cells is alone.
    assert scores["v_rand_split"] == pytest.approx(1 / 64)
    assert scores["v_rand_merge"] == pytest.approx(1)
    assert scores["warping_error"] == pytest.approx(4 / 900)


def test_a_prediction_of_foreground_everywhere_has_figures_but_no_outline():
    scores = score(np.ones_like(cells()), cells())
    assert undefined(scores) == set(SURFACE)
    share = cells().mean()
    assert scores["iou"] == scores["precision"] == scores["accuracy"]
    assert scores["iou"] == pytest.approx(share)
    assert scores["recall"] == 1
    assert scores["specificity"] == 0
    assert scores["v_rand_split"] == 1
    assert scores["v_rand_merge"] == pytest.approx(1 / 4)
    assert scores["voi_merge"] == pytest.approx(2)
    assert all(scores[name] == 0 for name in FOUND)
    assert 0 < scores["warping_error"] < 1 - share


def test_a_shifted_prediction_lies_between():
    scores = score(np.roll(cells(), 2, axis=2), cells())
    assert not undefined(scores)
    assert scores["iou"] == pytest.approx(6 / 10)
    assert scores["precision"] == scores["recall"] == pytest.approx(6 / 8)
    assert scores["warping_error"] == 0
    assert 0 < scores["surface_distance"] < scores["surface_distance_95"] == 2
    assert scores["instance_f1"] == 1
    assert scores["instance_segmentation_quality"] == pytest.approx(6 / 10)
    assert 0.7 < scores["v_rand"] <= 1


def test_an_empty_truth_in_which_nothing_was_found_is_no_success():
    nothing = np.zeros_like(cells())
    scores = score(nothing, nothing)
    assert [scores[name] for name in SHARES] == [1, 0, 1]
    assert [scores[name] for name in ("rand_error", "warping_error")] == [0, 0]
    assert [scores[name] for name in SOFT] == [1, 1, 1]
    predicted = {*SHARES, *SOFT, "rand_error", "warping_error"}
    assert undefined(scores) == set(scores) - predicted


def test_what_is_found_in_an_empty_truth_is_wrong():
    scores = score(cells(), np.zeros_like(cells()))
    assert all(scores[name] == 0 for name in (*OVERLAP, *FOUND))
    share = cells().mean()
    assert scores["specificity"] == scores["accuracy"] == pytest.approx(1 - share)
    assert scores["warping_error"] == pytest.approx(share)
    assert undefined(scores) == {*PARTITION, *SURFACE} - {"rand_error"}


def test_an_empty_slice_changes_no_figure_of_objects_and_outlines():
    longer = np.concatenate([cells(), np.zeros_like(cells())])
    predicted, alone = score(longer, longer), score(cells(), cells())
    assert predicted == pytest.approx(alone)


@pytest.mark.parametrize("junk", [0, 1])
def test_a_slice_without_any_truth_changes_no_figure(junk):
    truth = np.concatenate([cells(), np.full((1, 30, 30), IGNORE, np.uint8)])
    shifted = np.roll(cells(), 2, axis=2)
    prediction = np.concatenate([shifted, np.full((1, 30, 30), junk, np.uint8)])
    assert score(prediction, truth) == pytest.approx(score(shifted, cells()))


def test_without_truth_there_is_no_figure():
    scores = score(cells(), np.full_like(cells(), IGNORE))
    assert undefined(scores) == set(scores)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 5), (1, 2, 2)])
@pytest.mark.parametrize("prediction", [0, 1])
@pytest.mark.parametrize("truth", [0, 1, IGNORE])
def test_the_smallest_images_divide_nothing_by_zero(shape, prediction, truth):
    predicted, flat = (np.full(shape, n, np.uint8) for n in (prediction, truth))
    for name, value in score(predicted, flat).items():
        assert math.isnan(value) or 0 <= value <= 1, name
