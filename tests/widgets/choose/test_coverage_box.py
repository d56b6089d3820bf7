"""What is ignored and complete: guessed, shown, chosen and kept, in a real window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.model.checkpoint import load_model
from napari_unet.project import Project

pytestmark = pytest.mark.one_binding


@pytest.fixture
def marked(quick: Any, viewer: Any) -> Any:
    """The dock, with annotations of which a corner of 10 x 12 pixels is 255."""
    layer = viewer.layers["annotations"]
    labels = layer.data.astype(np.int16)
    labels[0, :10, :12] = 255
    train = quick.train
    place = {"scale": layer.scale, "units": layer.units}
    train.annotations.setValue(viewer.add_labels(labels, name="marked", **place))
    train.amount_of.setCurrentText("steps")
    train.amount.setValue(2)
    return quick


def run(train: Any, finish: Any) -> Any:
    train.run_button.click()
    finish(train)
    return load_model(train.workspace.model).card


def guess(train: Any) -> str:
    text: str = train.data.coverage.ignore.itemText(0)
    return text


def test_the_guess_is_shown_and_what_it_ignores_trains_nothing(
    marked: Any, finish: Any
) -> None:
    train = marked.train
    assert guess(train) == "as it looks: 255"
    card = run(train, finish)
    assert card.coverage == Coverage(ignore=255)
    assert "255 is ignored: 120 pixels" in train.device.text(), train.device.text()
    # As numbers of objects, 255 is one of them.
    train.kind.setValue(AnnotationKind.OBJECTS)
    assert guess(train) == "as it looks: nothing"


def test_the_choice_is_shared_and_kept_in_the_project(
    marked: Any, viewer: Any, project: Any, finish: Any
) -> None:
    box = marked.train.data.coverage
    box.ignore.setCurrentText("-1")
    box.empty.setChecked(True)
    chosen = Coverage(ignore=-1, complete="all")
    assert marked.train.workspace.coverage == chosen
    project.save()
    project.wait()
    assert Project(project.project.folder).load().coverage == chosen
    box.setValue(Coverage(ignore=7, complete="3"))
    assert box.value() == Coverage(ignore=7, complete="3")


def test_what_the_truth_ignores_is_its_own_and_comes_back_with_the_project(
    loaded: Any, project: Any, ready: Any, viewer: Any
) -> None:
    train, scores, workspace = loaded.train, loaded.scores, loaded.train.workspace
    train.data.coverage.setValue(Coverage(ignore=255, complete="all"))
    assert scores.coverage.value() == Coverage()
    scores.coverage.setValue(Coverage(ignore=7))
    scores.kind.setValue(AnnotationKind.OBJECTS)
    assert workspace.coverage == Coverage(ignore=255, complete="all")
    assert workspace.kind is not AnnotationKind.OBJECTS
    scores.truth.setValue(workspace.annotations)
    assert scores.coverage.value() == workspace.coverage
    train.data.coverage.setValue(Coverage(ignore=-1))
    assert scores.coverage.value() == Coverage(ignore=-1)
    scores.truth.setValue(workspace.truth)
    assert scores.coverage.value() == Coverage(ignore=7)

    project.save()
    project.wait()
    viewer.layers.clear()
    loaded.load.project.resume()
    ready(loaded.load.project)
    assert scores.truth.value() == workspace.truth is not None
    assert scores.coverage.value() == Coverage(ignore=7)
    assert scores.kind.value() is AnnotationKind.OBJECTS
    assert workspace.coverage == Coverage(ignore=-1)


@pytest.mark.one_binding
def test_empty_slices_that_count_are_trained_on(
    quick: Any, finish: Any, viewer: Any
) -> None:
    train = quick.train
    train.amount_of.setCurrentText("steps")
    train.amount.setValue(2)
    train.validation.setText("none")
    before = run(train, finish).data[0]["train"]
    assert before == "0:5"
    train.data.coverage.empty.setChecked(True)
    assert run(train, finish).data[0]["train"] == "0:6"
    # An image that holds nothing at all can be trained on, too.
    viewer.layers["annotations"].data[...] = 0
    viewer.layers["annotations"].refresh()
    assert run(train, finish).coverage.complete == "all"


@pytest.mark.one_binding
def test_live_training_learns_that_empty_slices_hold_nothing(
    quick: Any, qtbot: Any, finish: Any
) -> None:
    train = quick.train
    train.data.coverage.empty.setChecked(True)
    train.live_button.click()
    qtbot.waitUntil(lambda: "from 6 slices" in train.status.text(), timeout=60_000)
    train.run_button.click()
    finish(train)


@pytest.mark.one_binding
def test_false_cells_on_an_empty_slice_are_scored_where_it_counts(
    loaded: Any, viewer: Any, finish: Any
) -> None:
    scores = loaded.scores
    viewer.add_labels(np.ones_like(viewer.layers["truth"].data), name="prediction")
    scores.prediction.setValue(viewer.layers["prediction"])
    scores.truth.setValue(viewer.layers["annotations"])
    scores.coverage.empty.setChecked(True)
    scores.run_button.click()
    finish(scores)
    rows = {row.slice: row.values()["iou"] for row in scores.scores.slices}
    assert rows[5] == 0
    assert rows[4] > 0.5


def test_doubtful_labels_are_told_with_a_way_to_go_on(
    quick: Any, viewer: Any, finish: Any, qtbot: Any
) -> None:
    train, data = quick.train, quick.train.data
    train.amount_of.setCurrentText("steps")
    train.amount.setValue(1)
    em = viewer.layers["em"]
    place = {"scale": em.scale, "units": em.units}
    viewer.add_labels(em.data.copy(), name="wrong", **place)
    train.annotations.setValue(viewer.layers["wrong"])
    assert not data.trust.isVisibleTo(train)
    train.live_button.click()
    qtbot.waitUntil(lambda: "the image itself" in train.status.text(), timeout=30_000)
    assert not train.running
    train.run_button.click()
    finish(train)
    assert "the image itself" in train.status.text()
    assert "Trust these labels" in train.status.text()
    assert train.workspace.model is None
    assert data.trust.isVisibleTo(train)
    data.trust.setChecked(True)
    assert run(train, finish).step == 1
    train.annotations.setValue(viewer.layers["annotations"])
    assert not data.trust.isChecked()
    assert not data.trust.isVisibleTo(train)
