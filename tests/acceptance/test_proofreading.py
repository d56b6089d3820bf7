"""Errors of a prediction are corrected in the window, by the mouse alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtTest import QTest

from napari_unet.config import AnnotationKind
from napari_unet.data.read import read_stack
from napari_unet.predict.segment import segment
from napari_unet.score.comparison import Comparison, compare
from napari_unet.score.errors.error_kinds import ErrorKind
from napari_unet.score.errors.errors_of_objects import find_errors
from napari_unet.score.scoring import score
from napari_unet.widgets.layers.eye import ERRORS, Eye
from napari_unet.widgets.layers.marks import PREDICTED

SIDE = 256


@pytest.fixture(scope="module")
def predicted(real_data: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Image, predicted and true objects of four sections of the medulla."""
    image = np.asarray(read_stack(real_data / "medulla-raw.tif").as_zyx())
    truth = np.asarray(read_stack(real_data / "medulla-bodies.tif").as_zyx())
    image, truth = image[:40:10, :SIDE, :SIDE], truth[:40:10, :SIDE, :SIDE]
    found = segment("em-membranes", image).labels
    return image, np.asarray(found), np.unique(truth, return_inverse=True)[1]


def comparison(prediction: np.ndarray, truth: np.ndarray) -> Comparison:
    return compare(prediction, truth, AnnotationKind.OBJECTS, volume=False)


def scores(prediction: np.ndarray, truth: np.ndarray) -> Any:
    return score(comparison(prediction, truth))


def inside(mask: np.ndarray) -> tuple[int, int]:
    """Return the pixel deepest in a mask, (Y, X)."""
    from scipy.ndimage import distance_transform_edt

    deep = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return tuple(int(at) for at in np.unravel_index(deep.argmax(), deep.shape))


@pytest.mark.real_data
def test_ten_errors_are_mended_and_undone(
    predicted: Any, make_napari_viewer: Any, qtbot: Any, hand_of: Any
) -> None:
    image, before, truth = predicted
    viewer = make_napari_viewer(show=True)
    viewer.add_image(image, name="em")
    layer = viewer.add_labels(before.copy(), name="prediction")
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Proofread")
    hand = hand_of(viewer)
    dock.this_slice.setChecked(True)
    qtbot.waitUntil(lambda: not dock._job.running, timeout=20_000)
    mended = 0
    history = layer._undo_history
    for _ in range(10):
        errors = find_errors(
            compare(layer.data, truth, AnnotationKind.OBJECTS, volume=False)
        ).errors
        for error in errors:
            if mend(error, layer, truth, viewer, dock, hand):
                mended += 1
                break
    assert mended == 10
    assert len(history) == 10
    first, last = scores(before, truth), scores(layer.data, truth)
    assert last.values()["v_rand"] > first.values()["v_rand"]
    assert last.values()["voi"] < first.values()["voi"]
    for _ in range(10):
        layer.undo()
    np.testing.assert_array_equal(layer.data, before)


def mend(error: Any, layer: Any, truth: Any, viewer: Any, dock: Any, hand: Any) -> bool:
    """Mend a merge by seeds, and a split by merging; return whether it changed."""
    z = error.centre[0]
    steps = len(layer._undo_history)
    if error.kind is ErrorKind.MERGE:
        (number,) = error.predicted_ids[:1]
        parts = [
            (layer.data[z] == number) & (truth[z] == one) for one in error.truth_ids[:2]
        ]
        tool = dock.modes["seeds"]
    elif error.kind is ErrorKind.SPLIT:
        parts = [layer.data[z] == one for one in error.predicted_ids[:2]]
        tool = dock.modes["merge"]
    else:
        return False
    if len(parts) < 2 or min(np.count_nonzero(part) for part in parts) < 20:
        return False
    viewer.dims.set_current_step(0, z)
    QTest.qWait(20)
    one, other = (inside(part) for part in parts)
    if error.kind is ErrorKind.SPLIT:
        hand.click_on(layer, *one)
    if not tool.isChecked():
        hand.click(tool)
    if error.kind is ErrorKind.MERGE:
        hand.click_on(layer, *one)
    hand.click_on(layer, *other)
    hand.click(tool)
    return len(layer._undo_history) == steps + 1


def test_an_error_of_the_list_offers_its_tool(viewer_with_scores: Any) -> None:
    viewer, errors = viewer_with_scores
    layer, eye = viewer.layers["prediction"], Eye.of(viewer)
    layer.metadata[PREDICTED] = [0]
    tools = {ErrorKind.MERGE: "split", ErrorKind.SPLIT: "merge"}
    for kind, tool in tools.items():
        rows = errors.table.rows()
        row = next(n for n, error in enumerate(rows) if error.kind is kind)
        errors.table.choose(row)
        errors.refresh()
        eye.show(ERRORS)
        assert not layer.visible
        errors.mend_button.click()
        assert layer.visible
        name = ("napari-unet-em", "Proofread")
        _, dock = viewer.window.add_plugin_dock_widget(*name)
        assert dock.modes[tool].isChecked()
        assert dock.number == rows[row].predicted_ids[-1]
        assert dock.this_slice.isChecked()


def test_a_missed_object_is_taken_where_the_list_leads(viewer_with_scores: Any) -> None:
    viewer, errors = viewer_with_scores
    layer = viewer.layers["prediction"]
    row = [error.kind for error in errors.table.rows()].index(ErrorKind.MISS)
    errors.table.choose(row)
    errors.refresh()
    errors.mend_button.click()
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Proofread")
    assert "Predict with Probabilities too" in dock.status.text()
    missed = viewer.layers["truth"].data == 9
    viewer.add_image(0.9 * missed.astype(np.float32), name="probability")
    errors.mend_button.click()
    dock.status.action_button.click()
    np.testing.assert_array_equal(layer.data == layer.data.max(), missed)
    layer.undo()
    assert not layer.data[missed].any()


@pytest.fixture
def viewer_with_scores(make_napari_viewer: Any, qtbot: Any) -> Any:
    """A viewer in which a numbered prediction was scored, and its list of errors."""
    truth = np.zeros((1, 120, 120), np.uint8)
    for number in range(9):
        row, column = divmod(number, 3)
        rows, columns = 4 + 38 * row, 4 + 38 * column
        truth[0, rows : rows + 34, columns : columns + 34] = number + 1
    prediction = truth.copy()
    prediction[0, 4:38, 38:42] = prediction[0, 4:38, 42:76] = 1
    prediction[0, 42:76, 20:22] = 0
    prediction[0, 42:76, 22:38] = 10
    prediction[truth == 9] = 0
    viewer = make_napari_viewer(show=True)
    layers = [
        viewer.add_labels(array[0], name=name)
        for array, name in ((prediction, "prediction"), (truth, "truth"))
    ]
    _, scores = viewer.window.add_plugin_dock_widget("napari-unet-em", "Scores")
    scores.errors.show_scores(comparison(prediction, truth), *layers)
    scores.errors.search()
    qtbot.waitUntil(lambda: scores.errors.errors is not None, timeout=30_000)
    return viewer, scores.errors
