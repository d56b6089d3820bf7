"""Which layer is chosen unless someone says otherwise, by what it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from napari.layers import Labels

from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.layers.roles import Role, role_of, set_role

PLANES = np.zeros((3, 32, 32), np.uint8)


@pytest.fixture
def add(viewer: Any) -> Callable[..., Labels]:
    """Adds labels of a role; None for those that napari opened."""

    def add_layer(name: str, role: Role | None = None) -> Labels:
        layer: Labels = viewer.add_labels(PLANES.copy(), name=name)
        if role is not None:
            set_role(layer, role)
        return layer

    return add_layer


def choose_by_hand(box: LayerBox, name: str) -> None:
    index = box.findText(name)
    assert index >= 0
    box.setCurrentIndex(index)
    box.activated.emit(index)


def names(box: LayerBox) -> list[str]:
    return [box.itemText(index) for index in range(box.count())]


def test_truth_is_never_chosen_for_training_by_itself_and_warns_when_by_hand(
    viewer: Any, dock: Any, add: Any, qtbot: Any
) -> None:
    viewer.add_image(PLANES, name="em")
    truth = add("cells", Role.TRUTH)
    dock.load.workspace.truth = truth
    qtbot.wait(20)
    data = dock.train.data
    assert data.annotations.value() is None
    assert dock.load.workspace.annotations is None
    assert not dock.train.run_button.isEnabled()
    dock.tabs.setCurrentWidget(dock.train)
    choose_by_hand(data.annotations, "cells")
    assert dock.load.workspace.annotations == truth
    assert role_of(truth) is Role.TRUTH
    assert data._shared.warning.isVisibleTo(dock.train)
    assert "ground truth" in data._shared.warning.text()
    assert "#e69f00" in data._shared.warning.styleSheet()
    painted = add("painted", Role.ANNOTATIONS)
    choose_by_hand(data.annotations, "painted")
    assert dock.load.workspace.annotations == painted
    assert not data._shared.warning.isVisibleTo(dock.train)


def test_what_a_network_made_is_offered_as_no_annotations(dock: Any, add: Any) -> None:
    for role in (Role.PREDICTION, Role.PREVIEW, Role.HELPER):
        add(str(role), role)
    add("mine")
    assert names(dock.train.data.annotations) == ["mine"]


def test_scores_take_truth_and_never_what_is_trained_on(
    dock: Any, add: Any, qtbot: Any
) -> None:
    workspace = dock.load.workspace
    painted = add("painted", Role.ANNOTATIONS)
    workspace.annotations = painted
    predicted = add("predicted", Role.PREDICTION)
    workspace.prediction = predicted
    scores = dock.scores
    assert scores.prediction.value() == predicted
    assert scores.truth.value() is None
    assert not scores.run_button.isEnabled()
    truth = add("cells", Role.TRUTH)
    assert scores.truth.value() == truth
    dock.tabs.setCurrentWidget(scores)
    assert not scores.warning.isVisibleTo(scores)
    choose_by_hand(scores.truth, "painted")
    assert "annotations" in scores.warning.text()
    assert scores.warning.isVisibleTo(scores)


def test_what_napari_opened_becomes_truth_by_choosing_it_and_is_trained_on_no_more(
    viewer: Any, dock: Any, add: Any, qtbot: Any
) -> None:
    viewer.add_image(PLANES, name="em")
    mask = add("mask")
    workspace = dock.load.workspace
    qtbot.waitUntil(lambda: workspace.annotations == mask)
    assert dock.scores.truth.value() is None
    choose_by_hand(dock.scores.truth, "mask")
    assert role_of(mask) is Role.TRUTH
    assert workspace.truth == mask
    assert workspace.annotations is None
    assert dock.train.data.annotations.value() is None


def test_maps_are_not_offered_as_images(viewer: Any, dock: Any) -> None:
    viewer.add_image(PLANES, name="em")
    weights = viewer.add_image(PLANES, name="weights")
    box = dock.predict.image
    assert names(box) == ["em", "weights"]
    set_role(weights, Role.HELPER)
    assert names(box) == ["em"]
