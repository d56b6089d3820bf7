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
    wide_enough,
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


@pytest.mark.parametrize(("dtype", "most"), [("f2", 2**11), ("f4", 2**24)])
def test_floats_that_may_have_merged_ids_are_refused(dtype, most):
    assert whole_numbers(np.array([most - 1], dtype)).tolist() == [most - 1]
    with pytest.raises(InputError, match=f"{most:,} on.*32-bit integers"):
        whole_numbers(np.array([most], dtype))


def test_values_below_0_are_refused_but_for_the_one_to_ignore():
    assert whole_numbers(np.array([-1, 3]), lowest=-1).tolist() == [-1, 3]
    with pytest.raises(InputError, match=r"-1.*ignore"):
        whole_numbers(np.array([-1, 3]))


@pytest.mark.parametrize("dtype", ["<u8", ">u8"])
def test_the_largest_number_of_64_bits_is_no_object(dtype):
    labels = np.array([2**64 - 1, 7, 2**64 - 2], dtype)
    assert whole_numbers(labels).tolist() == [0, 7, 2**64 - 2]
    assert whole_numbers(labels, ignore=2**64 - 1).tolist() == labels.tolist()


@pytest.mark.parametrize(
    ("dtype", "values", "expected"),
    [
        ("u1", [255], "u1"),
        ("u1", [256], "u2"),
        ("u2", [2**32], "u8"),
        ("i1", [200], "i2"),
        ("u1", [-1, 600], "i2"),
        ("i4", [2**31], "i8"),
        ("?", [3], "u1"),
    ],
)
def test_a_type_is_widened_until_it_holds_all_values(dtype, values, expected):
    assert wide_enough(np.dtype(dtype), np.array(values)) == np.dtype(expected)


def test_what_fits_into_no_type_is_refused():
    with pytest.raises(InputError, match="no type together"):
        wide_enough(np.int8, np.array([2**64 - 1], np.uint64))
