"""Every way in which a labels layer changes is noticed, slice by slice."""

from __future__ import annotations

import gc
import re
import weakref
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
from napari.layers import Labels

from napari_unet.widgets.layers import changes
from napari_unet.widgets.layers.changes import LabelChanges


@pytest.fixture
def layer(viewer: Any) -> Any:
    return viewer.add_labels(np.zeros((5, 40, 50), np.uint8), name="annotations")


@pytest.fixture
def heard(layer: Any, qtbot: Any) -> Any:
    watch = LabelChanges.of(layer)
    slices: list[tuple[int, np.ndarray]] = []
    watch.changed.connect(lambda z, labels: slices.append((z, labels)))
    # What napari tells while it shows a new layer is over then.
    qtbot.wait(100)
    return slices


def wait(qtbot: Any, heard: list, count: int = 1) -> None:
    qtbot.waitUntil(lambda: len(heard) >= count, timeout=30_000)


def test_a_stroke_tells_its_slice(layer: Any, heard: list, qtbot: Any) -> None:
    layer.paint((3, 20, 20), 2)
    wait(qtbot, heard)
    assert [z for z, _ in heard] == [3]
    np.testing.assert_array_equal(heard[0][1], layer.data[3])


def test_a_stroke_of_the_brush_is_told_at_once(layer: Any, heard: list) -> None:
    with layer.block_history():  # as between pressing and releasing the button
        layer.paint((3, 20, 20), 2)
    assert [z for z, _ in heard] == [3]


def test_undo_and_redo_are_noticed(layer: Any, heard: list, qtbot: Any) -> None:
    layer.paint((3, 20, 20), 2)
    wait(qtbot, heard)
    layer.undo()
    wait(qtbot, heard, 2)
    assert heard[1][0] == 3
    assert not heard[1][1].any()
    layer.redo()
    wait(qtbot, heard, 3)
    assert heard[2][1].any()


def test_a_fill_and_a_brush_of_three_dimensions_tell_all_their_slices(
    layer: Any, heard: list, qtbot: Any
) -> None:
    layer.n_edit_dimensions = 3
    layer.brush_size = 5
    layer.paint((2, 20, 20), 1)
    wait(qtbot, heard, 3)
    assert {z for z, _ in heard} >= {1, 2, 3}
    heard.clear()
    layer.fill((0, 0, 0), 4)
    wait(qtbot, heard, 5)
    assert {z for z, _ in heard} == {0, 1, 2, 3, 4}


def test_new_data_and_data_changed_in_place_are_noticed(
    layer: Any, heard: list, qtbot: Any
) -> None:
    layer.data[4, 3:9, 3:9] = 7
    layer.refresh()
    wait(qtbot, heard)
    assert heard[0][0] == 4
    data = layer.data.copy()
    data[1] = 2
    layer.data = data
    wait(qtbot, heard, 2)
    assert heard[1][0] == 1


def test_looking_at_other_slices_tells_nothing(
    viewer: Any, layer: Any, heard: list, qtbot: Any
) -> None:
    for z in range(5):
        viewer.dims.set_point(0, z)
    qtbot.wait(200)
    assert heard == []


def test_another_shape_is_told_once_and_watched_from_then_on(
    layer: Any, heard: list, qtbot: Any
) -> None:
    reshaped: list[bool] = []
    LabelChanges.of(layer).reshaped.connect(lambda: reshaped.append(True))
    layer.data = np.zeros((5, 40, 60), np.uint8)
    assert reshaped == [True]
    qtbot.wait(100)
    assert heard == []
    layer.paint((3, 20, 20), 2)
    wait(qtbot, heard)
    assert heard[0][1].shape == (40, 60)
    assert reshaped == [True]


def test_a_single_slice_is_slice_0(viewer: Any, qtbot: Any) -> None:
    layer = viewer.add_labels(np.zeros((40, 50), np.uint8))
    with qtbot.waitSignal(LabelChanges.of(layer).changed, timeout=30_000) as signal:
        layer.paint((20, 20), 2)
    assert signal.args[0] == 0


def test_a_stack_of_one_moment_is_a_stack(viewer: Any, qtbot: Any) -> None:
    layer = viewer.add_labels(np.zeros((1, 5, 40, 50), np.uint8))
    heard: list[tuple] = []
    LabelChanges.of(layer).changed.connect(lambda *all_of: heard.append(all_of))
    layer.paint((0, 3, 20, 20), 2)
    wait(qtbot, heard)
    layer.undo()
    wait(qtbot, heard, 2)
    assert [z for z, *_ in heard] == [3, 3]
    assert heard[0][1].shape == (40, 50)


def test_the_rows_that_have_changed_are_told(layer: Any, qtbot: Any) -> None:
    rows: list[slice] = []
    LabelChanges.of(layer).changed.connect(lambda *all_of: rows.append(all_of[2]))
    some = (np.array([3, 3]), np.array([7, 12]), np.array([4, 30]))
    layer.data_setitem(some, np.array([2, 3], np.uint8))
    wait(qtbot, rows)
    layer.undo()
    wait(qtbot, rows, 2)
    assert rows == [slice(7, 13)] * 2


