"""Changes to labels layers: each is one step of napari's undo."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels

from napari_unet.errors import InputError
from napari_unet.widgets.layers import edits
from napari_unet.widgets.layers.edits import edit, take_up
from napari_unet.widgets.layers.undo import protect

WHOLE = (slice(None),) * 3
PLANE = (slice(2, 3), slice(None), slice(None))


@pytest.fixture(params=["pixel by pixel", "in boxes"])
def layer(request: Any, monkeypatch: pytest.MonkeyPatch) -> Labels:
    """A stack with some labels, for few changed pixels and for many."""
    if request.param == "in boxes":
        monkeypatch.setattr(edits, "_FEW", 10)
    data = np.zeros((5, 40, 50), np.uint8)
    data[1:4, 5:20, 5:30] = 1
    return Labels(data)


def noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 4, shape, np.uint8)


@pytest.mark.parametrize("region", [WHOLE, PLANE])
def test_a_change_is_one_step_back_and_one_forth(layer, region):
    before = layer.data.copy()
    new = noise(before[region].shape)
    changed = edit(layer, region, new)
    after = layer.data.copy()
    np.testing.assert_array_equal(after[region], new)
    assert changed == np.count_nonzero(before != after)
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)
    layer.redo()
    np.testing.assert_array_equal(layer.data, after)


def test_a_picture_without_slices_can_be_changed_too(layer):
    flat = Labels(layer.data[1].copy())
    edit(flat, (slice(3, 9), slice(10, 40)), noise((6, 30)))
    np.testing.assert_array_equal(flat.data[3:9, 10:40], noise((6, 30)))
    flat.undo()
    np.testing.assert_array_equal(flat.data, layer.data[1])


def test_changes_are_taken_back_in_turn_among_strokes(layer):
    states = [layer.data.copy()]
    for step in range(3):
        edit(layer, PLANE, noise((1, 40, 50), step))
        states.append(layer.data.copy())
        layer.paint((2, 20, 20), 7)
        states.append(layer.data.copy())
    for state in reversed(states[:-1]):
        layer.undo()
        np.testing.assert_array_equal(layer.data, state)


def test_what_stays_the_same_is_no_step(layer):
    edit(layer, PLANE, noise((1, 40, 50)))
    before = layer.data.copy()
    assert edit(layer, PLANE, noise((1, 40, 50))) == 0
    layer.undo()
    assert (layer.data != before).any()


def test_listeners_hear_of_one_change_that_is_made_already(layer):
    heard = []
    layer.events.paint.connect(lambda event: heard.append(layer.data.copy()))
    edit(layer, WHOLE, noise(layer.data.shape))
    assert len(heard) == 1
    np.testing.assert_array_equal(heard[0], noise(layer.data.shape))


def test_only_the_box_around_the_change_is_remembered(monkeypatch):
    monkeypatch.setattr(edits, "_FEW", 10)
    layer = Labels(np.zeros((9, 400, 500), np.uint8))
    new = layer.data.copy()
    new[4, 100:120, 200:240] = 3
    kept = []
    layer.events.paint.connect(lambda event: kept.extend(event.value))
    edit(layer, WHOLE, new)
    assert [part.nbytes for part in kept[0][1:]] == [800, 800]


def test_a_layer_that_is_too_narrow_gets_a_larger_type(layer):
    edit(layer, PLANE, noise((1, 40, 50)))
    first = layer.data.copy()
    edit(layer, PLANE, np.full((1, 40, 50), 300))
    assert layer.data.dtype == np.uint16
    assert (layer.data[2] == 300).all()
    layer.undo()
    np.testing.assert_array_equal(layer.data, first)


def test_the_oldest_steps_make_room_for_the_latest(layer, monkeypatch):
    monkeypatch.setattr(edits, "HISTORY_BYTES", 3 * 2 * layer.data.nbytes)
    monkeypatch.setattr(edits, "_FEW", 10)
    states = []
    for step in range(6):
        states.append(layer.data.copy())
        edit(layer, WHOLE, noise(layer.data.shape, step))
    for state in reversed(states[3:]):
        layer.undo()
        np.testing.assert_array_equal(layer.data, state)
    layer.undo()
    np.testing.assert_array_equal(layer.data, states[3])


def test_values_of_another_shape_are_refused(layer):
    with pytest.raises(InputError, match="1 x 40 x 50 are to be changed"):
        edit(layer, PLANE, np.zeros((1, 40, 49)))


def test_the_layer_of_a_plugin_is_a_proxy_and_is_changed_like_any(viewer, layer):
    proxy = viewer.add_layer(layer)
    before = layer.data.copy()
    edit(proxy, PLANE, noise((1, 40, 50)))
    np.testing.assert_array_equal(layer.data[2], noise((40, 50)))
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)


@pytest.mark.parametrize("number", [300, 2**33])
def test_no_number_is_lost_and_what_is_ignored_stays(number):
    layer = Labels(np.full((4, 5), -1, np.int8))
    edit(layer, (slice(0, 1), slice(None)), np.full((1, 5), number))
    assert np.unique(layer.data).tolist() == [-1, number]


def test_what_no_brush_may_change_is_taken_back_all_the_same(viewer, layer):
    viewer.add_layer(layer)
    before = layer.data.copy()
    edit(layer, PLANE, noise((1, 40, 50)))
    protect(layer)
    assert not layer.editable
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)
    layer.redo()
    take_up(viewer, layer)
    assert layer.editable
    assert (viewer.layers.selection.active, layer.mode) == (layer, "paint")
    layer.undo()
    np.testing.assert_array_equal(layer.data, before)


@pytest.mark.parametrize("hidden", ["at first", "before the slider moved"])
def test_a_hidden_layer_is_changed_as_one_that_is_seen(layer, hidden):
    viewer = ViewerModel()
    shown = viewer.add_labels(layer.data, visible=hidden != "at first")
    shown.visible = False
    viewer.dims.set_point(0, 4)
    before, box = shown.data.copy(), (slice(1, 3), slice(3, 30), slice(3, 40))
    edit(shown, box, np.full((2, 27, 37), 300))
    assert (shown.data[box] == 300).all()
    shown.undo()
    np.testing.assert_array_equal(shown.data, before)
