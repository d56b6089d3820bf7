"""The loop as a person goes through it, by mouse, in a real window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_unet.data.write import write_stack
from napari_unet.model.checkpoint import load_model
from napari_unet.samples import em_stack

SLICE = 2
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def files(tmp_path: Path) -> Any:
    stack, objects = em_stack((6, 96, 112), seed=3)
    cells = (objects > 0).astype(np.uint8)
    paths = tmp_path / "em.tif", tmp_path / "truth.tif"
    for path, data in zip(paths, (stack.data, cells), strict=True):
        write_stack(path, data, like=stack)
    return (*paths, cells)


@pytest.fixture
def window(
    make_napari_viewer: Callable[..., Any], monkeypatch: Any, tmp_path: Path
) -> Any:
    """Opens napari with the workflow dock, as often as it is called."""
    monkeypatch.setenv("NAPARI_UNET_HOME", str(tmp_path / "project"))

    def start() -> tuple[Any, Any]:
        viewer = make_napari_viewer(show=True)
        _, dock = viewer.window.add_plugin_dock_widget(
            "napari-unet-em", "U-Net workflow"
        )
        return viewer, dock

    return start


def place(viewer: Any, layer: Any, y: float, x: float) -> QPoint:
    """Return where a pixel of the slice in view lies on the canvas."""
    native = viewer.window._qt_viewer.canvas.native
    camera = viewer.scene.camera
    world = np.asarray(layer.data_to_world((SLICE, y, x)))[-2:]
    row, column = (world - np.asarray(camera.center)[-2:]) * camera.zoom
    ratio = native.devicePixelRatioF()
    return QPoint(
        round(native.width() / 2 + column / ratio),
        round(native.height() / 2 + row / ratio),
    )


def stroke(viewer: Any, layer: Any, row: int, start: int, stop: int) -> None:
    """Draw a line with the brush, from column to column."""
    native = viewer.window._qt_viewer.canvas.native
    QTest.mouseMove(native, place(viewer, layer, row, start))
    QTest.mousePress(native, LEFT, pos=place(viewer, layer, row, start))
    for x in range(start, stop, 2):
        QTest.mouseMove(native, place(viewer, layer, row, x))
        QTest.qWait(5)
    QTest.mouseRelease(native, LEFT, pos=place(viewer, layer, row, stop))


def runs(mask: np.ndarray, least: int) -> list[tuple[int, int, int]]:
    """List rows with the columns between which a mask holds, the longest first."""
    found = []
    for row in range(6, mask.shape[0] - 6):
        steps = np.flatnonzero(np.diff(np.pad(mask[row].astype(int), 1)))
        for start, stop in steps.reshape(-1, 2):
            if stop - start >= least:
                found.append((row, int(start), int(stop) - 1))
    return sorted(found, key=lambda run: run[1] - run[2])


def share_right(found: np.ndarray, cells: np.ndarray) -> float:
    """Mean share of both classes that is right; 0.5 where one is seen everywhere."""
    return float(np.mean([np.mean(found[cells == one] == one) for one in (0, 1)]))


def test_paint_see_correct_predict_score_close_and_find_everything_again(  # noqa: PLR0915 (one story)
    window: Any, files: Any, qtbot: Any
) -> None:
    image, truth, cells = files
    viewer, dock = window()

    def until(what: Callable[[], bool], seconds: float = 90) -> None:
        qtbot.waitUntil(what, timeout=round(1000 * seconds))

    dock.load.rows["image"].setValue(image)
    dock.load.rows["truth"].setValue(truth)
    dock.load.run_button.click()
    until(lambda: not dock.load.running)
    viewer.dims.set_current_step(0, SLICE)

    train = dock.train
    dock.tabs.setCurrentWidget(train)
    train.data.new_button.click()
    layer = train.annotations.value()
    assert layer.name == "annotations"
    assert (layer.mode, layer.selected_label) == ("paint", 2)
    train.start_from.setValue(8)
    update = {"live_patch_size": 64, "batch_size": 2}
    form = train.forms["train"]
    form.setValue(form.value().model_copy(update=update))
    form = train.forms["network"]
    form.setValue(form.value().model_copy(update={"depth": 2}))
    train.live_button.click()
    until(lambda: "Paint background" in train.status.text())

    layer.brush_size = 2
    for label, mask in ((2, cells[SLICE] == 1), (1, cells[SLICE] == 0)):
        layer.selected_label = label
        for row, start, stop in runs(mask, 6)[:40:5]:
            stroke(viewer, layer, row, start + 1, stop - 1)
    painted = np.array(layer.data)
    assert set(np.unique(painted)) == {0, 1, 2}
    assert np.flatnonzero(painted.any(axis=(1, 2))).tolist() == [SLICE]
    # By hand some pixels get the other class; most are right.
    known = painted[SLICE] > 0
    right = (painted[SLICE] - 1 == cells[SLICE])[known]
    assert right.mean() > 0.9

    preview = viewer.layers["preview"]
    until(preview.data[SLICE].any)
    until(lambda: train.curves.num_points[0] > 150)
    before = preview.data.copy()
    seen = train.live.updates_seen
    layer.selected_label = 1
    row, start, stop = runs(cells[SLICE] == 0, 6)[3]
    stroke(viewer, layer, row, start, stop)
    until(lambda: train.live.updates_seen > seen)
    until(lambda: bool((preview.data != before).any()))
    viewer.dims.set_current_step(0, 4)
    until(lambda: share_right(preview.data[4] > 0, cells[4]) > 0.75)
    viewer.dims.set_current_step(0, SLICE)
    train.run_button.click()
    until(lambda: not train.running)
    model = train.workspace.model
    assert load_model(model).card.class_names == ("background", "foreground")

    dock.predict.extent.setCurrentText("whole stack")
    dock.predict.run_button.click()
    until(lambda: not dock.predict.running)
    dock.tabs.setCurrentWidget(dock.scores)
    dock.scores.run_button.click()
    until(lambda: not dock.scores.running)
    both = viewer.layers["prediction"].data > 0
    iou = np.count_nonzero(both & (cells > 0)) / np.count_nonzero(both | (cells > 0))
    assert share_right(both, cells) > 0.7
    assert dock.scores.totals.numbers[0].text() == f"{iou:.3f}"
    painted = np.array(layer.data)
    points = train.curves.num_points[0]
    viewer.close()

    viewer, dock = window()
    dock.load.project.resume_button.click()
    until(lambda: not dock.load.project.running)
    np.testing.assert_array_equal(viewer.layers["annotations"].data, painted)
    np.testing.assert_array_equal(viewer.layers["truth"].data, cells)
    assert viewer.layers["em"].data.shape == cells.shape
    again = dock.train
    assert again.workspace.model == model
    assert again.data.classes.value() == ("background", "foreground")
    assert again.settings().network.depth == 2
    until(lambda: again.curves.num_points[0] > 0, 10)
    assert again.curves.num_points[0] <= points
    viewer.close()
