"""The loop as a person goes through it, by mouse, in a real window."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet.data.write import write_stack
from napari_unet.model.checkpoint import load_model
from napari_unet.samples import em_stack

SLICE = 2


@pytest.fixture
def files(tmp_path: Path) -> Any:
    stack, objects = em_stack((6, 96, 112), seed=3)
    cells = (objects > 0).astype(np.uint8)
    paths = tmp_path / "em.tif", tmp_path / "truth.tif"
    for path, data in zip(paths, (stack.data, cells), strict=True):
        write_stack(path, data, like=stack)
    return (*paths, cells)


def share_right(found: np.ndarray, cells: np.ndarray) -> float:
    """Mean share of both classes that is right; 0.5 where one is seen everywhere."""
    return float(np.mean([np.mean(found[cells == one] == one) for one in (0, 1)]))


def test_paint_see_correct_predict_score_close_and_find_everything_again(  # noqa: PLR0915 (one story)
    start: Any, files: Any, qtbot: Any
) -> None:
    image, truth, cells = files
    hand, dock = start()
    viewer = hand.viewer

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
        hand.paint(layer, mask)
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
    hand.stroke(layer, *hand.runs(cells[SLICE] == 0)[3])
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

    hand, dock = start()
    viewer = hand.viewer
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
