"""A layer looks as it did, as far as napari knows how."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from napari.layers import Image

from napari_unet.data.addresses import location
from napari_unet.errors import InputError
from napari_unet.widgets.layers.looks import look_of, show_look, source_of
from napari_unet.widgets.layers.marks import SOURCE


def test_colours_that_napari_does_not_know_leave_the_rest_of_a_look() -> None:
    data = np.arange(16, dtype=np.uint8).reshape(4, 4)
    layer = Image(data, contrast_limits=(3, 7), gamma=0.5, visible=False)
    look = {**look_of(layer), "colormap": "of another session"}
    other = Image(data)
    with pytest.raises(InputError, match="no colours called of another"):
        show_look(other, look)
    assert look_of(other) == {**look, "colormap": "gray"}


def test_an_address_is_no_path_of_this_computer() -> None:
    layer = Image(np.zeros((4, 4)), metadata={SOURCE: "https://em.org/a.zarr"})
    assert location(source_of(layer)) == "https://em.org/a.zarr"
    layer.metadata[SOURCE] = "a.tif"
    assert source_of(layer) == Path.cwd() / "a.tif"
