"""Labels are read alike everywhere, and what does not fit is one clear sentence."""

from __future__ import annotations

import numpy as np
import pytest

from napari_unet.data.labels import (
    check_made_on,
    check_same_size,
    check_slices,
    is_mask,
    size_misfit,
    small_ids,
    whole_numbers,
)
from napari_unet.errors import InputError


def test_shapes_that_differ_are_told_with_their_axes_and_what_to_do():
    with pytest.raises(InputError) as error:
        check_same_size((3, 8, 9), (3, 8, 8))
    assert str(error.value) == (
        "The prediction is 3 x 8 x 9 and the ground truth is 3 x 8 x 8 (slices x Y x "
        "X): choose the same slices of both."
    )
    check_same_size((3, 8, 8), [3, 8, 8])


def test_what_has_the_shapes_is_called_by_its_name():
    names = "a.tif is", "b.tif is"
    words = size_misfit((8, 9), (3, 8, 9), names, "choose others")
    assert words == "a.tif is 8 x 9 and b.tif is 3 x 8 x 9: choose others."
    assert size_misfit((8, 9), (8, 9), names) == ""


def test_annotations_of_another_image_are_refused():
    with pytest.raises(InputError, match=r"annotations are 2 x 4 .* image is 2 x 5"):
        check_made_on((2, 5), (2, 4))


def test_what_is_no_stack_is_refused_with_what_it_was_for():
    with pytest.raises(InputError, match="Masks of 2 dimensions cannot be warped"):
        check_slices(np.zeros((3, 3)), "Masks", "warped")


def test_whole_numbers_stored_as_floats_become_integers():
    read = whole_numbers(np.array([0.0, 2.0]))
    assert read.dtype == np.int64
    assert read.tolist() == [0, 2]
    with pytest.raises(InputError, match="The truth holds fractions"):
        whole_numbers(np.array([0.5]), "The truth holds")


@pytest.mark.parametrize(
    ("values", "mask"),
    [([1], True), ([1, 255], True), ([255, 65535], True), ([2], False)],
)
def test_a_mask_may_have_been_saved_in_several_ways(values, mask):
    assert is_mask(np.array(values)) is mask


@pytest.mark.parametrize("lowest", [0, 5])
def test_large_ids_get_small_ones_and_the_background_stays(lowest):
    ids = np.array([[lowest, 2**40], [2**50, 2**40]])
    small = small_ids(ids)
    assert small.dtype == np.int32
    assert (small == 0).tolist() == (ids == 0).tolist()
    assert len(np.unique(small)) == 3
