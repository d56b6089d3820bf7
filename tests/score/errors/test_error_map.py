"""Errors as pixels and as objects: what is told, where, and how large it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import IGNORE
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError
from napari_unet.score.comparison import Comparison, compare
from napari_unet.score.errors.error_kinds import (
    KIND_COLORS,
    KIND_NAMES,
    Error,
    ErrorKind,
)
from napari_unet.score.errors.error_map import (
    CONFUSED,
    MISSED,
    PIXEL_COLORS,
    PIXEL_NAMES,
    RIGHT,
    TOO_MUCH,
    leave_out,
    pixel_map,
)
from napari_unet.score.errors.errors_of_objects import find_errors

CLASSES, OBJECTS = AnnotationKind.CLASSES, AnnotationKind.OBJECTS
SHAPE = (2, 60, 90)


def cells(wall: int = 2) -> np.ndarray:
    """Three cells of 26 rows on slice 1, parted by walls, on a wide background."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[0, 20:40, 10:30] = 1
    for left, right in ((5, 30), (30 + wall, 55), (55 + wall, 80)):
        labels[1, 15:41, left:right] = 1
    return labels


def found(prediction: np.ndarray, truth: np.ndarray, **options: object) -> list[Error]:
    kind = options.pop("kind", CLASSES)
    errors = find_errors(compare(prediction, truth, kind, **options)).errors
    assert [error.number for error in errors] == list(range(1, len(errors) + 1))
    assert sorted(errors, key=lambda error: -error.pixels) == list(errors)
    return list(errors)


def numbers(labels: np.ndarray) -> np.ndarray:
    return compare(labels, labels, CLASSES).truth_objects


# ------------------------------------------------------------------------ pixels


def test_the_map_of_pixels_tells_what_is_right_too_much_and_missed() -> None:
    truth = np.array([[[1, 1, 0, 0]]], np.uint8)
    predicted = np.array([[[1, 0, 1, 0]]], np.uint8)
    made = pixel_map(compare(predicted, truth))
    assert made.dtype == np.uint8
    assert made.tolist() == [[[RIGHT, MISSED, TOO_MUCH, 0]]]
    assert set(PIXEL_NAMES) == set(PIXEL_COLORS) == {1, 2, 3, 4}


def test_the_map_of_pixels_is_empty_where_nothing_is_annotated() -> None:
    painted = np.array([[[1, 2, 0, 0, 2]]], np.uint8)
    predicted = np.array([[[1, 1, 1, 0, 0]]], np.uint8)
    made = pixel_map(compare(predicted, painted, AnnotationKind.SCRIBBLES))
    assert made.tolist() == [[[TOO_MUCH, RIGHT, 0, 0, MISSED]]]


def test_the_map_of_pixels_tells_classes_apart() -> None:
    truth = np.array([[[1, 2, 2, 0]]], np.uint8)
    predicted = np.array([[[2, 2, 0, 1]]], np.uint8)
    made = pixel_map(compare(predicted, truth, CLASSES))
    assert made.tolist() == [[[CONFUSED, RIGHT, MISSED, TOO_MUCH]]]


# ----------------------------------------------------------------------- objects


def test_a_perfect_prediction_has_no_errors() -> None:
    errors = find_errors(compare(cells(), cells(), CLASSES))
    assert errors.errors == ()
    assert not errors.objects.any()
    assert errors.objects.shape == SHAPE


@pytest.mark.parametrize("wall", [1, 2, 5])
def test_a_membrane_broken_in_one_row_is_a_merge_seen_at_the_break(wall: int) -> None:
    truth = cells(wall)
    predicted = truth.copy()
    predicted[1, 33, 30 : 30 + wall] = 1
    (error,) = found(predicted, truth)
    assert error.kind is ErrorKind.MERGE
    assert error.centre[:2] == (1, 33)
    assert 29 <= error.centre[2] <= 30 + wall
    # The middle cell is the smaller one.
    assert error.pixels == 26 * (25 - wall)
    smaller, larger = numbers(truth)[1, 20, [40, 20]]
    assert error.truth_ids == (smaller, larger)
    assert error.box == (slice(1, 2), slice(15, 41), slice(30 + wall, 55))


