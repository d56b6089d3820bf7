"""What a layer is for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_unet.widgets.layers.roles import Role, role_of, set_role

PLANE = np.zeros((8, 9), np.uint8)


@pytest.mark.parametrize("role", Role)
def test_role_is_kept_with_the_layer_as_a_word(role: Role) -> None:
    layer = Labels(PLANE)
    set_role(layer, role)
    assert role_of(layer) is role
    copy: Any = Labels(PLANE, metadata=dict(layer.metadata))
    assert role_of(copy) is role
    assert layer.metadata["napari_unet_role"] == str(role)


@pytest.mark.parametrize(
    "name", ["truth", "ISBI_ground_truth", "cell-GT", "Groundtruth"]
)
def test_name_tells_ground_truth_where_nothing_else_does(name: str) -> None:
    assert role_of(Labels(PLANE, name=name)) is Role.TRUTH
    assert role_of(Image(PLANE, name=name)) is None


@pytest.mark.parametrize("name", ["prediction", "cells_pred", "Predicted 2"])
def test_name_tells_a_prediction_that_was_made_elsewhere(name: str) -> None:
    assert role_of(Labels(PLANE, name=name)) is Role.PREDICTION


@pytest.mark.parametrize("name", ["labels", "untruthful", "predator", "em_stack"])
def test_other_names_tell_nothing(name: str) -> None:
    assert role_of(Labels(PLANE, name=name)) is None


def test_role_that_was_given_outweighs_the_name() -> None:
    layer = Labels(PLANE, name="truth")
    set_role(layer, Role.ANNOTATIONS)
    assert role_of(layer) is Role.ANNOTATIONS
