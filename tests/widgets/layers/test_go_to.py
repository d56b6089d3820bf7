"""The way to a place of layers with any axes, and the box around it."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_unet.widgets.layers.go_to import go_to
from napari_unet.widgets.layers.places import Shown, carry, shown


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((5, 32, 48), "zyx"),
        ((2, 5, 32, 48), "czyx"),
        ((5, 2, 32, 48), "zcyx"),
        ((1, 1, 5, 32, 48), "tczyx"),
        ((2, 32, 48), "cyx"),
        ((32, 48), "yx"),
    ],
)
def test_a_place_is_gone_to_and_boxed_in_a_layer_of_any_axes(
    shape: tuple[int, ...], axes: str
) -> None:
    viewer = ViewerModel()
    place = {"scale": [2] * len(shape), "translate": [3] * len(shape)}
    image = viewer.add_image(np.zeros(shape, np.uint8), axis_labels=axes, **place)
    centre = (3, 10, 20)[-3 if "z" in axes else -2 :]
    box = go_to(viewer, image, centre, (8, 6), "here")
    z = 3 if "z" in axes else 0
    rows, columns = shown(viewer, image).region
    assert shown(viewer, image) == Shown(z, (rows, columns))
    assert rows.start < 10 < rows.stop
    assert columns.start < 20 < columns.stop
    kept = [n for n, name in enumerate(box.axis_labels) if name in ("z", "y", "x")]
    middle = (box.data[:, 0] + box.data[:, 1] / 2).mean(0)[kept]
    np.testing.assert_allclose(carry(middle[None], box, image)[0], centre)
