"""Ctrl+Z never writes what was into what is, wherever data are replaced."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import Labels

import napari_unet.widgets
from napari_unet.errors import InputError
from napari_unet.widgets.layers.arrays import add_or_update
from napari_unet.widgets.layers.edits import edit
from napari_unet.widgets.layers.undo import convert, replace_data, undo_of

SHAPE = (2, 12, 16)
ALL = (slice(None),) * 3


@pytest.fixture
def layer(viewer: Any) -> Any:
    """Labels with a stroke on them."""
    layer = viewer.add_labels(np.zeros(SHAPE, np.uint8), name="labels")
    layer.paint((0, 5, 5), 2)
    return layer


def test_a_stroke_on_old_data_is_never_undone_in_new_ones(layer: Any) -> None:
    replace_data(layer, np.full(SHAPE, 7, np.uint8))
    layer.undo()
    assert (layer.data == 7).all()
    replace_data(layer, np.full((1, 4, 4), 7, np.uint8))
    layer.undo()
    layer.redo()
    assert (layer.data == 7).all()


@pytest.mark.parametrize("editable", [True, False])
def test_what_could_not_be_edited_still_cannot(layer: Any, editable: bool) -> None:
    layer.editable = editable
    replace_data(layer, np.ones(SHAPE, np.uint8))
    assert layer.editable is editable
    convert(layer, np.uint16)
    assert layer.editable is editable


def test_labels_that_are_shown_anew_forget_the_old(viewer: Any) -> None:
    new = np.full(SHAPE, 3, np.uint8)
    layer = add_or_update(viewer, Labels, np.zeros(SHAPE, np.uint8), "preview", None)
    layer.paint((0, 5, 5), 2)
    assert add_or_update(viewer, Labels, new, "preview", None) == layer
    layer.undo()
    assert (layer.data == 3).all()


def test_a_wider_type_keeps_every_step(layer: Any) -> None:
    painted = layer.data.copy()
    edit(layer, ALL, np.full(SHAPE, 300))
    assert layer.data.dtype == np.uint16
    layer.undo()
    np.testing.assert_array_equal(layer.data, painted)
    layer.undo()
    assert not layer.data.any()
    layer.redo()
    layer.redo()
    assert (layer.data == 300).all()


def test_a_change_is_taken_back_on_the_layer_that_it_was_made_on(
    viewer: Any, layer: Any
) -> None:
    painted = layer.data.copy()
    edit(layer, ALL, np.full(SHAPE, 4))
    undo = undo_of(layer)
    other = viewer.add_labels(np.zeros(SHAPE, np.uint8), name="other")
    other.paint((0, 5, 5), 1)
    undo()
    np.testing.assert_array_equal(layer.data, painted)
    assert other.data.any()
    with pytest.raises(InputError, match="was changed since"):
        undo()
    np.testing.assert_array_equal(layer.data, painted)


def test_a_stroke_that_came_after_it_stays(layer: Any) -> None:
    edit(layer, ALL, np.full(SHAPE, 4))
    undo = undo_of(layer)
    layer.paint((1, 5, 5), 9)
    shown = layer.data.copy()
    with pytest.raises(InputError, match="choose that layer, and Ctrl"):
        undo()
    np.testing.assert_array_equal(layer.data, shown)


def test_data_are_replaced_in_one_place() -> None:
    folder = Path(napari_unet.widgets.__file__).parent
    places = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if re.search(r"\b(layer|own)\.data = (?!\[\]$)", path.read_text(), re.M)
    }
    assert places == {"layers/undo.py"}, "shapes that are emptied have no undo"
