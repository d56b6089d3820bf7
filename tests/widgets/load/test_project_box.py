"""A project opens with all that belongs to it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, RunConfig, TrainConfig, WeightMapConfig
from napari_unet.project import LayerRecord, Project, ProjectFile, Role
from napari_unet.widgets.choose.annotation_button import begin_annotations
from napari_unet.widgets.layers.annotations import class_names, name_classes
from napari_unet.widgets.project.open_project import OpenProject

pytestmark = pytest.mark.one_binding


@pytest.fixture
def box(dock: Any) -> Any:
    return dock.load.project


def fill(project: OpenProject) -> None:
    """Choose what a project remembers beside its layers, with a run."""
    run = project.project.new_run("em")
    run.mkdir(parents=True)
    (run / "history.csv").write_text("step,loss\n1,0.5\n")
    (run / "best.safetensors").touch()
    workspace, state = project.workspace, project.state
    workspace.kind = AnnotationKind.CLASSES
    workspace.weight_map = WeightMapConfig(w0=3)
    workspace.model = run / "best.safetensors"
    state.settings = RunConfig(train=TrainConfig(minutes=7))
    name_classes(workspace.annotations, ("membrane", "cell"))
    state.run = run
    workspace.annotations.colormap = {None: "blue", 0: (0, 0, 0, 0), 1: "red"}
    workspace.annotations.opacity = 0.25
    workspace.image.colormap = "magma"
    workspace.image.contrast_limits = (20, 90)


def test_a_project_opens_with_all_that_belongs_to_it_where_it_was_moved_to(
    loaded: Any,
    viewer: Any,
    project: OpenProject,
    files: Any,
    tmp_path: Path,
    open_dock: Any,
    ready: Any,
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copy(files.image, folder / "em.tif")
    viewer.layers["em"].metadata["napari_unet_source"] = str(folder / "em.tif")
    loaded.load.project.make(folder)
    fill(project)
    annotations = project.workspace.annotations
    annotations.paint((3, 20, 20), 1)
    project.close()

    moved = Path(shutil.move(folder, tmp_path / "moved"))
    other, box, again = open_dock()
    opened: list[Any] = []
    again.opened.connect(opened.append)
    box.open(moved)
    ready(box)
    assert again.words == "The project is open."
    assert len(opened) == 1
    assert [layer.name for layer in other.layers] == ["em", "truth", "annotations"]
    workspace, state = again.workspace, again.state
    layer, shown = workspace.annotations, workspace.image
    np.testing.assert_array_equal(layer.data, annotations.data)
    np.testing.assert_allclose(layer.scale, files.stack.pixel_size)
    assert [str(unit) for unit in layer.units] == ["nanometer"] * 3
    assert layer.opacity == 0.25
    np.testing.assert_allclose(layer.colormap.color_dict[1], (1, 0, 0, 1))
    assert shown.colormap.name == "magma"
    assert list(shown.contrast_limits) == [20, 90]
    np.testing.assert_array_equal(shown.data, files.stack.data)
    assert workspace.truth == other.layers["truth"]
    assert (workspace.kind, workspace.weight_map.w0) == (AnnotationKind.CLASSES, 3)
    (run,) = (moved / "runs").iterdir()
    assert workspace.model == run / "best.safetensors"
    assert again.history() == run / "history.csv"
    assert state.settings.train.minutes == 7
    assert class_names(layer) == opened[0].class_names == ("membrane", "cell")
    # What was opened is not written once more.
    kept = again.project.journal.entries()
    again.keeper.now()
    again.wait()
    assert again.project.journal.entries() == kept


def test_a_missing_image_is_named_and_the_rest_opens_and_stays_on_record(
    loaded: Any,
    project: OpenProject,
    tmp_path: Path,
    viewer: Any,
    open_dock: Any,
    ready: Any,
) -> None:
    gone = tmp_path / "gone.tif"
    viewer.layers["em"].metadata["napari_unet_source"] = str(gone)
    project.close()
    other, box, again = open_dock()
    assert box.resume_button.isVisibleTo(box)
    box.resume_button.click()
    ready(box)
    assert f"{gone} is missing" in again.words
    assert [layer.name for layer in other.layers] == ["truth", "annotations"]
    again.workspace.kind = AnnotationKind.OBJECTS
    again.save()
    again.wait()
    file = Project(again.project.folder).load()
    assert file.kind == AnnotationKind.OBJECTS
    assert [one.path for one in file.layers if one.role == "image"] == [str(gone)]


def test_a_project_keeps_its_own_image_and_model_where_another_one_is_open(
    loaded: Any, project: OpenProject, box: Any, tmp_path: Path, ready: Any, qtbot: Any
) -> None:
    image = tmp_path / "gone.tif"
    other, name = Project(tmp_path / "other"), "other annotations"
    entry = other.journal.write(np.ones((6, 96, 112), np.uint8), name)
    paths = {"image": str(image), "annotations": other.stored(entry.path)}
    layers = [
        LayerRecord(role=role, name=f"other {role}", path=paths[role]) for role in paths
    ]
    other.save(ProjectFile(layers=tuple(layers)))
    other.journal.close()
    project.workspace.model = tmp_path / "em.safetensors"
    first, workspace = project.project, project.workspace
    box.open(other.folder)
    ready(box)
    assert f"{image} is missing" in project.words
    assert workspace.annotations.name == "other annotations"
    assert (workspace.truth, workspace.prediction) == (None, None)
    qtbot.wait(50)  # docks fall back on the image that is still there
    project.save()
    project.wait()
    saved = other.load()
    assert {one.role: one.path for one in saved.layers} == paths
    assert saved.model is None
    assert {one.name for one in first.load().layers} >= {"em", "truth"}


def test_a_folder_that_is_no_project_changes_nothing(
    painted: Any, project: OpenProject, box: Any, tmp_path: Path
) -> None:
    before = project.project
    box.open(tmp_path / "nowhere")
    assert "no project" in project.words
    assert project.project is before
    assert not box.running


def test_a_new_project_takes_what_is_there_and_never_another_projects_place(
    painted: Any, project: OpenProject, box: Any, tmp_path: Path
) -> None:
    box.make(tmp_path / "a")
    project.wait()
    assert Project(tmp_path / "a").load().layers[0].name == "em annotations"
    box.make(tmp_path / "a")
    assert "holds a project already" in project.words
    assert box.folder.toolTip() == str(tmp_path / "a")


def test_classes_keep_their_names_without_any_training(
    viewer: Any, project: OpenProject, open_dock: Any, ready: Any
) -> None:
    image = viewer.add_image(np.zeros((3, 32, 32), np.uint8), name="em")
    layer = begin_annotations(viewer, image)
    name_classes(layer, ("resin", "nucleus", "mitochondria"))
    layer.paint((1, 20, 20), 3)
    project.workspace.kind = AnnotationKind.OBJECTS
    project.close()
    assert project.project.load().class_names == class_names(layer)
    _, box, again = open_dock()
    box.resume_button.click()
    ready(box)
    reopened = again.workspace.annotations
    assert class_names(reopened) == class_names(layer)
    box.recover(again.project.journal.entries()[0])
    ready(box)
    recovered = again.workspace.annotations
    assert recovered is not reopened
    assert again.workspace.kind is AnnotationKind.OBJECTS, "as it was chosen for it"
    assert class_names(recovered) == class_names(layer)
    np.testing.assert_allclose(recovered.get_color(3), layer.get_color(3))


def test_looks_that_were_changed_last_are_kept_as_the_viewer_is_emptied(
    loaded: Any, viewer: Any, project: OpenProject
) -> None:
    project.save()
    workspace = project.workspace
    workspace.image.name, workspace.image.colormap = "stack", "magma"
    workspace.truth.opacity = 0.25
    viewer.layers.clear()
    project.close()
    found = {one.role: one for one in Project(project.project.folder).load().layers}
    assert found[Role.IMAGE].name == "stack"
    assert found[Role.IMAGE].look["colormap"] == "magma"
    assert found[Role.TRUTH].look["opacity"] == 0.25


def test_a_project_of_before_gives_the_names_that_stand_in_its_file_alone(
    painted: Any, written: Any, project: OpenProject, open_dock: Any, ready: Any
) -> None:
    written()
    project.close()
    file = project.project.load().model_copy(update={"class_names": ("resin", "cell")})
    project.project.save(file)
    _, box, again = open_dock()
    box.resume_button.click()
    ready(box)
    assert class_names(again.workspace.annotations) == ("resin", "cell")


def test_the_box_reads_well_when_narrow(
    viewer: Any, painted: Any, box: Any, project: OpenProject
) -> None:
    project.project.folder = project.project.folder / ("long-name" * 9)
    project.say("a sentence " * 20)
    assert box.minimumSizeHint().width() <= 340
