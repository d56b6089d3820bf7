"""A project opens with all that belongs to it, after a close as after a crash."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet.config import AnnotationKind, RunConfig, TrainConfig, WeightMapConfig
from napari_unet.project import LayerRecord, Project, ProjectFile
from napari_unet.widgets.annotation_layer import (
    add_annotations,
    class_names,
    name_classes,
)
from napari_unet.widgets.open_project import OpenProject

_PAINT = """
import napari, numpy as np
from napari_unet.widgets.open_project import OpenProject

viewer = napari.Viewer()
_, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "U-Net workflow")
labels = viewer.add_labels(np.zeros((3, 64, 80), np.uint8), name="em annotations",
                           scale=(50, 4, 4), units=("nm",) * 3)
dock.load.workspace.annotations = labels
OpenProject.of(viewer).keeper.interval = 1
labels.brush_size = 9
labels.paint((1, 20, 30), 2)
labels.paint((2, 40, 50), 1)
"""
_KILLED = f"{_PAINT}napari.run(force=True)"
_CLOSED = f"""{_PAINT}
from qtpy.QtCore import QTimer
dock.load.workspace.kind = "classes"
QTimer.singleShot(500, dock.window().close)
napari.run(force=True)
"""

_TWO_LAYERS = """
import os, sys, numpy as np
from napari_unet.data.journal import Journal
journal = Journal(sys.argv[1])
journal.write(np.ones((1, 3, 3), np.uint8), "em")
journal.write(np.ones((1, 3, 3), np.uint8), "lung")
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def box(dock: Any) -> Any:
    return dock.load.project


@pytest.fixture
def open_dock(make_napari_viewer_proxy: Any, qtbot: Any) -> Callable[[], Any]:
    """Open another window with the dock: its viewer, project box and project."""

    def make() -> Any:
        viewer = make_napari_viewer_proxy()
        name = ("napari-unet-em", "U-Net workflow")
        _, dock = viewer.window.add_plugin_dock_widget(*name)
        qtbot.wait(10)  # the dock gets its window
        return viewer, dock.load.project, OpenProject.of(viewer)

    return make


@pytest.fixture
def ready(qtbot: Any) -> Callable[[Any], None]:
    """Wait until a project or an entry was read."""

    def wait(box: Any) -> None:
        qtbot.waitUntil(lambda: not box.running, timeout=30_000)

    return wait


