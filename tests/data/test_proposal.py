"""Predictions as proposals of annotations, for every kind of annotation."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import IGNORE, to_target
from napari_unet.data.proposal import propose
from napari_unet.errors import InputError

SCRIBBLES, CLASSES, OBJECTS = (
    AnnotationKind.SCRIBBLES,
    AnnotationKind.CLASSES,
    AnnotationKind.OBJECTS,
)


@pytest.fixture
def predicted():
    """Two cells of class 1 and one of class 2, which touches the second."""
    plane = np.zeros((20, 30), np.uint8)
    plane[2:8, 2:10] = 1
    plane[2:8, 14:20] = 1
    plane[8:14, 14:20] = 2
    return plane


@pytest.fixture
def empty():
    return np.zeros((20, 30), np.uint8)


def numbers(plane):
    return sorted(set(np.unique(plane).tolist()) - {0})


def test_scribbles_get_background_and_classes_and_train_as_predicted(predicted, empty):
    found = propose(predicted, SCRIBBLES, empty)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(
        to_target(found[None], SCRIBBLES).classes[0], predicted
    )


def test_scribbles_painted_by_hand_stay(predicted, empty):
    empty[0:4, 0:5] = 3
    empty[10, :] = 1
    found = propose(predicted, SCRIBBLES, empty)
    painted = empty > 0
    np.testing.assert_array_equal(found[painted], empty[painted])
    np.testing.assert_array_equal(found[~painted], predicted[~painted] + 1)


def test_classes_take_the_place_of_what_is_there(predicted, empty):
    found = propose(predicted, CLASSES, np.full_like(empty, 7))
    np.testing.assert_array_equal(found, predicted)


@pytest.mark.parametrize("kind", [SCRIBBLES, CLASSES, OBJECTS])
def test_only_the_region_changes(kind, predicted, empty):
    empty[15, 25] = 5
    empty[5, 5] = 6
    region = (slice(0, 10), slice(12, 22))
    found = propose(predicted, kind, empty, within=region)
    inside = np.zeros(empty.shape, bool)
    inside[region] = True
    np.testing.assert_array_equal(found[~inside], empty[~inside])
    np.testing.assert_array_equal(
        found[region] > (1 if kind is SCRIBBLES else 0),
        # The pixel before the border of two objects is their gap.
        (predicted[region] > 0) & ~((kind is OBJECTS) & (np.indices((10, 10))[0] == 7)),
    )


def test_what_is_given_is_not_changed(predicted, empty):
    given = predicted.copy(), empty.copy()
    for kind in AnnotationKind:
        propose(predicted, kind, empty)
        propose(predicted, kind, empty, at=(3, 3))
    np.testing.assert_array_equal(predicted, given[0])
    np.testing.assert_array_equal(empty, given[1])


def test_objects_get_new_numbers_and_a_gap(predicted, empty):
    empty[0, 29] = 40
    found = propose(predicted, OBJECTS, empty, used=90)
    assert numbers(found) == [91, 92, 93]
    assert found[3, 3] != found[3, 15] != found[12, 15]
    assert (found[7, 14:20] == 0).all()
    assert np.count_nonzero(found) == np.count_nonzero(predicted) - 6


def test_numbers_never_collide_with_those_in_use(predicted, empty):
    empty[0, 29] = 40
    found = propose(predicted, OBJECTS, empty, within=(slice(0, 9), slice(0, 20)))
    assert numbers(found) == [40, 41, 42, 43]


def test_numbers_that_do_not_fit_widen_the_type(predicted, empty):
    found = propose(predicted, OBJECTS, empty, used=254)
    assert found.dtype == np.uint16
    assert numbers(found) == [255, 256, 257]


def test_numbered_predictions_keep_their_objects_apart(empty):
    predicted = empty.astype(np.uint16)
    predicted[2:8, 2:10] = 700
    predicted[2:8, 11:20] = 12
    for kind, values in ((OBJECTS, [1, 2]), (CLASSES, [1]), (SCRIBBLES, [1, 2])):
        found = propose(predicted, kind, empty, numbered=True)
        assert numbers(found) == values


@pytest.mark.parametrize(
    ("kind", "value"), [(SCRIBBLES, 3), (CLASSES, 2), (OBJECTS, 1)]
)
def test_one_object_comes_alone(kind, value, predicted, empty):
    found = propose(predicted, kind, empty, at=(10, 16))
    np.testing.assert_array_equal(found == value, predicted == 2)
    assert numbers(found) == [value]


def test_of_two_objects_of_a_class_the_chosen_one_comes(predicted, empty):
    found = propose(predicted, CLASSES, empty, at=(3, 3))
    assert (found > 0).sum() == 48
    assert found[3, 3] == 1


def test_an_object_takes_the_place_of_its_earlier_version(predicted, empty):
    empty[1:9, 1:11] = 8
    found = propose(predicted, OBJECTS, empty, at=(3, 3))
    assert numbers(found) == [9]
    np.testing.assert_array_equal(found == 9, (predicted == 1) & (found == 9))
    assert (found > 0).sum() == 48


def test_an_object_leaves_a_gap_to_its_neighbours(predicted, empty):
    empty[2:8, 9:13] = 5
    found = propose(predicted, OBJECTS, empty, at=(3, 3))
    assert (found[2:8, 10:13] == 5).all()
    assert (found[2:8, 9] == 0).all()
    assert (found[2:8, 2:9] == 6).all()


def test_a_point_without_an_object_is_told(predicted, empty):
    for at in ((0, 0), (-1, 5), (5, 30)):
        with pytest.raises(InputError, match=f"row {at[0]}, column {at[1]}"):
            propose(predicted, CLASSES, empty, at=at)


def test_layers_of_two_images_are_refused(predicted):
    with pytest.raises(InputError, match="20 x 30 and the annotations are 5 x 6"):
        propose(predicted, CLASSES, np.zeros((5, 6), np.uint8))


def test_unpainted_pixels_of_scribbles_still_train_nothing(predicted, empty):
    found = propose(predicted, SCRIBBLES, empty, within=(slice(0, 9), slice(0, 30)))
    classes = to_target(found[None], SCRIBBLES).classes[0]
    assert (classes[9:] == IGNORE).all()
    assert (classes[:9] != IGNORE).all()