def test_what_was_written_in_silence_is_told_beside_a_stroke(
    layer: Any, heard: list, qtbot: Any
) -> None:
    rows: list[slice] = []
    LabelChanges.of(layer).changed.connect(lambda *all_of: rows.append(all_of[2]))
    layer.data[3, 30] = 1  # and no refresh
    layer.paint((3, 10, 20), 2)
    wait(qtbot, rows)
    layer.refresh()
    qtbot.waitUntil(lambda: rows[-1].stop == 31, timeout=30_000)
    assert rows[0].start == 5


def test_an_edit_is_told_though_something_else_was_found_as_it_was_announced(
    layer: Any, heard: list, qtbot: Any
) -> None:
    layer.paint((3, 20, 20), 2)
    wait(qtbot, heard)
    layer.data[:] = 0  # in silence
    place = (np.array([3]), np.array([20]), np.array([30]))
    # As in a window, where a part is drawn anew and napari tells nothing more.
    layer.data_setitem(place, 1, refresh=False)
    wait(qtbot, heard, 3)
    np.testing.assert_array_equal(heard[-1][1], layer.data[3])
    assert heard[-1][1].any()


def test_all_who_listen_share_one_watch_and_one_copy(layer: Any, qtbot: Any) -> None:
    real = layer.__wrapped__
    assert LabelChanges.of(layer) is LabelChanges.of(real)
    copies: list[np.ndarray] = []
    for _ in range(2):
        LabelChanges.of(layer).changed.connect(lambda _z, one: copies.append(one))
    layer.paint((3, 20, 20), 2)
    wait(qtbot, copies, 2)
    assert copies[0] is copies[1]
    assert not np.shares_memory(copies[0], layer.data)


def test_edits_are_told_and_looking_around_is_not(
    viewer: Any, layer: Any, qtbot: Any
) -> None:
    edited: list[Any] = []
    LabelChanges.of(layer).edited.connect(edited.append)
    layer.paint((3, 20, 20), 2)
    # At once, and again once a stroke by a program is in the data.
    assert edited == [layer]
    wait(qtbot, edited, 2)
    viewer.dims.set_point(0, 1)
    qtbot.wait(100)
    assert len(edited) == 2
    layer.undo()
    wait(qtbot, edited, 3)
    layer.data = np.ones_like(layer.data)
    assert len(edited) == 4


def test_every_drawing_is_told_a_brush_in_motion_too(layer: Any, viewer: Any) -> None:
    drawn: list[bool] = []
    LabelChanges.of(layer).drawn.connect(lambda: drawn.append(True))
    viewer.dims.set_point(0, 2)
    with layer.block_history():  # as between pressing and releasing the button
        before = len(drawn)
        layer.paint((2, 20, 20), 2)
        assert len(drawn) > before


@pytest.mark.parametrize("lazy", [da.from_array, np.asarray])
def test_labels_that_are_not_in_memory_are_never_read_as_a_whole(
    viewer: Any, qtbot: Any, lazy: Any
) -> None:
    data = np.zeros((5, 40, 50), np.uint8)
    data.flags.writeable = False
    layer = viewer.add_labels(lazy(data))
    edited: list[Any] = []
    watch = LabelChanges.of(layer)
    watch.edited.connect(edited.append)
    assert not watch._marks.known
    layer.data = np.ones_like(data)
    wait(qtbot, edited)


def test_a_layer_that_is_gone_is_not_kept_by_its_watch() -> None:
    layer = Labels(np.zeros((5, 40, 50), np.uint8))
    LabelChanges.of(layer).edited.connect(lambda _layer: None)
    gone = weakref.ref(layer)
    del layer
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
@pytest.mark.parametrize("width", [1, 13, 64])
def test_no_change_of_a_few_pixels_goes_unnoticed(
    dtype: type, width: int, qtbot: Any
) -> None:
    rng = np.random.default_rng(0)
    layer = Labels(rng.integers(0, 3, (1, 500, width)).astype(dtype))
    watch, before = LabelChanges.of(layer), layer.data.copy()
    rows: list[slice] = []
    watch.changed.connect(lambda *all_of: rows.append(all_of[2]))
    # The last of 8 bytes is where a sum of multiples could miss a change.
    where = np.arange(width - 1, -1, -8)
    for row in range(500):
        layer.data[0, row, rng.choice(where, rng.integers(1, 3))] ^= 1 << 6
    changed = np.flatnonzero((layer.data != before).any(axis=(0, 2)))
    for row in changed:
        watch._compare(layer.data, 0, slice(row, row + 1))
    assert [one.start for one in rows] == changed.tolist()


def test_nothing_else_in_the_docks_listens_to_edits_of_a_layer() -> None:
    folder = Path(changes.__file__).parents[1]
    others = [path for path in folder.rglob("*.py") if path.name != "changes.py"]
    assert len(others) > 20
    events = re.compile(r"events\.(paint|set_data|labels_update)\b|\"set_data\"")
    assert [path.name for path in others if events.search(path.read_text())] == []
