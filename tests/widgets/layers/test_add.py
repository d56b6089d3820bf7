"""Labels from files become layers without losing a number."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_unet.data.read import as_stack
from napari_unet.errors import InputError
from napari_unet.widgets.layers.add import add_labels
from napari_unet.widgets.layers.roles import Role

MANY = np.arange(600).reshape(1, 20, 30)
CELLS = "cells", None, Role.TRUTH


@pytest.mark.parametrize("dtype", ["f4", "f8", "u2", "i8"])
def test_600_ids_stay_600_however_they_are_stored(dtype):
    layer = add_labels(ViewerModel(), as_stack(MANY.astype(dtype)), *CELLS)
    np.testing.assert_array_equal(layer.data, MANY)
    assert layer.dtype == np.dtype("u2" if dtype[0] == "f" else dtype)


def test_what_is_ignored_stays_below_0():
    stack = as_stack(np.array([[-1.0, 0, 3]]))
    layer = add_labels(ViewerModel(), stack, *CELLS)
    assert layer.data.tolist() == [[-1, 0, 3]]


def test_true_and_false_can_be_painted_on():
    layer = add_labels(
        ViewerModel(), as_stack(MANY % 2 == 0), "cells", None, Role.TRUTH
    )
    assert layer.dtype == np.uint8


@pytest.mark.parametrize(
    ("value", "words"), [(0.5, "fractions"), (2**24, "run together")]
)
def test_floats_that_lose_an_id_are_refused(value, words):
    stack = as_stack(np.full((2, 3), value, np.float32))
    with pytest.raises(InputError, match=words):
        add_labels(ViewerModel(), stack, *CELLS)
