"""Scores of a volume are the same some slices at a time as of the whole."""

from __future__ import annotations

import json
from threading import Event

import numpy as np
import psutil
import pytest
import scipy

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data import slabs
from napari_unet.errors import InputError
from napari_unet.score import volume_scoring
from napari_unet.score.comparison import compare
from napari_unet.score.scoring import score
from napari_unet.score.volume_scoring import Question, score_volume_steps
from napari_unet.steps import result_of

SHAPE = (24, 48, 56)


@pytest.fixture(autouse=True)
def two_slices_at_a_time(monkeypatch):
    monkeypatch.setattr(volume_scoring, "_VOXELS", 2 * 48 * 56)
    monkeypatch.setattr(slabs, "_SLAB_BYTES", 5 * 48 * 56)


@pytest.fixture(scope="module")
def cells():
    """Numbered objects that go on through the slices."""
    rng = np.random.default_rng(0)
    seeds = rng.random((40, 3)) * SHAPE
    places = np.moveaxis(np.indices(SHAPE), 0, -1).reshape(-1, 3)
    nearest = scipy.spatial.KDTree(seeds).query(places)[1].reshape(SHAPE) + 1
    inner = scipy.ndimage.minimum_filter(nearest, 3) == nearest
    return np.where(inner, nearest, 0).astype(np.uint16)


def worse(labels, seed=1):
    """The labels with some objects missing, joined, or a pixel off."""
    moved = np.roll(labels, 1, axis=2)
    moved[moved % 7 == 3] = 0
    moved[moved % 7 == 5] = 4
    return moved


def same(prediction, truth, question=None):
    question = question or Question()
    steps = score_volume_steps(prediction, truth, question, Event())
    found = result_of(steps).to_dict()
    whole = compare(
        prediction,
        truth,
        question.kind,
        volume=question.volume,
        trained_on=question.trained_on,
        info_bar=question.info_bar,
        coverage=question.coverage,
    )
    expected = score(whole).to_dict()
    del found["notes"], expected["notes"]
    assert json.dumps(found) == json.dumps(expected)
    return found


def test_of_objects_that_go_on_through_the_slices(cells):
    found = same(worse(cells), cells, Question(trained_on=frozenset({3, 20})))
    assert found["overall"]["objects"] == "volume"
    assert found["overall"]["voi"] > 0
    assert found["overall"]["trained_on"] == [3, 20]


def test_of_slices_in_which_nothing_was_predicted(cells):
    prediction = worse(cells)
    prediction[6:13] = 0
    same(prediction, cells)


def test_of_masks(cells):
    mask, truth = (worse(cells) > 0) * np.uint8(255), (cells > 0).astype(np.uint8)
    assert same(mask, truth)["overall"]["objects"] == "slices"


def test_of_a_mask_of_another_value_than_1(cells):
    mask, truth = (worse(cells) > 0).astype(np.uint8), 2 * (cells > 0).astype(np.uint8)
    truth[:4] = 0
    found = same(mask, truth, Question(AnnotationKind.CLASSES))
    assert found["overall"]["iou"] > 0.5


def test_of_classes_of_which_one_lies_in_the_last_slices_alone(cells):
    truth = (cells > 0).astype(np.uint8)
    truth[20:][cells[20:] % 2 == 1] = 2
    prediction = np.roll(truth, 1, axis=1)
    found = same(prediction, truth, Question(AnnotationKind.CLASSES))
    assert len(found["overall"]["iou_per_class"]) == 3


def test_of_scribbles_of_which_the_first_slices_lack_the_last_class(cells):
    classes = (cells % 3).astype(np.uint8)
    few = np.random.default_rng(2).random(SHAPE) < 0.3
    few[:8] &= classes[:8] < 2
    scribbles = np.where(few, classes + 1, 0).astype(np.uint8)
    found = same(np.roll(classes, 1, 2), scribbles)
    assert len(found["overall"]["iou_per_class"]) == 3


def test_of_classes_that_have_no_0_in_the_first_slices_alone(cells):
    truth = (cells > 0).astype(np.uint8)
    prediction = truth + np.uint8(1)
    prediction[12:] = truth[12:]
    same(prediction, truth, Question(kind=AnnotationKind.CLASSES))


def test_of_a_prediction_that_counts_from_1(cells):
    truth = (cells > 0).astype(np.uint8)
    same((worse(cells) > 0).astype(np.uint8) + 1, truth)


def test_of_truth_in_some_slices_with_pixels_to_ignore_and_an_info_bar(cells):
    truth = (cells > 0).astype(np.uint8)
    truth[:5], truth[11:14] = 0, 0
    truth[:, :9, :9] = 255
    truth[:5], truth[11:14] = 0, 0
    question = Question(
        AnnotationKind.CLASSES, info_bar=6, coverage=Coverage(ignore=255)
    )
    found = same(worse(cells) > 0, truth, question)
    assert len(found["slices"]) == 16


