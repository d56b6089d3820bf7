"""The Proofread dock changes what it says, one step of undo at a time."""

from __future__ import annotations

import threading
from collections import deque
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import QCoreApplication
from qtpy.QtGui import QShowEvent

from napari_unet.data.painted_slices import PaintedSlices
from napari_unet.proofread.reviewed import Reviewed
from napari_unet.widgets.layers.proxy import real
from napari_unet.widgets.layers.roles import Role, role_of, set_role
from napari_unet.widgets.project.open_project import OpenProject
from napari_unet.widgets.project.workspace import Workspace

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


def test_labels_chosen_while_others_are_looked_through_are_so_too(
    proofread: Any,
    viewer: Any,
    cells: np.ndarray,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go, look, aside = threading.Event(), Reviewed.objects, []

    def slow(self: Reviewed) -> set[int]:
        if threading.current_thread() is not threading.main_thread():
            assert go.wait(20)
            aside.append(np.unique(self.boxes.labels).tolist())
        return look(self)

    monkeypatch.setattr(Reviewed, "objects", slow)
    first = viewer.add_labels(cells.copy(), name="first", **NM)
    proofread.labels.setValue(first)
    assert proofread._job.running
    second = viewer.add_labels(np.where(cells == 8, cells, 0), name="second", **NM)
    proofread.labels.setValue(second)
    viewer.layers.remove("first")
    go.set()
    qtbot.waitUntil(lambda: not proofread._job.running, timeout=20_000)
    assert aside == [[0, 3, 8], [0, 8]]
    assert "0 of 1 object," in proofread.review.progress.text()


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


def test_smoothing_takes_slices_for_as_thick_as_they_are(
    proofread: Any, viewer: Any
) -> None:
    layer = viewer.layers["prediction"]
    layer.data[2] = 0
    proofread.choose(8)
    proofread.acts["smooth"].click()
    assert (layer.data[:2, 31:37, 8:47] == 8).all()
    assert not layer.data[2].any()


def test_the_brush_is_laid_down_where_the_dock_is_opened(
    proofread: Any, viewer: Any
) -> None:
    annotations = viewer.add_labels(np.zeros((3, 40, 60), np.uint8), **NM)
    annotations.mode = "paint"
    assert viewer.layers.selection.active == annotations
    # What Qt sends once a dock is seen; the window of these tests never is.
    QCoreApplication.sendEvent(proofread, QShowEvent())
    active = viewer.layers.selection.active
    assert (active, active.mode) == (viewer.layers["prediction"], "pan_zoom")
    assert annotations.mode == "paint"


def test_the_message_takes_a_change_back(
    proofread: Any, viewer: Any, cells: np.ndarray
) -> None:
    layer = viewer.layers["prediction"]
    proofread.choose(3)
    proofread.merge_with(8)
    assert proofread.status.text() == "8 merged into 3"
    assert set(np.unique(layer.data)) == {0, 3}
    proofread.status.action_button.click()
    np.testing.assert_array_equal(layer.data, cells)
    # What is on record as a file is not kept.
    set_role(layer, Role.TRUTH)
    proofread.choose(3)
    proofread.merge_with(8)
    assert "save the layer" in proofread.status.text()


def test_corrections_are_kept_with_no_other_dock(
    viewer: Any, cells: np.ndarray, qtbot: Any
) -> None:
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Proofread")
    viewer.add_image(cells, name="em", **NM)
    layer = viewer.add_labels(cells.copy(), name="cells", **NM)
    qtbot.waitUntil(lambda: Workspace.of(viewer).annotations == layer)
    dock.choose(3)
    dock.merge_with(8)
    opened = OpenProject.of(viewer)
    opened.keeper.finish()
    opened.wait()
    kept = tifffile.imread(opened.project.journal.newest("cells").path)
    np.testing.assert_array_equal(kept, layer.data)


def test_every_button_says_why_it_waits(proofread: Any) -> None:
    take = proofread.modes["take"]
    for made in (*proofread.acts.values(), proofread.review.review_button, take):
        assert not made.isEnabled()
        assert made.toolTip()
    proofread.choose(3)
    assert all(made.isEnabled() for made in proofread.acts.values())


def test_objects_then_slices_are_reviewed_one_after_the_other(
    proofread: Any, viewer: Any, qtbot: Any
) -> None:
    layer, review = viewer.layers["prediction"], proofread.review
    review.next()
    assert proofread.number == 3
    review.review_button.click()
    assert proofread.number == 8
    assert "1 of 2 objects, 0 of 3 slices" in proofread.status.text()
    proofread.status.action_button.click()  # takes the mark back
    assert "0 of 2 objects" in review.progress.text()
    for number in (3, 8):
        proofread.choose(number)
        review.review_button.click()
    assert "All objects" in proofread.status.text()
    for z in (0, 1, 2):
        assert viewer.dims.current_step[0] == z
        review.review_button.click()
    assert "All is reviewed" in proofread.status.text()
    # What is changed was not seen as it is now, unless that is undone.
    proofread.choose(3)
    proofread.acts["grow"].click()
    assert proofread.watch.reviewed.words() == "1 of 2 objects, 0 of 3 slices"
    layer.undo()
    proofread.acts["delete"].click()
    assert proofread.watch.reviewed.words().startswith("1 of 1 object,")
    proofread.review.next()
    layer.undo()
    words = "2 of 2 objects,\n3 of 3 slices"
    qtbot.waitUntil(lambda: words in review.progress.text())


def test_marks_are_kept_in_the_project(
    proofread: Any, viewer: Any, project: Any, open_dock: Any, ready: Any, qtbot: Any
) -> None:
    proofread.choose(3)
    proofread.review.review_button.click()
    viewer.dims.set_current_step(0, 0)
    proofread.review.slice_button.click()
    project.predictions.now()
    folder = project.project.folder
    project.close()
    assert "reviewed:" in (folder / "project.yaml").read_text(encoding="utf-8")
    other, box, _ = open_dock()
    box.open(folder)
    ready(box)
    _, dock = other.window.add_plugin_dock_widget("napari-unet-em", "Proofread")
    qtbot.waitUntil(lambda: not dock._job.running, timeout=20_000)
    assert dock.watch.reviewed.objects() == {3}
    assert dock.watch.reviewed.slices() == {0}


def test_what_is_reviewed_and_nothing_else_goes_into_training(
    proofread: Any, viewer: Any, qtbot: Any, monkeypatch: Any
) -> None:
    said: list[str] = []
    path = "napari_unet.widgets.proofread.review_box.show_error"
    monkeypatch.setattr(path, said.append)
    workspace, review = Workspace.of(viewer), proofread.review
    kept = viewer.add_labels(np.zeros((3, 40, 60), int), name="mine", **NM)
    workspace.annotations = kept
    viewer.dims.set_current_step(0, 0)
    review.slice_button.click()
    review.train_button.click()
    qtbot.waitUntil(lambda: not review.job.running)
    made = workspace.annotations
    assert (workspace.kind, workspace.coverage.complete) == ("objects", "0")
    assert role_of(made) is Role.ANNOTATIONS
    np.testing.assert_array_equal(made.data[0], viewer.layers["prediction"].data[0])
    assert not made.data[1:].any()
    assert "1 slice" in proofread.status.text()
    proofread.status.action_button.click()
    assert made not in viewer.layers
    assert workspace.annotations == kept


def test_a_missed_object_is_taken_from_the_probability_of_its_place(
    proofread: Any, viewer: Any, cells: np.ndarray
) -> None:
    layer = viewer.layers["prediction"]
    probable = np.zeros(cells.shape, np.float32)
    probable[:, 2:8, 30:50] = 0.4
    viewer.add_image(probable, name="probability", **NM)
    box = (slice(0, 1), slice(2, 8), slice(30, 50))
    proofread.offer_missed(layer, (0, 5, 40), box, True)
    proofread.threshold.setValue(0.3)
    proofread.status.action_button.click()
    assert (layer.data[0, 2:8, 30:50] == 9).all()
    np.testing.assert_array_equal(layer.data[1:], cells[1:])
    proofread.status.action_button.click()
    np.testing.assert_array_equal(layer.data, cells)
    proofread.this_slice.setChecked(False)
    proofread._on_clicked((1, 3, 31))
    assert np.count_nonzero(layer.data > 8) == probable.astype(bool).sum()
    layer.undo()
    np.testing.assert_array_equal(layer.data, cells)


def test_probabilities_are_taken_from_as_files_hold_them(
    proofread: Any, viewer: Any, cells: np.ndarray
) -> None:
    layer = viewer.layers["prediction"]
    missed = np.zeros(cells.shape, bool)
    missed[:, 2:8, 30:50] = True
    in_bytes = np.where(missed, 200, 20).astype(np.uint8)
    first_background = np.stack([1 - missed, missed]).astype(np.float32)
    named = {"axis_labels": ("c", "z", "y", "x"), "units": ("pixel", *NM["units"])}
    scale = (1, *NM["scale"])
    for data, place in ((in_bytes, NM), (first_background, {**named, "scale": scale})):
        map_ = viewer.add_image(data, name="probability", **place)
        proofread.modes["take"].setChecked(True)
        proofread._on_clicked((1, 3, 31))
        np.testing.assert_array_equal((layer.data > 0) & (cells == 0), missed)
        layer.undo()
        viewer.layers.remove(map_)


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
    viewer.add_image(np.zeros((9, 40, 60)), name="longer", **NM)
    viewer.dims.set_current_step(0, 8)
    proofread.split_along(np.array([[8, 2.0, 2.0], [8, 2.0, 40.0]]))
    assert "No slice of prediction is shown" in said[2]
    proofread.review._at_slice = True
    proofread.watch.reviewed.mark(3)
    proofread.watch.reviewed.mark(8)
    proofread.review.next_button.click()
    assert viewer.dims.current_step[0] == 0
    np.testing.assert_array_equal(layer.data, cells)
    assert real(layer)._undo_history == deque()


def test_strokes_and_undo_are_known_to_the_tools(
    proofread: Any, viewer: Any, qtbot: Any
) -> None:
    layer = viewer.layers["prediction"]
    layer.data_setitem((np.array([0]), np.array([39]), np.array([59])), 3)
    find = proofread.watch.boxes.find
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


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (8, 8), (9**5, 9999, 9999)])
def test_labels_that_cannot_be_corrected_say_why(viewer: Any, shape: Any) -> None:
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Proofread")
    data: Any
    if shape[0] < 9:
        data = np.ones(shape, np.uint8)
        data.flags.writeable = False
    else:
        data = PaintedSlices(shape, np.uint8)
    viewer.add_labels(data, name="given")
    dock.choose(1)
    for made in (*dock.modes.values(), *dock.acts.values(), dock.review.next_button):
        assert not made.isEnabled()
    assert "given" in dock.modes["merge"].toolTip()


