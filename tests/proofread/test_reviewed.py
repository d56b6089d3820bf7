"""What was reviewed stays so until it changes, and alone is learnt from."""

import numpy as np
import pytest

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import IGNORE, to_target
from napari_unet.errors import InputError
from napari_unet.proofread.correction import ObjectBoxes
from napari_unet.proofread.learnable import learnable
from napari_unet.proofread.repair import new_numbers, renumber
from napari_unet.proofread.reviewed import Reviewed

OBJECTS = AnnotationKind.OBJECTS
EVERYWHERE = (slice(0, 4), slice(0, 30), slice(0, 30))


@pytest.fixture
def labels():
    """Three objects: 1 in slices 0 and 1, 2 beside it, and 5 in slice 2."""
    labels = np.zeros((4, 30, 30), np.uint8)
    labels[:2, 5:15, 5:15], labels[:2, 5:15, 15:25] = 1, 2
    labels[2, 20:28, 3:9] = 5
    return labels


def test_slices_are_right_again_with_the_numbers_of_before(labels):
    boxes, before = ObjectBoxes(labels), labels.copy()
    seen = Reviewed(boxes)
    seen.mark_slice(2)
    seen.mark_slice(3)
    change = renumber(boxes)
    follow = seen.following(new_numbers(boxes))
    labels[change.box] = change.values
    seen = follow()
    assert seen.slices() == {2, 3}
    after = labels.copy()
    for now in (before, after, before):
        labels[:] = now
        seen.touch(change.box)
        assert seen.slices() == {2, 3}
        again = Reviewed(ObjectBoxes(labels), seen.as_dict())
        assert again.slices() == {2, 3}
    labels[2, 0, 0] = 1
    seen.touch(change.box)
    assert seen.slices() == {3}


def test_marks_are_kept_as_text_and_the_next_is_found(labels):
    seen = Reviewed(ObjectBoxes(labels))
    assert seen.next_object() == 1
    seen.mark(1)
    assert seen.next_object(1) == 2
    assert seen.next_object(5) == 2
    seen.mark_slice(2)
    assert seen.objects() == {1, 5}  # all of 5 lies in slice 2
    assert seen.words() == "2 of 3 objects, 1 of 4 slices"
    again = Reviewed(ObjectBoxes(labels), seen.as_dict())
    assert (again.objects(), again.slices()) == ({1, 5}, {2})
    assert again.next_slice(2) == 3
    again.mark(2)
    assert again.next_object() is None


def test_a_mark_that_is_taken_back_leaves_the_one_of_before(labels):
    seen = Reviewed(ObjectBoxes(labels))
    first = seen.mark(1), seen.mark_slice(2)
    second = seen.mark(1), seen.mark_slice(2)
    seen.touch((slice(0, 4), slice(0, 1), slice(0, 1)))
    assert seen.objects() == {1, 5}
    for take_back in second:
        take_back()
    assert (seen.objects(), seen.slices()) == ({1, 5}, {2})
    for take_back in first:
        take_back()
    assert (seen.objects(), seen.slices()) == (set(), set())


@pytest.mark.parametrize("first", [2**24, 2**40])
def test_objects_of_high_numbers_are_reviewed_with_their_slices(labels, first):
    high = np.where(labels > 0, labels + np.int64(first), 0)
    seen = Reviewed(ObjectBoxes(high))
    seen.mark_slice(2)
    assert seen.words() == "1 of 3 objects, 1 of 4 slices"
    assert seen.objects() == {first + 5}


def test_what_changed_is_not_reviewed_until_that_is_undone(labels):
    boxes = ObjectBoxes(labels)
    seen = Reviewed(boxes)
    for number in (1, 2, 5):
        seen.mark(number)
    seen.mark_slice(1)
    before = labels.copy()
    labels[1, 5:15, 14] = 2
    seen.touch(EVERYWHERE)
    assert (seen.objects(), seen.slices()) == ({5}, set())
    kept = seen.as_dict()
    assert Reviewed(ObjectBoxes(before), kept).objects() == {5}
    labels[...] = before
    seen.touch((slice(1, 2), slice(5, 15), slice(0, 30)))
    assert (seen.objects(), seen.slices()) == ({1, 2, 5}, {1})
    labels[labels == 5] = 0
    seen.touch((slice(2, 3), slice(20, 28), slice(0, 30)))
    assert seen.words() == "2 of 2 objects, 1 of 4 slices"  # what is gone is none


def test_marks_hold_again_once_new_numbers_are_taken_back(labels):
    labels[labels == 1] = 3  # 2, 3 and 5 become 1, 2 and 3
    seen = Reviewed(ObjectBoxes(labels))
    for number in (2, 3, 5):
        seen.mark(number)
    before, change = labels.copy(), renumber(seen.boxes)
    follow = seen.following(new_numbers(seen.boxes))
    for values, numbers in ((change.values, {1, 2, 3}), (before, {2, 3, 5})):
        labels[...] = values
        if values is not before:
            seen = follow()
        else:
            seen.touch(EVERYWHERE)
        assert seen.objects() == numbers


