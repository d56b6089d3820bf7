"""The Proofread dock changes what it says, one step of undo at a time."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import pytest

from napari_unet.widgets.layers.marks import REVIEWED
from napari_unet.widgets.layers.proxy import real
from napari_unet.widgets.layers.roles import Role, set_role

NM = {"scale": (50, 4, 4), "units": ("nm",) * 3}


@pytest.fixture
def cells() -> np.ndarray:
    labels = np.zeros((3, 40, 60), np.uint8)
    labels[:, 10:25, 5:25] = 3
    labels[:, 10:25, 28:50] = 3
    labels[:, 16:19, 25:28] = 3
    labels[:, 30:38, 5:50] = 8
    return labels


@pytest.fixture
def proofread(viewer: Any, cells: np.ndarray, qtbot: Any) -> Any:
    """The dock over two objects of three slices, one of which is two cells."""
    viewer.add_image(cells, name="em", **NM)
    layer = viewer.add_labels(cells.copy(), name="prediction", **NM)
    set_role(layer, Role.PREDICTION)
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Proofread")
    qtbot.waitUntil(lambda: not dock._job.running, timeout=20_000)
    return dock


def test_a_line_splits_the_object_under_it_in_all_slices_or_in_one(
    proofread: Any, viewer: Any, cells: np.ndarray
) -> None:
    layer = viewer.layers["prediction"]
    viewer.dims.set_current_step(0, 1)
    across = np.array([[1, 13.0, 26.0], [1, 22.0, 26.0]])
    proofread.split_along(across)
    assert (layer.data[:, 10:25, 5:25] == 9).all()
    layer.undo()
    np.testing.assert_array_equal(layer.data, cells)
    proofread.this_slice.setChecked(True)
    proofread.split_along(across)
    assert (layer.data[1, 10:25, 5:25] == 10).all()  # 9 was taken
    np.testing.assert_array_equal(layer.data[[0, 2]], cells[[0, 2]])


def test_the_message_takes_a_change_back(
    proofread: Any, viewer: Any, cells: np.ndarray
) -> None:
    layer = viewer.layers["prediction"]
    proofread.choose(3)
    proofread.merge_with(8)
    assert "8 merged into 3" in proofread.status.text()
    assert set(np.unique(layer.data)) == {0, 3}
    proofread.status.action_button.click()
    np.testing.assert_array_equal(layer.data, cells)


def test_every_button_says_why_it_waits(proofread: Any) -> None:
    for made in (*proofread.acts.values(), proofread.review_button):
        assert not made.isEnabled()
        assert made.toolTip()
    proofread.choose(3)
    assert all(made.isEnabled() for made in proofread.acts.values())


def test_objects_are_reviewed_one_after_the_other(proofread: Any, viewer: Any) -> None:
    layer = viewer.layers["prediction"]
    proofread.next_object()
    assert proofread.number == 3
    proofread.review_button.click()
    assert proofread.number == 8
    assert "1 of 2 reviewed" in proofread.status.text()
    assert layer.metadata[REVIEWED]["objects"] == [3]
    proofread.review_button.click()
    assert "All objects" in proofread.status.text()
    # What is changed was not seen as it is now.
    proofread.choose(3)
    proofread.acts["grow"].click()
    assert layer.metadata[REVIEWED]["objects"] == [8]


def test_what_cannot_be_done_is_said_and_nothing_changes(
    proofread: Any, viewer: Any, cells: np.ndarray, monkeypatch: Any
) -> None:
    layer = viewer.layers["prediction"]
    said: list[str] = []
    monkeypatch.setattr("napari_unet.widgets.proofread.dock.show_error", said.append)
    proofread.choose(3)
    proofread.split_along(np.array([[0, 2.0, 2.0], [0, 2.0, 40.0]]))
    proofread.acts["between"].click()
    assert len(said) == 2
    assert "No slice lies between" in said[1]
    np.testing.assert_array_equal(layer.data, cells)
    assert real(layer)._undo_history == deque()


def test_strokes_and_undo_are_known_to_the_tools(
    proofread: Any, viewer: Any, qtbot: Any
) -> None:
    layer = viewer.layers["prediction"]
    layer.data_setitem((np.array([0]), np.array([39]), np.array([59])), 3)
    find = proofread._whole().find
    qtbot.waitUntil(lambda: find(3)[2].stop == 60)
    proofread.choose(3)
    proofread.acts["largest"].click()
    assert layer.data[0, 39, 59] == 0
    layer.undo()
    assert layer.data[0, 39, 59] == 3
    qtbot.waitUntil(lambda: find(3)[2].stop == 60)
    proofread.acts["delete"].click()
    assert not (layer.data == 3).any()


def test_labels_of_a_single_slice_are_corrected_too(viewer: Any, qtbot: Any) -> None:
    labels = np.zeros((20, 21), np.uint8)
    labels[2:18, 2:10], labels[2:18, 11:19] = 1, 2
    layer = viewer.add_labels(labels)
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Proofread")
    qtbot.waitUntil(lambda: not dock._job.running, timeout=20_000)
    assert not dock.this_slice.isVisible()
    dock.choose(1)
    dock.merge_with(2)
    assert (layer.data[2:18, 2:19] == 1).all()
    dock.split_along(np.array([[0.0, 10.0], [19.0, 10.0]]))
    assert len(np.unique(layer.data)) == 3


def test_the_mouse_moves_the_image_again_once_the_tools_are_out_of_sight(
    proofread: Any, viewer: Any
) -> None:
    layer = viewer.layers["prediction"]
    proofread.modes["split"].click()
    assert not layer.mouse_pan
    viewer.layers.selection.active = viewer.layers["em"]
    proofread.modes["split"].click()
    assert layer.mouse_pan
    proofread.modes["split"].click()
    proofread.hide()
    assert layer.mouse_pan
    assert not proofread.modes["split"].isChecked()