@pytest.mark.one_binding
def test_objects_numbered_anew_stay_reviewed_and_can_be_taken_back(
    proofread: Any, viewer: Any, cells: np.ndarray, qtbot: Any
) -> None:
    layer, said = viewer.layers["prediction"], proofread.status
    layer.features = {"index": [0, 2, 3, 8], "cell": ["", "gone", "large", "small"]}

    def cells_by_number() -> dict[int, str]:
        found: dict[int, str] = layer.features.set_index("index")["cell"].to_dict()
        return found

    before = cells_by_number()
    proofread.choose(8)
    proofread.review.review()
    proofread.choose(3)
    proofread.renumber()
    after = {0: "", 1: "large", 2: "small"}
    assert cells_by_number() == after
    assert "2 objects numbered anew" in said.text()
    np.testing.assert_array_equal(
        layer.data, np.select([cells == 3, cells == 8], [1, 2])
    )
    assert (proofread.number, proofread.watch.reviewed.objects()) == (0, {2})
    said.action_button.click()
    np.testing.assert_array_equal(layer.data, cells)
    assert proofread.watch.reviewed.objects() == {8}
    assert proofread.watch.boxes.numbers() == [3, 8]
    qtbot.waitUntil(lambda: cells_by_number() == before, timeout=5_000)
    proofread.renumber()
    assert cells_by_number() == after
    layer.undo()
    qtbot.waitUntil(lambda: proofread.watch.reviewed.objects() == {8}, timeout=5_000)
    assert cells_by_number() == before
    layer.redo()
    qtbot.waitUntil(lambda: cells_by_number() == after, timeout=5_000)


