"""Short names of layers."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_unet.widgets.layers.arrays import add_or_update
from napari_unet.widgets.layers.names import short_name


@pytest.fixture
def viewer() -> ViewerModel:
    return ViewerModel()


def add(viewer: ViewerModel, name: str) -> Image:
    return viewer.add_image(np.zeros((2, 8, 8)), name=name)


def test_the_image_is_named_only_where_there_are_several(viewer: ViewerModel) -> None:
    one = add(viewer, "one")
    add_or_update(viewer, Image, np.zeros((2, 8, 8)), "uncertainty", one)
    assert short_name(viewer, "prediction", one) == "prediction"
    add(viewer, "two")
    assert short_name(viewer, "prediction", one) == "one prediction"
    assert short_name(viewer, "weight map", None) == "weight map"


def test_long_names_are_cut_where_they_are_alike(viewer: ViewerModel) -> None:
    first, second = (add(viewer, f"{'block-of-the-medulla-' * 3}{n}") for n in "12")
    names = [short_name(viewer, "truth", one) for one in (first, second)]
    assert len(set(names)) == 2
    assert max(map(len, names)) < 32


def test_a_layer_is_found_by_what_it_was_made_for(viewer: ViewerModel) -> None:
    one, data = add(viewer, "one"), np.zeros((2, 8, 8))
    own = add(viewer, "uncertainty")
    made = add_or_update(viewer, Image, data, "uncertainty", one)
    assert add_or_update(viewer, Image, data + 1, "uncertainty", one) is made
    assert made.data.all()
    assert not own.data.any()
    # What was renamed is kept.
    made.name = "uncertainty of Monday"
    again = add_or_update(viewer, Image, data, "uncertainty", one)
    assert made.data.all()
    assert again.name == "one uncertainty"
    assert add_or_update(viewer, Image, data, "uncertainty", one) is again
    other = add_or_update(viewer, Image, data, "uncertainty", add(viewer, "two"))
    assert other is not made
    assert other.name == "two uncertainty"