def test_what_lies_in_reviewed_slices_counts_where_it_lay_in_others_before(labels):
    seen = Reviewed(ObjectBoxes(labels))
    before = labels.copy()
    labels[:, :2, :2] = 1
    seen.touch(EVERYWHERE)
    labels[...] = before
    seen.touch(EVERYWHERE)
    for z in np.flatnonzero((labels == 1).any((1, 2))).tolist():
        seen.mark_slice(z)
    assert 1 in seen.objects()


def test_a_wider_type_changes_nothing_that_was_seen(labels):
    seen = Reviewed(ObjectBoxes(labels))
    seen.mark(1)
    seen.mark_slice(3)
    wide = labels.astype(np.int64)
    stored = Reviewed(ObjectBoxes(wide), seen.as_dict())
    for again in (stored, seen.on(ObjectBoxes(wide))):
        assert (again.objects(), again.slices()) == ({1}, {3})


def test_marks_that_nobody_made_count_as_none(labels):
    seen = Reviewed(ObjectBoxes(labels), {"objects": "1:zz,7,,99:ff", "slices": "8:1"})
    assert seen.objects() == seen.slices() == set()


def test_of_reviewed_slices_all_is_learnt_and_of_others_nothing(labels):
    made = learnable(labels, {1, 2}, {0, 1, 3}, OBJECTS)
    assert made.words == "3 slices"
    target = to_target(made.labels, made.kind, coverage=made.coverage)
    assert target.annotated_slices.tolist() == [0, 1, 3]
    assert target.annotated[3].all()  # nothing is there, which is right
    assert target.objects.max() == 2


@pytest.mark.parametrize("slices", [set(), {2}])
def test_of_a_reviewed_object_its_pixels_and_rim_are_learnt(labels, slices):
    made = learnable(labels, {1}, slices, OBJECTS)
    assert made.kind is AnnotationKind.SCRIBBLES
    classes = to_target(made.labels, made.kind, coverage=made.coverage).classes
    assert (classes[:2, 5:15, 5:14] == 1).all()
    assert (classes[:2, 5:15, 14] == 0).all()  # the gap to what touches it
    assert (classes[:2, 4, 4:15] == 0).all()
    assert (classes[:2, 5:15, 15:] == IGNORE).all()  # nobody looked at 2
    assert (classes[3] == IGNORE).all()
    assert (classes[2] != IGNORE).all() == bool(slices)


@pytest.mark.parametrize("objects", [set(), {1}])
def test_255_beside_classes_is_not_learnt(objects):
    labels = np.zeros((2, 12, 12), np.uint8)
    labels[:, 2:5], labels[:, 6:8], labels[:, 10:] = 1, 2, 255
    made = learnable(labels, objects, {0}, AnnotationKind.CLASSES)
    target = to_target(made.labels, made.kind, coverage=made.coverage)
    assert target.num_classes == 3
    assert (target.annotated[0] == (labels[0] != 255)).all()


@pytest.mark.parametrize("objects", [set(), {5}])
@pytest.mark.parametrize("kind", [OBJECTS, AnnotationKind.CLASSES])
def test_what_is_ignored_in_a_reviewed_slice_is_not_learnt(labels, objects, kind):
    signed = labels.astype(np.int16)
    signed[:, :, 28:] = -1
    made = learnable(signed, objects, {0}, kind)
    classes = to_target(made.labels, made.kind, coverage=made.coverage).classes
    assert (classes[0, :, 28:] == IGNORE).all()
    assert (classes[0, :, :28] != IGNORE).all()


def test_a_slice_that_holds_nothing_is_learnt_as_background():
    made = learnable(np.zeros((2, 8, 8), np.uint8), set(), {1})
    target = to_target(made.labels, made.kind, coverage=made.coverage)
    assert (target.classes[1] == 0).all()
    assert target.annotated_slices.tolist() == [1]


def test_what_values_mean_is_seen_from_their_pieces(labels):
    assert learnable(labels, set(), {2}).kind is OBJECTS
    many = np.zeros_like(labels)
    many[:, ::4, ::2], many[:, 2::4, ::2] = 1, 2
    assert learnable(many, set(), {2}).kind is AnnotationKind.CLASSES


def test_classes_stay_classes(labels):
    made = learnable(labels, set(), {2}, AnnotationKind.CLASSES)
    assert made.kind is AnnotationKind.CLASSES
    assert set(np.unique(made.labels)) == {0, 5}
    made = learnable(labels, {5}, set(), AnnotationKind.CLASSES)
    assert (made.labels[2, 20:28, 3:9] == 6).all()


@pytest.mark.parametrize(
    ("kind", "words"), [(OBJECTS, "Nothing is reviewed"), ("scribbles", "are strokes")]
)
def test_without_a_mark_nothing_is_learnt(labels, kind, words):
    with pytest.raises(InputError, match=words):
        learnable(labels, set(), set(), AnnotationKind(kind))
