"""What annotations mean is chosen for a layer, and stays with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.widgets.project.workspace import Workspace

pytestmark = pytest.mark.one_binding


def test_every_layer_keeps_its_meaning_and_another_is_guessed_anew(
    quick: Any, viewer: Any
) -> None:
    train = quick.train
    first = train.annotations.value()
    place = {"scale": first.scale, "units": first.units}
    second = viewer.add_labels(np.zeros_like(first.data), name="second", **place)
    train.annotations.setValue(first)
    train.kind.setValue(AnnotationKind.OBJECTS)
    train.data.coverage.setValue(Coverage(complete="all"))
    train.annotations.setValue(second)
    train.data.chosen_kind()
    assert train.kind.value() is None
    assert train.data.coverage.value() == Coverage()
    train.kind.setValue(AnnotationKind.CLASSES)
    train.workspace.annotations = first
    assert train.kind.value() is AnnotationKind.OBJECTS
    assert train.data.coverage.value() == Coverage(complete="all")
    train.workspace.annotations = second
    assert train.kind.value() is AnnotationKind.CLASSES


def test_what_is_chosen_before_there_is_a_layer_is_for_the_first_that_comes(
    viewer: Any,
) -> None:
    workspace = Workspace.of(viewer)
    workspace.annotations = None
    workspace.kind = AnnotationKind.OBJECTS
    workspace.annotations = viewer.add_labels(np.zeros((8, 8), np.uint8))
    assert workspace.kind is AnnotationKind.OBJECTS
    workspace.annotations = viewer.add_labels(np.zeros((8, 8), np.uint8))
    assert workspace.kind is None
    workspace.kind, workspace.coverage = AnnotationKind.CLASSES, Coverage(complete="3")
    viewer.layers.clear()
    workspace.annotations = viewer.add_labels(np.zeros((8, 8), np.uint8))
    assert (workspace.kind, workspace.coverage) == (None, Coverage())


def test_a_choice_is_for_the_layer_that_the_box_shows(quick: Any, viewer: Any) -> None:
    train = quick.train
    first = train.workspace.annotations
    place = {"scale": first.scale, "units": first.units}
    second = viewer.add_labels(np.zeros_like(first.data), name="second", **place)
    before = train.workspace.kind
    train.annotations.setValue(second)
    train.kind.setValue(AnnotationKind.OBJECTS)
    assert train.workspace.annotations == second
    assert train.kind.value() is AnnotationKind.OBJECTS
    train.workspace.annotations = first
    assert train.kind.value() == before
