"""What was painted comes back, after a crash and at any time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet.config import AnnotationKind
from napari_unet.project import Project
from napari_unet.widgets.layers.roles import Role, role_of
from napari_unet.widgets.project.open_project import OpenProject

pytestmark = pytest.mark.one_binding

_PAINT = """
import napari, numpy as np
from napari_unet.widgets.project.open_project import OpenProject

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

# Works until all is on the disk, and is killed.
_WORK = """
import os, sys
import napari, numpy as np
from napari_unet.data.read import read_stack
from napari_unet.widgets.layers.add import add_image
from napari_unet.widgets.layers.annotations import add_annotations
from napari_unet.widgets.layers.marks import PREDICTED, ROLE
from napari_unet.widgets.layers.roles import Role
from napari_unet.widgets.project.open_project import OpenProject

viewer = napari.Viewer()
project = OpenProject.of(viewer)
workspace = project.workspace
workspace.image = add_image(viewer, read_stack(sys.argv[1]), "em")
workspace.annotations = add_annotations(viewer, workspace.image)
predicted = np.zeros(workspace.image.data.shape, np.uint8)
predicted[0, 1, 1] = 1
workspace.prediction = viewer.add_labels(
    predicted, name="prediction", metadata={ROLE: Role.PREDICTION, PREDICTED: [0]}
)
workspace.annotations.brush_size = 1
workspace.annotations.paint((0, 20, 20), 2)
project.predictions.now()
project.predictions.finish()
project.keeper.now()
project.keeper.finish()
project.wait()
project.save()
project.wait()
os.kill(os.getpid(), 9)
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


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def is_offered(box: Any) -> bool:
    return bool(box.forget_button.isVisibleTo(box))


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
    assert box.resume_button.text().startswith("Continue home, ")
    assert box.resume_button.text().endswith(" unsaved pixels")
    box.resume_button.click()
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
    assert layer.name == "em annotations"
    assert role_of(layer) is Role.ANNOTATIONS
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
    qtbot.waitUntil(lambda: project._closed, timeout=10_000)
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


def test_all_that_crashes_left_comes_back_at_once_and_the_newest_is_painted_on(
    runs_in_tmp: Path, open_dock: Any, ready: Any
) -> None:
    subprocess.run(
        [sys.executable, "-c", _TWO_LAYERS, str(runs_in_tmp / "annotations")],
        check=False,
    )
    viewer, box, project = open_dock()
    assert "lung and em" in box.resume_button.toolTip()
    assert box.minimumSizeHint().width() <= 340
    box.resume_button.click()
    ready(box)
    assert {layer.name for layer in viewer.layers} == {"em", "lung"}
    assert project.workspace.annotations == viewer.layers["lung"]
    assert not is_offered(box)
    assert Project(runs_in_tmp).journal.after_crash() == []


def test_what_is_not_needed_is_offered_no_more_and_stays(
    runs_in_tmp: Path, open_dock: Any
) -> None:
    folder = runs_in_tmp / "annotations"
    subprocess.run([sys.executable, "-c", _TWO_LAYERS, str(folder)], check=False)
    _viewer, box, project = open_dock()
    box.forget_button.click()
    assert not is_offered(box)
    assert not box.resume_button.isVisibleTo(box)
    assert len(project.project.journal.entries()) == 2


@pytest.mark.parametrize("worked", [False, True], ids=["at once", "after other work"])
def test_a_killed_project_is_continued_by_one_button_and_never_written_over(
    runs_in_tmp: Path,
    files: Any,
    open_dock: Any,
    ready: Any,
    tmp_path: Path,
    worked: bool,
) -> None:
    script = tmp_path / "work.py"
    script.write_text(_WORK)
    with (runs_in_tmp.parent / "said.txt").open("w") as said:
        subprocess.run([sys.executable, script, files.image], stderr=said, check=False)
    project = Project(runs_in_tmp)
    before = project.load()
    roles = [Role.IMAGE, Role.ANNOTATIONS, Role.PREDICTION]
    assert [one.role for one in before.layers] == roles
    viewer, box, kept = open_dock()
    if worked:
        other = viewer.add_labels(np.ones((3, 8, 8), np.uint8), name="other")
        kept.workspace.annotations = other
        kept.save()
        kept.wait()
        assert [one.name for one in project.load().layers] == ["other"]
    assert "with 1 unsaved pixel" in box.resume_button.text()
    box.resume_button.click()
    ready(box)
    workspace = kept.workspace
    assert workspace.annotations.data[0, 20, 20] == 2
    assert workspace.image.data.shape == files.stack.data.shape
    assert workspace.prediction.data[0, 1, 1] == 1
    kept.save()
    kept.wait()
    assert [one.role for one in project.load().layers] == roles
    assert [one.name for one in project.load().layers] == [
        one.name for one in before.layers
    ]
    assert not is_offered(box)
    assert not (runs_in_tmp / "project.crashed.yaml").exists()
