"""Ground truth from a layer, a file, or a mask that napari opened as an image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Labels

from napari_unet.widgets.layers.marks import PREDICTED
from napari_unet.widgets.layers.mask_images import looks_like_mask
from napari_unet.widgets.layers.roles import Role, role_of

pytestmark = pytest.mark.one_binding

SHAPE = (4, 60, 60)
PLACE = {"scale": (50, 4, 4), "translate": (0, 100, 0), "units": ("nm",) * 3}


def cells() -> np.ndarray:
    truth = np.zeros(SHAPE, np.uint8)
    truth[:, 2:28, 2:58] = truth[:, 30:58, 2:58] = 1
    return truth


@pytest.fixture
def scores(viewer: Any) -> Any:
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Scores")
    metadata = {PREDICTED: [0, 1, 2, 3]}
    layer = viewer.add_labels(cells(), name="prediction", metadata=metadata, **PLACE)
    dock.workspace.prediction = layer
    return dock


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_a_mask_opened_as_an_image_is_taken_by_one_click(
    scores: Any, viewer: Any, finish: Any, qtbot: Any, dtype: Any
) -> None:
    row = scores.truth_row
    em = np.random.default_rng(0).integers(0, 256, SHAPE).astype(np.uint8)
    viewer.add_image(em, name="em", **PLACE)
    assert not row.mask_button.isVisibleTo(scores)
    high = 1 if dtype is bool else 255
    mask = viewer.add_image((cells() * high).astype(dtype), name="mask", **PLACE)
    qtbot.waitUntil(lambda: row.mask_button.isVisibleTo(scores))
    assert row.offer.text().startswith("mask was opened as an image")
    row.mask_button.click()
    truth = scores.truth.value()
    assert isinstance(truth, Labels)
    assert role_of(truth) is Role.TRUTH
    assert scores.workspace.truth == truth
    np.testing.assert_array_equal(truth.data > 0, cells() > 0)
    np.testing.assert_array_equal(truth.translate, mask.translate)
    assert truth.units == mask.units
    assert not mask.visible
    scores.run_button.click()
    finish(scores)
    assert scores.scores.values()["iou"] == 1
    assert not row.mask_button.isVisibleTo(scores)


def test_a_mask_of_another_size_is_not_offered(
    scores: Any, viewer: Any, qtbot: Any
) -> None:
    viewer.add_image(cells()[:2], name="mask", **PLACE)
    qtbot.wait(50)
    assert not scores.truth_row.mask_button.isVisibleTo(scores)


def test_images_are_told_from_masks(viewer: Any) -> None:
    rng = np.random.default_rng(0)
    add = viewer.add_image
    assert looks_like_mask(add(cells()))
    assert not looks_like_mask(add(rng.integers(0, 256, SHAPE).astype(np.uint8)))
    assert not looks_like_mask(add(rng.random(SHAPE)))
    assert not looks_like_mask(add(cells() * 0.5))
    assert not looks_like_mask(add(np.zeros(SHAPE, np.uint8)))
    assert not looks_like_mask(add(cells()[..., None].repeat(3, -1), rgb=True))


def test_truth_is_read_from_a_file(
    loaded: Any, viewer: Any, files: Any, qtbot: Any
) -> None:
    scores = loaded.scores
    viewer.layers.remove("truth")
    scores.truth_row.open(files.truth)
    qtbot.waitUntil(lambda: loaded.load.workspace.truth is not None, timeout=20_000)
    truth = scores.truth.value()
    assert truth.name == "truth"
    assert role_of(truth) is Role.TRUTH
    np.testing.assert_array_equal(truth.data, files.cells)
    qtbot.waitUntil(lambda: not scores.truth_row.running)
    assert "Ground truth: " in scores.status.text()


def test_a_file_that_cannot_be_read_is_told(
    loaded: Any, qtbot: Any, tmp_path: Any
) -> None:
    row = loaded.scores.truth_row
    row.open(tmp_path / "nothing.tif")
    qtbot.waitUntil(lambda: not row.running)
    assert "nothing.tif" in loaded.scores.status.text()


def test_no_mask_is_offered_for_labels_of_time_points(
    scores: Any, viewer: Any, qtbot: Any
) -> None:
    viewer.add_image(cells(), name="mask", **PLACE)
    layer = viewer.add_labels(np.stack([cells()] * 2), name="times")
    scores.prediction.setValue(layer)
    scores.truth_row.refresh()
    assert not scores.truth_row.mask_button.isVisibleTo(scores)
