"""What cannot be painted on says why, and its copy can."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet.widgets.layers.editable import editable_copy, why_fixed


def read_only(data: np.ndarray) -> np.ndarray:
    data.flags.writeable = False
    return data


def swapped(data: np.ndarray) -> np.ndarray:
    return data.astype(data.dtype.newbyteorder("S"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [(read_only, "can only be read"), (swapped, "another byte order")],
)
def test_a_copy_can_be_painted_on(viewer: Any, change: Any, reason: str) -> None:
    values = np.arange(12, dtype=np.uint16).reshape(3, 4)
    layer = viewer.add_labels(change(values.copy()), name="cells")
    assert reason in why_fixed(layer)
    assert "cells" in why_fixed(layer)
    copy = editable_copy(viewer, layer)
    assert not why_fixed(copy)
    np.testing.assert_array_equal(copy.data, values)
    copy.data_setitem((np.array([1, 2]), np.array([0, 3])), 7)
    assert (copy.data[1, 0], copy.data[2, 3], layer.data[1, 0]) == (7, 7, 4)
