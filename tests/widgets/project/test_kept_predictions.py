"""Predictions are part of the project, with how they were made."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import yaml

from napari_unet.baselines.apply import MadeByBaseline
from napari_unet.config import PostprocessConfig
from napari_unet.predict.made_by import MadeBy
from napari_unet.project import Project
from napari_unet.widgets.layers.annotations import add_annotations
from napari_unet.widgets.layers.marks import (
    BASELINE,
    NUMBERED,
    PREDICTED,
    ROLE,
    made_by,
    made_by_baseline,
    remember,
    untouched,
)
from napari_unet.widgets.layers.roles import Role, role_of, set_role
from napari_unet.widgets.project.open_project import OpenProject

pytestmark = pytest.mark.one_binding

CELLS = np.zeros((3, 64, 80), np.uint16)
CELLS[1:, 20:30, 20:40] = 7


@pytest.fixture
def made(project: OpenProject) -> MadeBy:
    finish = PostprocessConfig(objects="connected", min_size=12).settled()
    model = project.project.folder / "runs" / "one" / "best.safetensors"
    return MadeBy(model, "em", 0.4, finish, "print", (1, 2))


@pytest.fixture
def predicted(viewer: Any, project: OpenProject, made: MadeBy) -> Any:
    layer = viewer.add_labels(
        CELLS.copy(),
        name="prediction",
        metadata={ROLE: Role.PREDICTION, PREDICTED: [1, 2], NUMBERED: True},
        scale=(50, 4, 4),
        units=("nm",) * 3,
    )
    remember(layer, made)
    project.workspace.prediction = layer
    viewer.add_image(CELLS, name="em")
    return layer


def test_predictions_come_back_with_their_role_and_how_they_were_made(
    viewer: Any,
    predicted: Any,
    made: MadeBy,
    project: OpenProject,
    open_dock: Any,
    ready: Any,
    tmp_path: Path,
) -> None:
    baseline = MadeByBaseline("otsu", "Otsu", "em", (0,))
    metadata = {ROLE: Role.PREDICTION, PREDICTED: [0, 1, 2], BASELINE: baseline}
    viewer.add_labels(CELLS // 7, name="otsu", metadata=metadata)
    viewer.add_labels(CELLS, name="pred of another program")
    predicted.opacity = 0.25
    project.close()
    before = project.project.folder
    moved = before.rename(tmp_path / "moved")
    other, box, again = open_dock()
    box.open(moved)
    ready(box)
    first, second = other.layers["prediction"], other.layers["otsu"]
    np.testing.assert_array_equal(first.data, CELLS)
    assert first.data.dtype == CELLS.dtype
    np.testing.assert_allclose(first.scale, (50, 4, 4))
    assert first.opacity == 0.25
    assert role_of(first) is role_of(second) is Role.PREDICTION
    assert again.workspace.prediction == first
    facts = made_by(first)
    assert facts is not None
    assert facts.model == moved / made.model.relative_to(before)
    assert (facts.threshold, facts.finish, facts.slices) == (0.4, made.finish, (1, 2))
    assert untouched(first) == facts
    assert first.metadata[PREDICTED] == [1, 2]
    assert first.metadata[NUMBERED]
    assert made_by_baseline(second) == baseline
    # That all of it is predicted, and what it means, is as unknown as before.
    foreign = other.layers["pred of another program"].metadata
    assert not {PREDICTED, NUMBERED} & set(foreign)
    # What was opened is not written once more.
    again.wait()
    kept = again.project.predictions.entries()
    again.predictions.now()
    again.wait()
    assert again.project.predictions.entries() == kept


def test_a_prediction_is_written_when_its_last_tile_is_there(
    predicted: Any, project: OpenProject, qtbot: Any
) -> None:
    project.workspace.busy = "predicting"
    project.predictions.set_interval(0.05)
    project.start_new(project.project.folder.parent / "other")
    qtbot.wait(300)
    project.wait()
    assert project.project.predictions.entries() == []
    project.workspace.busy = ""
    with qtbot.waitSignal(project.predictions.changed, timeout=10_000):
        pass
    (entry,) = project.project.predictions.entries()
    assert entry.name == "prediction"


def test_what_was_corrected_is_kept_and_no_more_than_two_of_each(
    predicted: Any, project: OpenProject
) -> None:
    for value in range(1, 5):
        predicted.paint((0, 9, 9), value)
        project.predictions.now()
        project.predictions.finish()
        project.wait()
    entries = project.project.predictions.entries()
    assert len(entries) == 2
    assert project.project.predictions.read(entries[0])[0, 9, 9] == 4


@pytest.mark.parametrize("taken", [False, True])
def test_a_prediction_that_was_renamed_last_comes_back(
    viewer: Any, predicted: Any, project: OpenProject, taken: bool
) -> None:
    if taken:  # by a prediction that is gone
        project.project.predictions.write(CELLS * 2, "kept")
    project.predictions.now()
    project.predictions.finish()
    project.wait()
    project.save()
    project.wait()
    predicted.name = "kept"
    viewer.layers.clear()
    project.close()
    file = project.project.load()
    (record,) = [one for one in file.layers if one.role is Role.PREDICTION]
    assert record.name == "kept"
    (read,) = project.project.read_layers(
        file.model_copy(update={"layers": (record,)}), Event()
    )
    np.testing.assert_array_equal(read.data, CELLS)


def test_a_preview_is_not_kept_and_a_prediction_taken_for_truth_no_more(
    viewer: Any, predicted: Any, project: OpenProject
) -> None:
    viewer.add_labels(CELLS, name="preview", metadata={ROLE: Role.PREVIEW})
    assert [one.name for one in project.predictions.records()] == ["prediction"]
    set_role(predicted, Role.TRUTH)
    assert project.predictions.records() == []


def test_predictions_that_were_there_have_no_part_in_another_project(
    predicted: Any, project: OpenProject, dock: Any, tmp_path: Path, ready: Any
) -> None:
    project.save()
    project.wait()
    other = Project(tmp_path / "other")
    entry = other.journal.write(CELLS, "annotations")
    other.folder.joinpath("project.yaml").write_text(
        yaml.safe_dump(
            {
                "layers": [
                    {
                        "role": "annotations",
                        "name": "annotations",
                        "path": other.stored(entry.path),
                    }
                ]
            }
        )
    )
    other.journal.close()
    dock.load.project.open(other.folder)
    ready(dock.load.project)
    assert project.predictions.records() == []
    project.save()
    project.wait()
    roles = {one.role for one in other.load().layers}
    assert Role.ANNOTATIONS in roles
    assert Role.PREDICTION not in roles


def test_truth_that_is_trained_on_by_hand_stays_truth(
    viewer: Any, project: OpenProject, open_dock: Any, ready: Any
) -> None:
    image = viewer.add_image(CELLS.astype(np.uint8), name="em")
    layer = add_annotations(viewer, image)
    layer.paint((1, 20, 30), 2)
    set_role(layer, Role.TRUTH)
    project.workspace.annotations = layer
    project.close()
    _other, box, again = open_dock()
    box.resume_button.click()
    ready(box)
    assert role_of(again.workspace.annotations) is Role.TRUTH
