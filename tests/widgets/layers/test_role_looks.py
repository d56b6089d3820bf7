"""Labels look like what they are for, and a class has one colour everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Labels
from napari.utils.colormaps import CyclicLabelColormap

from napari_unet.widgets.layers.class_colors import class_color
from napari_unet.widgets.layers.marks import NUMBERED
from napari_unet.widgets.layers.roles import Role, set_role


def labels(*values: int, **metadata: Any) -> Labels:
    data = np.zeros((2, 20, 20), np.uint16)
    data[0, 0, : len(values)] = values
    return Labels(data, metadata=metadata)


def color(layer: Labels, value: int) -> str:
    rgb = np.asarray(layer.colormap.map(value)).ravel()[:3]
    return "#" + "".join(f"{round(255 * float(part)):02X}" for part in rgb)


def scribbles() -> Labels:
    layer = Labels(np.zeros((2, 20, 20), np.uint8))
    layer.data[0, 3, :5], layer.data[0, 8, :5] = 1, 2
    return layer


def test_a_prediction_is_a_light_fill_and_truth_a_contour() -> None:
    prediction, truth = labels(1, **{NUMBERED: False}), labels(1)
    set_role(prediction, Role.PREDICTION)
    set_role(truth, Role.TRUTH)
    assert (prediction.opacity, prediction.contour) == (0.35, 0)
    assert (truth.opacity, truth.contour) == (1.0, 2)


def test_a_class_has_one_colour_however_it_is_counted() -> None:
    painted, mask = scribbles(), labels(255)
    predicted = labels(1, **{NUMBERED: False})
    set_role(painted, Role.ANNOTATIONS)
    set_role(mask, Role.TRUTH)
    set_role(predicted, Role.PREDICTION)
    assert color(painted, 1) == class_color(1) == "#0072B2"
    foreground = {color(painted, 2), color(mask, 255), color(predicted, 1)}
    assert foreground == {class_color(2)} == {"#E69F00"}
    assert color(predicted, 2) == color(painted, 3) == class_color(3)


def test_objects_keep_colours_of_their_own_and_true_ones_share_a_contour() -> None:
    predicted, truth = labels(1, 2, 3, **{NUMBERED: True}), labels(*range(1, 20))
    set_role(predicted, Role.PREDICTION)
    set_role(truth, Role.TRUTH)
    assert isinstance(predicted.colormap, CyclicLabelColormap)
    assert predicted.opacity == 0.35
    assert {color(truth, value) for value in range(1, 20)} == {"#E69F00"}


def test_classes_that_become_objects_change_their_colours() -> None:
    layer = labels(1, **{NUMBERED: False})
    set_role(layer, Role.PREDICTION)
    layer.metadata[NUMBERED] = True
    set_role(layer, Role.PREDICTION)
    assert isinstance(layer.colormap, CyclicLabelColormap)


def test_what_the_user_has_set_stays() -> None:
    layer = labels(1)
    layer.opacity, layer.colormap = 0.9, {None: "red", 1: "green"}
    set_role(layer, Role.PREDICTION)
    assert (layer.opacity, layer.contour) == (0.9, 0)
    assert color(layer, 1) == "#008000"


@pytest.mark.parametrize("role", [Role.ANNOTATIONS, Role.PREDICTION])
def test_truth_that_is_used_for_something_else_is_filled_again(role: Role) -> None:
    layer = labels(1)
    set_role(layer, Role.TRUTH)
    set_role(layer, role)
    assert layer.contour == 0
    assert layer.opacity < 1
