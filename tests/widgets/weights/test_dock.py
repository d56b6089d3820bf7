"""The weight map follows slice, sliders and painting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, WeightMapConfig
from napari_unet.data.annotation import to_target
from napari_unet.data.weight_map import weight_map

NAME = "slice weights"


def _expected(labels: np.ndarray, z: int, config: WeightMapConfig) -> np.ndarray:
    return weight_map(to_target(labels[z : z + 1], AnnotationKind.CLASSES), config)[0]


def _shows(viewer: Any, expected: np.ndarray) -> Any:
    def check() -> None:
        np.testing.assert_allclose(viewer.layers[NAME].data, expected, atol=1e-5)

    return check


def test_the_map_follows_slice_sliders_painting_and_undo(
    loaded: Any, viewer: Any, qtbot: Any
) -> None:
    dock = loaded.weights
    labels = viewer.layers["annotations"]
    dock.labels.setValue(labels)
    viewer.dims.set_point(0, 0)
    dock.live.setChecked(True)
    qtbot.waitUntil(lambda: NAME in viewer.layers, timeout=30_000)
    qtbot.waitUntil(
        _shows(viewer, _expected(labels.data, 0, dock.value())), timeout=30_000
    )

    viewer.dims.set_current_step(0, 3)
    qtbot.waitUntil(
        _shows(viewer, _expected(labels.data, 3, dock.value())), timeout=30_000
    )

    dock.settings.setValue(WeightMapConfig(w0=20))
    qtbot.waitUntil(
        _shows(viewer, _expected(labels.data, 3, dock.value())), timeout=30_000
    )
    assert dock.value().w0 == 20

    before = labels.data.copy()
    labels.data_setitem(np.nonzero(before == 0), 1)
    painted = _expected(labels.data, 3, dock.value())
    assert not np.allclose(painted, _expected(before, 3, dock.value()))
    qtbot.waitUntil(_shows(viewer, painted), timeout=30_000)

    labels.undo()
    np.testing.assert_array_equal(labels.data, before)
    qtbot.waitUntil(_shows(viewer, _expected(before, 3, dock.value())), timeout=30_000)


@pytest.mark.one_binding
def test_the_map_lies_on_its_labels(loaded: Any, viewer: Any, qtbot: Any) -> None:
    loaded.weights.live.setChecked(True)
    qtbot.waitUntil(lambda: NAME in viewer.layers, timeout=30_000)
    np.testing.assert_allclose(viewer.layers[NAME].scale, (4, 4))


@pytest.mark.one_binding
def test_a_slice_without_annotations_is_told(
    loaded: Any, viewer: Any, qtbot: Any
) -> None:
    dock = loaded.weights
    dock.labels.setValue(viewer.layers["annotations"])
    dock.live.setChecked(True)
    viewer.dims.set_current_step(0, 5)
    qtbot.waitUntil(lambda: "no labels" in dock.range.text(), timeout=30_000)


def test_the_map_follows_a_brush_in_motion(
    loaded: Any, viewer: Any, qtbot: Any
) -> None:
    dock = loaded.weights
    labels = viewer.layers["annotations"]
    dock.labels.setValue(labels)
    viewer.dims.set_current_step(0, 2)
    dock.live.setChecked(True)
    qtbot.waitUntil(lambda: NAME in viewer.layers, timeout=30_000)
    qtbot.waitUntil(
        _shows(viewer, _expected(labels.data, 2, dock.value())), timeout=30_000
    )
    shown = viewer.layers[NAME].data
    labels.brush_size, labels.selected_label = 6, 1
    with labels.block_history():  # as between pressing and releasing the button
        for column in range(20, 80, 4):
            labels.paint((2, 40, column), 1)
            qtbot.waitUntil(
                _shows(viewer, _expected(labels.data, 2, dock.value())), timeout=30_000
            )
    assert viewer.layers[NAME].data is shown, "made anew where painted only"


def test_the_formula_is_chosen_in_the_dock_and_shared_with_training(
    loaded: Any, viewer: Any, qtbot: Any
) -> None:
    dock = loaded.weights
    labels = viewer.layers["annotations"]
    dock.labels.setValue(labels)
    dock.live.setChecked(True)
    dock.settings.setValue(WeightMapConfig(formula="fiji"))
    assert loaded.train.workspace.weight_map.formula == "fiji"
    sigma = dock.settings._editors["sigma"].native
    assert not sigma.isEnabled(), "fiji has constants of its own"
    expected = _expected(labels.data, 0, WeightMapConfig(formula="fiji"))
    viewer.dims.set_current_step(0, 0)
    qtbot.waitUntil(lambda: NAME in viewer.layers, timeout=30_000)
    qtbot.waitUntil(_shows(viewer, expected), timeout=30_000)
    dock.setValue(WeightMapConfig(w0=7))
    assert sigma.isEnabled()
    assert dock.value() == WeightMapConfig(w0=7)


@pytest.mark.one_binding
def test_the_kind_is_that_of_the_layer_shown(loaded: Any) -> None:
    dock, workspace = loaded.weights, loaded.train.workspace
    loaded.train.kind.setValue(AnnotationKind.CLASSES)
    dock.labels.setValue(workspace.truth)
    assert dock.kind.value() is None
    dock.kind.setValue(AnnotationKind.OBJECTS)
    assert workspace.kind is AnnotationKind.CLASSES
    loaded.train.kind.setValue(AnnotationKind.SCRIBBLES)
    assert dock.kind.value() is AnnotationKind.OBJECTS
    dock.labels.setValue(workspace.annotations)
    assert dock.kind.value() is AnnotationKind.SCRIBBLES
    dock.kind.setValue(AnnotationKind.CLASSES)
    assert loaded.train.kind.value() is AnnotationKind.CLASSES
    dock.labels.setValue(workspace.truth)
    assert dock.kind.value() is AnnotationKind.OBJECTS


def test_a_slider_that_ends_early_takes_nothing_from_training(loaded: Any) -> None:
    dock, workspace = loaded.weights, loaded.train.workspace
    workspace.weight_map = WeightMapConfig(w0=200, sigma=2.5)
    assert dock.value() == WeightMapConfig(w0=50, sigma=2.5)
    assert workspace.weight_map.w0 == 200


@pytest.mark.one_binding
def test_the_map_of_the_stack_is_that_of_the_formula_slice_by_slice(
    loaded: Any, viewer: Any, finish: Any
) -> None:
    dock, labels = loaded.weights, viewer.layers["annotations"]
    dock.labels.setValue(labels)
    said: list[str] = []
    dock.run_button.click()
    dock.job.stepped.connect(lambda _item: said.append(dock.status.text()))
    finish(dock)
    expected = weight_map(to_target(labels.data, AnnotationKind.CLASSES), dock.value())
    np.testing.assert_array_equal(viewer.layers["weight map"].data, expected)
    assert said[-1].endswith("slice 6 of 6")


def test_making_the_map_can_be_stopped(loaded: Any, viewer: Any, finish: Any) -> None:
    dock = loaded.weights
    dock.run_button.click()
    dock.run_button.click()
    finish(dock)
    assert "no weight map was made" in dock.status.text()
    assert "weight map" not in viewer.layers
