"""Painted labels become the target that their painter meant, or a clear error."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import (
    IGNORE,
    annotated_pixels,
    connected_objects,
    describe,
    guess_kind,
    separate,
    set_apart,
    to_target,
)
from napari_unet.errors import InputError

SCRIBBLES, CLASSES, OBJECTS = (
    AnnotationKind.SCRIBBLES,
    AnnotationKind.CLASSES,
    AnnotationKind.OBJECTS,
)
KINDS = list(AnnotationKind)


def square(values=(1,), dtype=np.uint8, shape=(2, 12, 12)):
    """One 3 x 3 square for each value, apart from each other, on slice 0."""
    labels = np.zeros(shape, dtype)
    for n, value in enumerate(values):
        y, x = divmod(n, 3)
        labels[0, 4 * y : 4 * y + 3, 4 * x : 4 * x + 3] = value
    return labels


def dense(values, dtype=np.uint8):
    """Stripes of `values` that leave little background, on slice 0 of two."""
    labels = np.zeros((2, 10, 10 * len(values)), dtype)
    for n, value in enumerate(values):
        labels[0, :, 10 * n : 10 * n + 9] = value
    return labels


# --------------------------------------------------------------- guessing the kind


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(1, "u1"), (255, "u1"), (True, "?"), (65535, "u2"), (7, "i4"), (1, "f4")],
)
def test_a_two_valued_mask_of_any_type_is_guessed_as_classes(value, dtype):
    guess = guess_kind(square([value], dtype))
    assert guess.kind is CLASSES
    assert "0 and 1" in guess.reason


def test_slices_of_0_1_and_of_0_255_in_one_stack_are_guessed_as_a_mask():
    labels = square([1])
    labels[1] = 255 * labels[0]
    assert guess_kind(labels).kind is CLASSES


def test_few_values_on_a_small_part_are_guessed_as_scribbles():
    labels = np.zeros((3, 40, 40), np.uint8)
    labels[1, 5, 5:15], labels[1, 20, 5:15] = 1, 2
    guess = guess_kind(labels)
    assert guess.kind is SCRIBBLES
    assert "unlabelled" in guess.reason


def test_few_values_that_cover_their_slices_are_guessed_as_classes():
    assert guess_kind(dense([1, 2, 3])).kind is CLASSES


@pytest.mark.parametrize("values", [range(1, 10), (3, 70_000)])
def test_many_or_large_values_are_guessed_as_objects(values):
    assert guess_kind(square(values, np.int32)).kind is OBJECTS


def test_ids_beyond_64_bit_integers_are_guessed_as_objects():
    assert guess_kind(square([5, 2**64 - 2], np.uint64)).kind is OBJECTS


def test_untouched_slices_do_not_change_the_guess():
    alone = dense([1, 2])[:1]
    among_many = np.concatenate([alone, np.zeros((50, *alone.shape[1:]), np.uint8)])
    assert guess_kind(among_many) == guess_kind(alone)


# ---------------------------------------------------------------- what is no label


@pytest.mark.parametrize("dtype", ["u1", "?", "i8", "f4"])
@pytest.mark.parametrize("kind", [None, *KINDS])
def test_empty_annotations_ask_to_paint_something(dtype, kind):
    empty = np.zeros((2, 5, 5), dtype)
    with pytest.raises(InputError, match="paint at least one"):
        guess_kind(empty) if kind is None else to_target(empty, kind)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.full((1, 4, 4), -3, np.int16), "-3"),
        (np.full((1, 4, 4), -3.0), "-3"),
        (np.full((1, 4, 4), 0.5, np.float32), "fractions"),
        (np.full((1, 4, 4), np.nan), "fractions"),
        (np.full((1, 4, 4), np.inf), "fractions"),
        (np.ones((4, 4), np.uint8), "2 dimensions"),
        (np.full((1, 4, 4), "a"), "no whole numbers"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_labels_is_said(labels, words, kind):
    for read in (guess_kind, lambda a: to_target(a, kind)):
        with pytest.raises(InputError, match=words):
            read(labels)


def test_values_too_large_for_scribbles_are_named():
    with pytest.raises(InputError, match="300"):
        to_target(square([1, 300], np.uint16), SCRIBBLES)


@pytest.mark.parametrize("value", [254, 256, 300, 2**40, 2**64 - 2])
def test_values_too_large_for_classes_suggest_objects(value):
    labels = np.zeros((1, 8, 8), np.uint64)
    labels[0, 0, 0], labels[0, 4, 4] = 2, value
    with pytest.raises(InputError, match="choose objects"):
        to_target(labels, CLASSES)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i2", "u4", "i8", ">u2", ">u4"])
def test_the_type_of_the_labels_does_not_matter(kind, dtype):
    labels = square([1, 2, 3])
    found, expected = (to_target(a, kind) for a in (labels.astype(dtype), labels))
    np.testing.assert_array_equal(found.classes, expected.classes)
    np.testing.assert_array_equal(found.objects, expected.objects)
    assert found.num_classes == expected.num_classes


# ------------------------------------------------------------------------- classes


@pytest.mark.parametrize("value", [255, 65535, 7])
def test_a_mask_is_read_as_foreground_wherever_it_is_above_0(value):
    labels = square([value], np.uint16)
    target = to_target(labels, CLASSES)
    np.testing.assert_array_equal(target.classes[0], labels[0] > 0)
    assert target.num_classes == 2
    assert f"{value} are read as classes 0 and 1" in target.notes[0]


def test_a_bool_mask_needs_no_note():
    target = to_target(square([True], bool), CLASSES)
    assert target.notes == ()
    assert target.num_classes == 2


def test_slices_of_0_1_and_of_0_255_mean_the_same():
    labels = np.stack([square([1])[0], square([255])[0], square([1, 1])[0]])
    target = to_target(labels, CLASSES)
    np.testing.assert_array_equal(target.classes, labels > 0)
    assert "1, 255" in target.notes[0]


def test_every_class_keeps_its_number():
    labels = dense([3, 1, 2])
    target = to_target(labels, CLASSES)
    np.testing.assert_array_equal(target.classes[0], labels[0])
    assert target.num_classes == 4


@pytest.mark.parametrize("kind", [CLASSES, OBJECTS])
def test_slices_without_annotations_are_not_training_data(kind):
    target = to_target(square([1, 2, 3], shape=(4, 12, 12)), kind)
    assert (target.classes[1:] == IGNORE).all()
    assert not target.annotated[1:].any()
    assert (target.classes[0] != IGNORE).all()
    assert list(target.annotated_slices) == [0]


def test_diagonal_neighbours_are_two_objects():
    labels = np.zeros((1, 4, 4), np.uint8)
    labels[0, 0, 0] = labels[0, 1, 1] = 1
    assert to_target(labels, CLASSES).objects.max() == 2


def test_cells_that_continue_in_the_next_slice_are_one_object_in_3d_only():
    labels = np.repeat(square([1])[:1], 2, axis=0)
    assert to_target(labels, CLASSES, ndim=2).objects.max() == 2
    assert to_target(labels, CLASSES, ndim=3).objects.max() == 1


def test_touching_classes_make_one_object():
    labels = np.zeros((1, 4, 6), np.uint8)
    labels[0, :, :3], labels[0, :, 3:5] = 1, 2
    assert connected_objects(labels > 0).max() == 1
    assert to_target(labels, CLASSES).objects.max() == 1


# ----------------------------------------------------------------------- scribbles


def test_scribbles_leave_what_is_unlabelled_out_and_count_from_background():
    labels = np.zeros((1, 6, 6), np.uint8)
    labels[0, 0], labels[0, 2], labels[0, 4] = 1, 2, 4
    target = to_target(labels, SCRIBBLES)
    assert (target.classes[0, 1::2] == IGNORE).all()
    assert (target.classes[0, 0] == 0).all()
    assert (target.classes[0, 2] == 1).all()
    assert (target.classes[0, 4] == 3).all()
    assert target.num_classes == 4
    np.testing.assert_array_equal(target.objects > 0, labels > 1)


def test_scribbles_of_background_alone_still_make_two_classes():
    target = to_target(square([1]), SCRIBBLES)
    assert target.num_classes == 2
    assert set(np.unique(target.classes)) == {0, IGNORE}
    assert not target.objects.any()


def test_the_highest_scribble_is_class_253():
    target = to_target(square([1, 254]), SCRIBBLES)
    assert target.num_classes == 254
    assert set(np.unique(target.classes)) == {0, 253, IGNORE}


# ------------------------------------------------------------------------- objects


@pytest.mark.parametrize("axis", [1, 2])
def test_touching_objects_get_a_gap_of_exactly_one_pixel(axis):
    labels = np.ones((1, 10, 10), np.int32)
    np.moveaxis(labels, axis, 0)[5:] = 2
    lines = np.moveaxis(separate(labels), axis, 0).reshape(10, -1)
    np.testing.assert_array_equal(lines == 0, np.arange(10)[:, None] == [[4] * 10])


def test_objects_that_are_apart_stay_as_they_are():
    labels = square(range(1, 10), np.int32)
    np.testing.assert_array_equal(separate(labels), labels)


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(np.int32, (3, 7, 8), elements=st.integers(0, 3)),
    st.sampled_from([2, 3]),
)
def test_after_separation_no_two_objects_touch_and_no_pixel_is_lost_in_vain(
    labels, ndim
):
    apart = separate(labels, ndim=ndim)
    assert ((apart == labels) | (apart == 0)).all()
    touched = np.zeros(labels.shape, bool)
    for axis in range(3 - ndim, 3):
        now, was = np.moveaxis(apart, axis, 0), np.moveaxis(labels, axis, 0)
        assert not ((now[1:] != now[:-1]) & (now[1:] > 0) & (now[:-1] > 0)).any()
        border = (was[1:] != was[:-1]) & (was[1:] > 0) & (was[:-1] > 0)
        np.moveaxis(touched, axis, 0)[:-1] |= border
    np.testing.assert_array_equal(apart != labels, touched)
    if ndim == 2:
        np.testing.assert_array_equal(set_apart(labels), apart > 0)


def test_objects_of_neighbouring_slices_are_parted_in_3d_only():
    labels = np.stack([np.full((6, 6), n, np.int32) for n in (1, 2)])
    assert (to_target(labels, OBJECTS, ndim=2).classes == 1).all()
    parted = to_target(labels, OBJECTS, ndim=3)
    assert (parted.classes[0] == 0).all()
    assert (parted.classes[1] == 1).all()


@pytest.mark.parametrize("dtype", ["i4", "u4", "i8", "u8", "f8"])
@pytest.mark.parametrize("everywhere", [False, True])
def test_huge_ids_with_holes_stay_apart(dtype, everywhere):
    most = 2**31 - 1 if dtype == "i4" else 2**32 - 1 if dtype == "u4" else 2**52
    labels = np.full((1, 9, 12), 17 if everywhere else 0).astype(dtype)
    labels[0, :, :4], labels[0, :, 4:8] = most, most - 1
    target = to_target(labels, OBJECTS)
    ids = [np.unique(target.objects[0, :, part]) for part in (slice(3), slice(4, 7))]
    assert [len(one) for one in ids] == [1, 1]
    assert 0 < ids[0][0] != ids[1][0] > 0
    assert (target.objects[0, :, 3] == 0).all()
    assert ((target.objects[0, :, 8:] > 0) == everywhere).all()
    np.testing.assert_array_equal(target.classes[0], target.objects[0] > 0)
    assert target.num_classes == 2


def test_the_description_counts_slices_and_pixels():
    target = to_target(square([1, 2], shape=(5, 12, 12)), CLASSES)
    assert describe(target) == "classes, 1 of 5 slices, 144 pixels"
    single = to_target(square([1])[:1], CLASSES)
    assert describe(single) == "classes, 144 pixels"


# ----------------------------------------------------------------------- real data


@pytest.mark.real_data
def test_the_isbi_labels_are_a_mask_of_cell_interiors(real_data):
    labels = tifffile.imread(real_data / "isbi2012-train-labels.tif", key=range(3))
    assert guess_kind(labels).kind is CLASSES
    target = to_target(labels, CLASSES)
    assert target.num_classes == 2
    np.testing.assert_array_equal(target.classes, labels == 255)
    assert 50 < target.objects[0].max() < 1000


@pytest.mark.real_data
def test_the_medulla_bodies_are_objects_that_membranes_part(real_data):
    bodies = tifffile.imread(real_data / "medulla-bodies.tif", key=range(8))
    assert guess_kind(bodies).kind is OBJECTS
    target = to_target(bodies, OBJECTS)
    # Only what is nowhere two pixels wide and high can vanish in the gaps.
    corner = bodies[:, :-1, :-1]
    thick = (corner == bodies[:, 1:, :-1]) & (corner == bodies[:, :-1, 1:])
    assert set(np.unique(corner[thick])) <= set(np.unique(target.objects))
    assert 0.05 < (target.classes == 0).mean() < 0.4


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_annotated_is_known_before_there_is_a_target(kind):
    labels = square((1, 2, 2))
    annotated = annotated_pixels(labels, kind)
    assert np.array_equal(annotated, to_target(labels, kind).annotated)


def test_a_slice_of_classes_is_annotated_as_a_whole():
    labels = np.zeros((4, 96, 112), np.uint8)
    assert not annotated_pixels(labels).any(), "nothing can be guessed"
    labels[2, 5, 5] = 1
    assert annotated_pixels(labels, AnnotationKind.SCRIBBLES).sum() == 1
    assert annotated_pixels(labels, AnnotationKind.CLASSES).sum() == 96 * 112
    assert annotated_pixels(labels)[2].all()