CLASSES = AnnotationKind.CLASSES


@pytest.mark.parametrize("where", [slice(0, 2), slice(10, 14)], ids=["first", "later"])
@pytest.mark.parametrize("value", [255, -1])
@pytest.mark.parametrize("said", [True, False], ids=["said", "guessed"])
def test_of_slices_that_hold_the_ignored_value_alone(cells, where, value, said):
    truth = (cells > 0).astype(np.int16)
    truth[20:][cells[20:] % 2 == 1] = 2
    truth[where] = value
    coverage = Coverage(ignore=value) if said else None
    found = same(
        np.roll(truth, 1, 1).clip(0, 2), truth, Question(CLASSES, coverage=coverage)
    )
    assert len(found["slices"]) == len(truth) - (where.stop - where.start)


def test_of_pixels_to_ignore_how_many_there_are_in_all_is_told(cells):
    truth = (cells > 0).astype(np.uint8)
    truth[2:6] = 255
    question = Question(CLASSES, coverage=Coverage(ignore=255))
    mask = (cells > 0).astype(np.uint8)
    notes = result_of(score_volume_steps(mask, truth, question, Event())).notes
    assert notes == compare(mask, truth, CLASSES, coverage=question.coverage).notes


@pytest.mark.parametrize("kind", [None, CLASSES])
def test_what_lies_on_the_info_bar_counts_for_nothing(cells, kind):
    truth = (cells > 0).astype(np.uint8)
    truth[4:8], truth[:, -6:] = 0, 0
    prediction = np.roll(truth, 1, 2) * np.uint8(255)
    truth[4:8, -3:, 5:20] = 9
    prediction[12:, -3:, 5:20] = 77
    found = same(prediction, truth, Question(kind, info_bar=6))
    assert len(found["slices"]) == 20
    assert found["overall"]["iou_per_class"][2:] == []


def test_of_objects_of_which_the_first_slices_hold_one(cells):
    truth = cells.copy()
    truth[:4][truth[:4] != truth[2, 20, 20]] = 0
    assert truth[:2].any()
    same(worse(cells), truth)


def test_an_info_bar_that_leaves_nothing_is_told(cells):
    question = Question(info_bar=48)
    with pytest.raises(InputError, match="info bar of 48 rows does not fit"):
        result_of(score_volume_steps(cells, cells, question, Event()))


def test_of_empty_slices_that_are_complete(cells):
    truth = cells.copy()
    truth[4:9] = 0
    question = Question(AnnotationKind.OBJECTS, coverage=Coverage(complete="5:8"))
    assert len(same(worse(cells), truth, question)["slices"]) == 22


def test_how_many_slices_have_no_truth_is_told(cells):
    truth = cells.copy()
    truth[:7] = 0
    steps = score_volume_steps(worse(cells), truth, Question(), Event())
    assert (
        "7 slices without any label in the ground truth: " in result_of(steps).notes[-1]
    )


def test_objects_of_a_mask_in_the_volume_need_all_of_it(cells):
    mask = (cells > 0).astype(np.uint8)
    question = Question(AnnotationKind.CLASSES, volume=True)
    with pytest.raises(InputError, match=r"not numbered.*--planes, or choose --slices"):
        result_of(score_volume_steps(mask, mask, question, Event()))


def test_a_volume_without_truth_is_told(cells):
    with pytest.raises(InputError, match="no labels: there is nothing to score"):
        result_of(score_volume_steps(cells, 0 * cells, Question(), Event()))


def test_it_ends_where_it_is_stopped(cells):
    stop = Event()
    steps = score_volume_steps(cells, cells, Question(), stop)
    assert next(steps).done == 1
    stop.set()
    assert result_of(steps) is None


def test_memory_does_not_grow_with_the_volume(cells, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(volume_scoring, "_VOXELS", 2**20)
    zarr = pytest.importorskip("zarr")
    wide = np.tile(cells, (1, 8, 8))[:, :384, :384]
    process, peaks = psutil.Process(), []
    for times in (1, 8):
        store = zarr.storage.MemoryStore()
        array = zarr.create_array(
            store, shape=(24 * times, 384, 384), dtype=np.uint16, chunks=(24, 128, 128)
        )
        for first in range(0, 24 * times, 24):
            array[first : first + 24] = wide
        question, most = Question(AnnotationKind.OBJECTS, volume=True), 0
        base = process.memory_info().rss
        for step in score_volume_steps(array, array, question, Event()):
            most = max(most, process.memory_info().rss - base)
            if step.done > 30:
                break
        peaks.append(most)
    assert peaks[1] < peaks[0] + 60 * 2**20
