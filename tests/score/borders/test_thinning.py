"""Thinned borders are one pixel wide and part the objects that they parted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from napari_unet.data.annotation import connected_objects
from napari_unet.errors import InputError
from napari_unet.score.borders.thinning import thin_borders

MASKS = arrays.arrays(bool, (9, 11), elements=st.integers(0, 3).map(lambda n: n == 0))


@settings(max_examples=40, deadline=None)
@given(MASKS)
def test_objects_grow_and_never_touch_each_other(mask):
    objects = connected_objects(mask[None])[0]
    thinned = thin_borders(objects)
    np.testing.assert_array_equal(thinned[objects > 0], objects[objects > 0])
    for one, other in ((thinned[1:], thinned[:-1]), (thinned[:, 1:], thinned[:, :-1])):
        assert ((one == other) | (one == 0) | (other == 0)).all()


def test_a_wide_border_becomes_one_pixel_wide():
    mask = np.ones((12, 20), bool)
    mask[:, 6:13] = False
    thinned = thin_borders(mask)
    assert ((thinned == 0).sum(axis=1) == 1).all()
    assert (thinned[:, 9] == 0).all()


def test_holes_are_filled_and_ids_kept():
    objects = np.full((9, 9), 70, np.int32)
    objects[3:6, 3:6] = 0
    assert (thin_borders(objects) == 70).all()


def test_a_slice_without_objects_stays_empty_and_a_full_one_full():
    assert not thin_borders(np.zeros((5, 5), bool)).any()
    assert (thin_borders(np.ones((5, 5), bool)) == 1).all()


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(bool, (3, 6, 7)))
def test_a_stack_is_thinned_slice_by_slice(stack):
    expected = [thin_borders(one) > 0 for one in stack]
    np.testing.assert_array_equal(thin_borders(stack) > 0, expected)


def test_other_dimensions_are_refused():
    with pytest.raises(InputError, match="Borders of 1 dimensions"):
        thin_borders(np.zeros(5, bool))