def test_a_break_is_found_where_the_border_is_off_as_well() -> None:
    truth = cells()
    predicted = np.zeros_like(truth)
    predicted[:, :, 2:] = truth[:, :, :-2]
    predicted[1, 33, 32:34] = 1
    (error,) = found(predicted, truth)
    assert error.kind is ErrorKind.MERGE
    assert abs(error.centre[1] - 33) <= 3
    assert 28 <= error.centre[2] <= 36


def test_three_cells_in_one_are_two_merges_at_two_places() -> None:
    truth = cells()
    predicted = truth.copy()
    predicted[1, 20, 5:80] = predicted[1, 35, 55:60] = 1
    first, second = found(predicted, truth)
    assert {first.kind, second.kind} == {ErrorKind.MERGE}
    places = {error.centre[2] // 10 for error in (first, second)}
    assert places == {3, 5}
    assert first.pixels + second.pixels == 2 * 26 * 23


def test_a_cell_that_is_cut_is_a_split_seen_at_the_cut() -> None:
    truth = cells()
    predicted = truth.copy()
    predicted[1, 15:41, 12] = 0
    (error,) = found(predicted, truth)
    assert error.kind is ErrorKind.SPLIT
    assert error.pixels == 26 * 7
    assert error.centre[0] == 1
    assert abs(error.centre[2] - 12) <= 1
    parts = numbers(predicted)[1, 20, [6, 20]]
    assert error.predicted_ids == tuple(parts)


def test_a_cell_that_is_not_found_is_a_miss() -> None:
    truth = cells()
    predicted = truth.copy()
    predicted[0] = 0
    (error,) = found(predicted, truth)
    assert (error.kind, error.pixels) == (ErrorKind.MISS, 400)
    assert error.centre[0] == 0
    assert error.predicted_ids == ()
    assert error.truth_ids == (numbers(truth)[0, 30, 20],)


def test_a_cell_on_true_background_is_an_invention() -> None:
    predicted = cells()
    predicted[0, 5:15, 60:72] = 1
    (error,) = found(predicted, cells())
    assert (error.kind, error.pixels) == (ErrorKind.INVENTION, 120)
    assert error.truth_ids == ()
    assert error.predicted_ids == (numbers(predicted)[0, 10, 65],)
    assert error.box == (slice(0, 1), slice(5, 15), slice(60, 72))


def test_pieces_of_cells_that_are_found_are_told_too() -> None:
    truth = cells()
    predicted = truth.copy()
    predicted[0, 26:34, 16:24] = 0
    predicted[1, 35:55, 60:75] = 1
    more, less = found(predicted, truth)
    assert more.kind is ErrorKind.EXTRA_PIECE
    # Rows 41 and 42 lie within the tolerance of the cell.
    assert more.pixels == 12 * 15
    assert (less.kind, less.pixels) == (ErrorKind.MISSING_PIECE, 64)
    assert less.predicted_ids == ()
    assert less.truth_ids == (numbers(truth)[0, 30, 20],)


def test_confused_classes_are_told_in_pieces() -> None:
    truth = cells()
    truth[1, :, 60:] *= 2
    predicted = truth.copy()
    predicted[1, 20:30, 65:75] = 1
    (error,) = found(predicted, truth)
    assert (error.kind, error.pixels) == (ErrorKind.WRONG_CLASS, 100)


@pytest.mark.parametrize("move", [1, 2])
@pytest.mark.parametrize("kind", [CLASSES, OBJECTS])
def test_borders_that_are_off_by_one_or_two_pixels_make_no_errors(
    move: int, kind: AnnotationKind
) -> None:
    truth = cells()
    if kind is OBJECTS:
        truth = np.where(truth, 3 + numbers(truth), 0)
    away = np.zeros_like(truth)
    away[:, move:, move:] = truth[:, :-move, :-move]
    assert found(away, truth, kind=kind) == []


def test_wide_membranes_beside_cells_that_touch_make_no_errors() -> None:
    truth = np.zeros((1, 40, 90), np.int32)
    truth[0] = 1 + np.arange(90) // 30
    predicted = np.ones(truth.shape, np.uint8)
    predicted[0, :, [28, 29, 30, 31, 58, 59, 60]] = 0
    assert found(predicted, truth, kind=OBJECTS) == []


def test_cells_that_touch_and_share_one_number_are_a_merge_at_their_border() -> None:
    truth = np.zeros((1, 40, 60), np.int32)
    truth[0] = np.where(np.arange(60) < 35, 7, 9)
    truth[0, :3, :3] = 4
    predicted = np.where(truth == 9, 7, truth)
    (error,) = found(predicted, truth, kind=OBJECTS)
    assert (error.kind, error.pixels) == (ErrorKind.MERGE, 40 * 25)
    assert error.truth_ids == (9, 7)
    assert error.predicted_ids == (7,)
    assert error.centre[2] in {34, 35}
    assert 18 <= error.centre[1] <= 21


def test_one_number_for_cells_that_do_not_touch_is_a_merge() -> None:
    truth = 3 * numbers(cells())
    predicted = np.where(truth == truth[1, 20, 70], truth[1, 20, 20], truth)
    (error,) = found(predicted, truth, kind=OBJECTS)
    assert error.kind is ErrorKind.MERGE
    assert error.centre == (1, 27, 68)


def test_a_cell_whose_pieces_do_not_touch_is_not_split_by_finding_them() -> None:
    truth = np.zeros((1, 40, 60), np.int32)
    truth[0, 5:20, 5:20] = truth[0, 5:20, 40:55] = 1
    truth[0, 25:38, 20:40] = 2
    assert found((truth > 0).astype(np.uint8), truth, kind=OBJECTS) == []


def test_objects_that_go_on_through_slices_are_compared_in_the_volume() -> None:
    truth = np.zeros((12, 30, 60), np.int32)
    truth[:, 5:25, 5:28], truth[:, 5:25, 30:55] = 5, 6
    predicted = (truth > 0).astype(np.uint8)
    predicted[7, 15, 28:30] = 1
    errors = find_errors(compare(predicted, truth, OBJECTS))
    (error,) = errors.errors
    assert (error.kind, error.slice) == (ErrorKind.MERGE, 7)
    assert error.centre[1] == 15
    assert error.pixels == np.count_nonzero(truth == 5)
    assert error.box[0] == slice(0, 12)
    np.testing.assert_array_equal(errors.objects == 1, truth == 5)


def test_errors_that_are_not_annotated_are_not_told() -> None:
    truth = cells()
    predicted = truth.copy()
    predicted[1, 33, 30:32] = 1
    predicted[0] = 0
    ignored = np.zeros(SHAPE, bool)
    ignored[0] = True
    ignored[1, 32:35, 29:33] = True
    whole = compare(predicted, truth, CLASSES)
    left = leave_out(whole, ignored)
    assert len(find_errors(whole).errors) == 2
    assert find_errors(left).errors == ()
    assert (left.truth[ignored] == IGNORE).all()
    assert left.slices == (1,)
    assert not pixel_map(left)[ignored].any()


def test_ignored_pixels_do_not_cut_a_cell_in_two() -> None:
    ignored = np.zeros(SHAPE, bool)
    ignored[0, :, 18:22] = True
    left = leave_out(compare(cells(), cells(), CLASSES), ignored)
    assert len(np.unique(left.truth_objects[0])) == 2
    assert find_errors(left).errors == ()


def test_pixels_of_another_image_cannot_be_left_out() -> None:
    whole = compare(cells(), cells(), CLASSES)
    with pytest.raises(InputError, match="2 x 60 x 90"):
        leave_out(whole, np.zeros((1, 2, 3), bool))
    with pytest.raises(InputError, match="score some of them again"):
        leave_out(whole, np.ones(SHAPE, bool))


def test_scribbles_of_one_cell_are_not_merged_by_it() -> None:
    painted = np.zeros((1, 40, 60), np.uint8)
    painted[0, 10:14, 5:25] = painted[0, 10:14, 30:50] = 2
    painted[0, 30:33, 5:50] = 1
    predicted = np.zeros((1, 40, 60), np.uint8)
    predicted[0, 5:20] = 1
    kind = AnnotationKind.SCRIBBLES
    assert found(predicted, painted, kind=kind) == []
    painted[0, 8:16, 27] = 1
    painted[0, 10:14, 25:30] = np.maximum(painted[0, 10:14, 25:30], 1)
    (error,) = found(predicted, painted, kind=kind)
    assert error.kind is ErrorKind.MERGE
    assert 25 <= error.centre[2] < 30


def test_a_part_is_substantial_from_a_tenth_of_the_core_on() -> None:
    predicted = cells()
    predicted[1, 15:41, 30:36] = 1
    predicted[1, 15:41, 36] = 0
    (error,) = found(predicted, cells())
    # Of the second cell four columns, of which two lie in the nineteen of its core.
    assert (error.kind, error.pixels) == (ErrorKind.MERGE, 26 * 4)
    predicted[1, 15:41, 35] = 0
    assert found(predicted, cells()) == []


def test_an_empty_and_a_full_prediction_are_told_whole() -> None:
    empty = found(np.zeros(SHAPE, np.uint8), cells())
    assert [error.kind for error in empty] == [ErrorKind.MISS] * 4
    full = found(np.ones(SHAPE, np.uint8), cells())
    kinds = [error.kind for error in full]
    assert kinds.count(ErrorKind.MERGE) == 2
    assert kinds.count(ErrorKind.EXTRA_PIECE) == 2


def test_large_numbers_and_pictures_smaller_than_the_tolerance_are_read() -> None:
    truth = numbers(cells()).astype(np.int64) * 10**8
    predicted = np.where(truth == 10**8, 0, truth).astype(np.uint64)
    (error,) = found(predicted, truth, kind=OBJECTS)
    assert error.truth_ids == (10**8,)
    assert found(np.ones((1, 2, 2), np.uint8), np.ones((1, 2, 2), np.uint8)) == []


def test_errors_can_be_written_as_json() -> None:
    predicted = cells()
    predicted[0] = 0
    (row,) = find_errors(compare(predicted, cells(), CLASSES)).rows()
    assert json.loads(json.dumps(row)) == {
        "number": 1,
        "kind": "miss",
        "slice": 0,
        "y": 29,
        "x": 19,
        "pixels": 400,
        "true_ids": [1],
        "predicted_ids": [],
    }


def test_every_kind_has_a_name_and_a_colour_of_its_own() -> None:
    assert set(KIND_NAMES) == set(KIND_COLORS) == set(ErrorKind)
    assert len(set(KIND_COLORS.values())) == len(ErrorKind)


def test_a_comparison_made_by_hand_will_do() -> None:
    truth = cells()
    predicted = np.zeros_like(truth)
    assert find_errors(Comparison(predicted, truth)).errors


@pytest.mark.real_data
def test_damage_to_real_neurons_is_found_among_borders_that_are_off(
    real_data: Path,
) -> None:
    truth = read_stack(real_data / "medulla-bodies.tif").data[:40].astype(np.int32)
    predicted = np.pad(truth, ((0, 0), (1, 0), (1, 0)), mode="edge")[:, :-1, :-1]
    sizes = np.bincount(truth.ravel())
    large = np.argsort(sizes)[::-1][1:12:3]
    merged, split, missed = (int(one) for one in large[:3])
    beside = predicted[:, 1:][
        (predicted[:, :-1] == merged) & (predicted[:, 1:] != merged)
    ]
    neighbour = int(np.bincount(beside, weights=sizes[beside]).argmax())
    predicted[predicted == neighbour] = merged
    right = predicted[:, :, int(np.median(np.nonzero(predicted == split)[2])) :]
    right[right == split] = 9999
    predicted[predicted == missed] = 0
    errors = find_errors(compare(predicted, truth, OBJECTS)).errors
    kinds = {error.kind: error for error in reversed(errors)}
    assert set(kinds[ErrorKind.MERGE].truth_ids) == {merged, neighbour}
    assert kinds[ErrorKind.SPLIT].truth_ids == (split,)
    assert kinds[ErrorKind.MISS].truth_ids == (missed,)
    others = [error for error in errors if error not in kinds.values()]
    assert all(error.pixels < kinds[ErrorKind.MISS].pixels for error in others)
