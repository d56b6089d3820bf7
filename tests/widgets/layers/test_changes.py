"""Every way in which a labels layer changes is noticed, slice by slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet.widgets.layers.changes import LabelChanges


@pytest.fixture
def layer(viewer: Any) -> Any:
    return viewer.add_labels(np.zeros((5, 40, 50), np.uint8), name="annotations")


@pytest.fixture
def told(layer: Any, qtbot: Any) -> Any:
    changes = LabelChanges(layer)
    slices: list[tuple[int, np.ndarray]] = []
    changes.changed.connect(lambda z, labels: slices.append((z, labels)))
    yield slices
    changes.close()


def wait(qtbot: Any, told: list, count: int = 1) -> None:
    qtbot.waitUntil(lambda: len(told) >= count, timeout=5000)


def test_a_stroke_tells_its_slice(layer: Any, told: list, qtbot: Any) -> None:
    layer.paint((3, 20, 20), 2)
    wait(qtbot, told)
    assert [z for z, _ in told] == [3]
    np.testing.assert_array_equal(told[0][1], layer.data[3])


def test_undo_and_redo_are_noticed(layer: Any, told: list, qtbot: Any) -> None:
    layer.paint((3, 20, 20), 2)
    wait(qtbot, told)
    layer.undo()
    wait(qtbot, told, 2)
    assert told[1][0] == 3
    assert not told[1][1].any()
    layer.redo()
    wait(qtbot, told, 3)
    assert told[2][1].any()


def test_a_fill_and_a_brush_of_three_dimensions_tell_all_their_slices(
    layer: Any, told: list, qtbot: Any
) -> None:
    layer.n_edit_dimensions = 3
    layer.brush_size = 5
    layer.paint((2, 20, 20), 1)
    wait(qtbot, told, 3)
    assert {z for z, _ in told} >= {1, 2, 3}
    told.clear()
    layer.fill((0, 0, 0), 4)
    wait(qtbot, told, 5)
    assert {z for z, _ in told} == {0, 1, 2, 3, 4}


def test_new_data_and_data_changed_in_place_are_noticed(
    layer: Any, told: list, qtbot: Any
) -> None:
    layer.data[4, 3:9, 3:9] = 7
    layer.refresh()
    wait(qtbot, told)
    assert told[0][0] == 4
    data = layer.data.copy()
    data[1] = 2
    layer.data = data
    wait(qtbot, told, 2)
    assert told[1][0] == 1


def test_looking_at_other_slices_tells_nothing(
    viewer: Any, layer: Any, told: list, qtbot: Any
) -> None:
    for z in range(5):
        viewer.dims.set_point(0, z)
    qtbot.wait(200)
    assert told == []


def test_another_shape_is_told_once_and_ends_the_watch(layer: Any, qtbot: Any) -> None:
    changes = LabelChanges(layer)
    with qtbot.waitSignal(changes.reshaped, timeout=5000):
        layer.data = np.zeros((5, 40, 60), np.uint8)
    with qtbot.assertNotEmitted(changes.changed, wait=100):
        layer.paint((3, 20, 20), 2)


def test_a_single_slice_is_slice_0(viewer: Any, qtbot: Any) -> None:
    layer = viewer.add_labels(np.zeros((40, 50), np.uint8))
    changes = LabelChanges(layer)
    with qtbot.waitSignal(changes.changed, timeout=5000) as signal:
        layer.paint((20, 20), 2)
    assert signal.args[0] == 0
    changes.close()