def wait_for(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_offered(box: Any) -> bool:
    return bool(box.recover_button.isVisibleTo(box))


def test_what_was_painted_before_a_kill_is_recovered_to_the_pixel(
    runs_in_tmp: Path, open_dock: Any, ready: Any
) -> None:
    program = subprocess.Popen([sys.executable, "-c", _KILLED], env=os.environ)
    folder = runs_in_tmp / "annotations"
    try:
        wait_for(
            lambda: bool(list(folder.glob("[!.]*.tif"))) or program.poll() is not None
        )
    finally:
        program.send_signal(signal.SIGKILL)
        program.wait()
    assert program.returncode == -signal.SIGKILL
    viewer, box, project = open_dock()
    assert is_offered(box)
    assert box.recover_button.text().startswith("Recover annotations of ")
    box.recover_button.click()
    ready(box)
    (layer,) = viewer.layers
    reference = viewer.add_labels(np.zeros((3, 64, 80), np.uint8))
    reference.brush_size = 9
    reference.paint((1, 20, 30), 2)
    reference.paint((2, 40, 50), 1)
    np.testing.assert_array_equal(layer.data, reference.data)
    assert layer.data.dtype == np.uint8
    np.testing.assert_allclose(layer.scale, (50, 4, 4))
    assert [str(unit) for unit in layer.units] == ["nanometer"] * 3
    assert layer.name.startswith("em annotations of ")
    assert project.workspace.annotations == layer
    assert not is_offered(box)


def test_nothing_is_offered_after_a_clean_close(
    open_dock: Any, runs_in_tmp: Path, qtbot: Any
) -> None:
    viewer, _box, project = open_dock()
    layer = viewer.add_labels(np.zeros((3, 64, 80), np.uint8), name="em annotations")
    project.workspace.annotations = layer
    layer.paint((1, 20, 30), 2)
    painted = layer.data.copy()
    viewer.close()
    qtbot.waitUntil(lambda: project.is_closed, timeout=10_000)
    journal = Project(runs_in_tmp).journal
    assert journal.after_crash() == []
    assert not list(journal.folder.glob("open-*"))
    np.testing.assert_array_equal(journal.read(journal.entries()[0]), painted)
    (record,) = Project(runs_in_tmp).load().layers
    assert record.path is not None
    assert (runs_in_tmp / record.path).exists()


def test_a_window_closed_by_its_button_leaves_everything_written(
    runs_in_tmp: Path,
) -> None:
    subprocess.run([sys.executable, "-c", _CLOSED], check=True, timeout=120)
    project = Project(runs_in_tmp)
    assert project.journal.after_crash() == []
    assert not list(project.journal.folder.glob("open-*"))
    file = project.load()
    assert file.kind == AnnotationKind.CLASSES
    (record,) = file.layers
    entry = project.journal.entry(project.found(record.path or ""))
    assert set(np.unique(project.journal.read(entry))) == {0, 1, 2}


def test_a_second_window_is_no_crash_and_leaves_the_project_to_the_first(
    painted: Any,
    written: Any,
    project: OpenProject,
    open_dock: Any,
    qtbot: Any,
) -> None:
    written()
    other, box, second = open_dock()
    assert not is_offered(box)
    assert second is not project
    layer = other.add_labels(np.zeros((2, 9, 9), np.uint8), name="second")
    second.workspace.annotations = layer
    layer.paint((1, 4, 4), 1)
    second.keeper.now()
    project.save()
    second.save()
    qtbot.waitUntil(lambda: "Another window" in second.words, timeout=10_000)
    assert {one.name for one in project.project.journal.entries()} == {
        "em annotations",
        "second",
    }
    (record,) = Project(project.project.folder).load().layers
    assert record.name == "em annotations"


def fill(project: OpenProject) -> None:
    """Choose what a project remembers beside its layers, with a run."""
    run = project.project.new_run("em")
    run.mkdir(parents=True)
    (run / "history.csv").write_text("step,loss\n1,0.5\n")
    (run / "best.safetensors").touch()
    workspace, state = project.workspace, project.state
    workspace.kind = AnnotationKind.CLASSES
    workspace.weights = WeightMapConfig(w0=3)
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
    assert (workspace.kind, workspace.weights.w0) == (AnnotationKind.CLASSES, 3)
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


def test_earlier_annotations_come_back_as_a_new_layer(
    painted: Any,
    written: Any,
    project: OpenProject,
    box: Any,
    viewer: Any,
    ready: Any,
) -> None:
    first = written()
    painted.paint((0, 9, 9), 5)
    written()
    box._fill_menu()
    texts = [action.text() for action in box.earlier.menu().actions()]
    assert len(texts) == 2
    box.earlier.menu().actions()[1].trigger()
    ready(box)
    np.testing.assert_array_equal(project.workspace.annotations.data, first)
    assert painted.data[0, 9, 9] == 5
    assert len(viewer.layers) == 2


def test_every_entry_of_every_layer_can_be_had_back(
    viewer: Any, project: OpenProject, box: Any, ready: Any
) -> None:
    labels = np.zeros((2, 9, 9), np.uint8)
    journal = project.project.journal
    for name, number in (("R&D", 3), ("lung", 18)):
        for value in range(1, number + 1):
            labels[0, 0] = value
            journal.write(labels, name)
    box._fill_menu()
    box._fill_menu()
    menus = [action.menu() for action in box.earlier.menu().actions()]
    assert [menu.title() for menu in menus] == ["lung", "R&&D"]
    assert [len(menu.actions()) for menu in menus] == [18, 3]
    menus[1].actions()[2].trigger()
    ready(box)
    assert viewer.layers[0].name.startswith("R&D of ")
    assert viewer.layers[0].data.max() == 1


def test_what_crashes_left_is_offered_one_layer_after_the_other(
    runs_in_tmp: Path, open_dock: Any, ready: Any
) -> None:
    subprocess.run(
        [sys.executable, "-c", _TWO_LAYERS, str(runs_in_tmp / "annotations")],
        check=False,
    )
    viewer, box, _project = open_dock()
    assert box.recover_button.text().endswith("(+1)")
    assert box.recover_button.toolTip().startswith("lung, 9 pixels")
    assert box.minimumSizeHint().width() <= 340
    box.forget_button.click()
    assert box.recover_button.toolTip().startswith("em, 9 pixels")
    box.recover_button.click()
    ready(box)
    assert viewer.layers[0].name.startswith("em of ")
    assert not is_offered(box)
    assert Project(runs_in_tmp).journal.after_crash() == []


def test_classes_keep_their_names_without_any_training(
    viewer: Any, project: OpenProject, open_dock: Any, ready: Any
) -> None:
    image = viewer.add_image(np.zeros((3, 32, 32), np.uint8), name="em")
    layer = add_annotations(viewer, image, ("resin", "nucleus", "mitochondria"))
    layer.paint((1, 20, 20), 3)
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
    assert class_names(recovered) == class_names(layer)
    np.testing.assert_allclose(recovered.get_color(3), layer.get_color(3))


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
