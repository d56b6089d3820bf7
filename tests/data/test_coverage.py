"""Which pixels of labels say anything: values to ignore, and complete slices."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.annotation import (
    IGNORE,
    annotated_pixels,
    guess_kind,
    split_labels,
    to_target,
)
from napari_unet.data.stack import list_slices
from napari_unet.errors import InputError

SCRIBBLES, CLASSES, OBJECTS = AnnotationKind
ALL = Coverage(complete="all")


def painted(*values: int, dtype=np.int16, depth: int = 1) -> np.ndarray:
    """A square of each value in the first slice, on background."""
    labels = np.zeros((depth, 12, 12 * len(values)), dtype)
    for n, value in enumerate(values):
        labels[0, 1:11, 12 * n + 1 : 12 * n + 11] = value
    return labels


# -------------------------------------------------------------------- what is ignored


@pytest.mark.parametrize("ignore", [255, -1])
@pytest.mark.parametrize("classes", [[1], [1, 2], [7], range(1, 21)])
def test_an_ignored_value_beside_classes_trains_nothing(classes, ignore):
    labels = painted(*classes, ignore)
    guess = guess_kind(labels)
    assert guess.ignore == ignore
    target = to_target(labels, CLASSES)
    assert ((target.classes == IGNORE) == (labels == ignore)).all()
    assert target.objects[labels == ignore].max() == 0
    assert any(f"{ignore} is ignored: 100 pixels" in note for note in target.notes)
    known = annotated_pixels(labels, CLASSES)
    np.testing.assert_array_equal(known, labels != ignore)


def test_twenty_classes_beside_255_are_classes():
    labels = painted(*range(1, 21), 255)
    assert guess_kind(labels).kind is CLASSES
    assert to_target(labels, CLASSES).num_classes == 21


def test_the_255_of_a_mask_is_foreground():
    mask = painted(255, dtype=np.uint8)
    mixed = np.concatenate([mask, mask // 255])
    for labels in (mask, mixed):
        assert guess_kind(labels).ignore is None
        target = to_target(labels, CLASSES)
        np.testing.assert_array_equal(target.classes, labels > 0)


def test_the_255th_object_is_an_object():
    labels = painted(*range(250, 260))
    assert (guess_kind(labels).kind, guess_kind(labels).ignore) == (OBJECTS, None)
    few = painted(1, 2, 255)
    assert (to_target(few, OBJECTS).classes == (few > 0)).all()
    assert len(np.unique(to_target(few, OBJECTS).objects)) == 4


def test_objects_beside_minus_1_are_told_apart():
    labels = painted(5, 600, -1)
    assert (guess_kind(labels).kind, guess_kind(labels).ignore) == (OBJECTS, -1)
    target = to_target(labels, OBJECTS)
    assert ((target.classes == IGNORE) == (labels == -1)).all()
    assert len(np.unique(target.objects)) == 3


def test_the_choice_wins_over_the_guess():
    labels = painted(1, 255)
    nothing = Coverage(ignore="none")
    assert (to_target(labels, CLASSES, coverage=nothing).classes == (labels > 0)).all()
    seven = Coverage(ignore=7)
    target = to_target(painted(1, 7), CLASSES, coverage=seven)
    assert (target.num_classes, (target.classes == IGNORE).sum()) == (2, 100)
    with pytest.raises(InputError, match="-1"):
        to_target(painted(1, -1), CLASSES, coverage=seven)


def test_other_values_below_0_are_refused_as_before():
    with pytest.raises(InputError, match="-2"):
        to_target(painted(1, -1, -2), CLASSES)


def test_what_was_guessed_can_be_kept():
    read = split_labels(painted(1, 2, 255), coverage=ALL)
    assert read.settle(ALL) == Coverage(ignore=255, complete="all")
    assert split_labels(painted(1, 2)).settle(Coverage()).ignore == "none"


def test_ignored_pixels_alone_annotate_no_slice():
    labels = painted(1, depth=2)
    labels[1, 3:6, 3:6] = -1
    assert to_target(labels, CLASSES).annotated_slices.tolist() == [0]


def test_labels_without_0_begin_with_the_background():
    """As the Simple Segmentation of ilastik does."""
    labels = painted(1, 1, dtype=np.uint8) + np.uint8(1)
    guess = guess_kind(labels)
    assert guess.kind is SCRIBBLES
    assert "1 is background" in guess.reason
    target = to_target(labels, guess.kind)
    np.testing.assert_array_equal(target.classes, labels - 1)
    assert target.num_classes == 2


# ------------------------------------------------------------------- complete slices


@pytest.mark.parametrize("kind", list(AnnotationKind))
def test_an_empty_slice_that_is_complete_is_background(kind):
    labels = painted(1, 2, depth=4)
    target = to_target(labels, kind, coverage=Coverage(complete="0,2"))
    assert target.annotated_slices.tolist() == [0, 2]
    assert (target.classes[2] == 0).all()
    before = to_target(labels, kind)
    np.testing.assert_array_equal(target.classes[0], before.classes[0])
    known = annotated_pixels(labels, kind, Coverage(complete="0,2"))
    np.testing.assert_array_equal(known, target.annotated)


@pytest.mark.parametrize("kind", [None, *AnnotationKind])
def test_an_image_that_is_complete_and_empty_is_background(kind):
    empty = np.zeros((2, 5, 5), np.uint8)
    assert guess_kind(empty, ALL).kind is CLASSES
    target = to_target(empty, kind or CLASSES, coverage=ALL)
    assert (target.classes == 0).all()
    assert (target.num_classes, target.notes) == (2, ())
    assert annotated_pixels(empty, kind, ALL).all()


def test_what_is_ignored_on_a_complete_slice_stays_ignored():
    labels = painted(1, depth=2)
    labels[1, :4] = -1
    target = to_target(labels, CLASSES, coverage=ALL)
    assert ((target.classes[1] == IGNORE) == (labels[1] == -1)).all()


def test_complete_slices_are_listed_in_any_way():
    assert list_slices("all", 3) == [0, 1, 2]
    assert list_slices("3,7", 10) == [3, 7]
    assert list_slices("8:, 1", 10) == [1, 8, 9]
    for wrong in ("12", "x", ""):
        with pytest.raises(InputError, match="slices"):
            list_slices(wrong, 10)