@pytest.mark.one_binding
def test_what_was_deleted_is_not_reviewed_but_the_next_object_is_shown(
    proofread: Any,
) -> None:
    proofread.choose(3)
    proofread.act("delete")
    proofread.review.review()
    assert proofread.number == 8
    assert proofread.watch.reviewed.objects() == set()


@pytest.mark.one_binding
@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2)])
def test_a_line_is_not_taken_for_another_where_the_view_is_turned(
    proofread: Any,
    viewer: Any,
    cells: np.ndarray,
    capsys: Any,
    monkeypatch: Any,
    order: Any,
) -> None:
    monkeypatch.setattr(proofread, "isVisible", lambda: True)
    viewer.dims.order = order
    proofread.take("split")
    press = SimpleNamespace(pos=(0, 0), position=(50, 52, 104), button=1)
    press.type = "mouse_press"
    way = proofread.canvas._on_press(viewer, press)
    next(way)
    press.type, press.pos, press.position = "mouse_move", (9, 9), (50, 88, 104)
    next(way)
    press.type = "mouse_release"
    assert next(way, None) is None
    turned = order != (0, 1, 2)
    assert (viewer.layers["prediction"].data == cells).all() == turned
    assert ("in the view of Y and X alone" in capsys.readouterr().out) == turned


def test_what_is_reviewed_of_labels_with_empty_axes_goes_into_training(
    proofread: Any, viewer: Any, cells: np.ndarray, qtbot: Any
) -> None:
    """OME-Zarr, as other programs open it, has a time point and a channel of one."""
    layer = viewer.add_labels(cells[None, None].copy(), name="seg")
    layer.scale, layer.units = (1, 1, 50, 4, 4), ("pixel", "pixel", *NM["units"])
    proofread.labels.setValue(layer)
    review = proofread.review
    viewer.dims.set_point(2, 0)
    review.slice_button.click()
    review.train_button.click()
    qtbot.waitUntil(lambda: not review.job.running)
    made = Workspace.of(viewer).annotations
    assert made.name == "seg reviewed"
    np.testing.assert_array_equal(made.data[0], cells[0])
