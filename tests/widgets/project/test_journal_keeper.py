"""Nothing painted is lost: not by a full disk, nor with a layer that goes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import pytest
from napari.utils.notifications import notification_manager

from napari_unet.data.read import read_stack
from napari_unet.widgets.layers.annotations import name_classes
from napari_unet.widgets.project.open_project import OpenProject

pytestmark = pytest.mark.one_binding


def _full(_number: int) -> None:
    raise OSError(28, "No space left on device")


def test_two_docks_write_once(
    viewer: Any, painted: Any, written: Any, project: OpenProject
) -> None:
    viewer.window.add_plugin_dock_widget("napari-unet-em", "Load")
    assert OpenProject.of(viewer) is project
    written()
    assert len(project.project.journal.entries()) == 1


def test_only_what_changed_is_written(
    painted: Any, written: Any, project: OpenProject, viewer: Any, qtbot: Any
) -> None:
    np.testing.assert_array_equal(written(), painted.data)
    viewer.dims.set_current_step(0, 2)
    written()
    assert len(project.project.journal.entries()) == 1
    painted.undo()
    painted.paint((0, 9, 9), 3)
    np.testing.assert_array_equal(written(), painted.data)
    assert len(project.project.journal.entries()) == 2


def test_the_journal_follows_by_itself(
    painted: Any, project: OpenProject, qtbot: Any
) -> None:
    with qtbot.waitSignal(project.keeper.written, timeout=10_000):
        project.keeper.interval = 0.1
    painted.paint((2, 9, 9), 3)
    with qtbot.waitSignal(project.keeper.written, timeout=10_000) as heard:
        pass
    assert project.project.journal.read(heard.args[0])[2, 9, 9] == 3
    assert "Annotations kept at " in project.words


def test_a_layer_that_is_removed_is_kept_as_it_was(
    painted: Any, project: OpenProject, viewer: Any, qtbot: Any
) -> None:
    data = painted.data.copy()
    with qtbot.waitSignal(project.keeper.written, timeout=10_000) as heard:
        viewer.layers.remove("em annotations")
    np.testing.assert_array_equal(project.project.journal.read(heard.args[0]), data)
    project.keeper.now()
    assert project.workspace.annotations is None


def test_a_renamed_a_reshaped_and_a_flat_layer_are_followed(
    painted: Any, written: Any, project: OpenProject, viewer: Any
) -> None:
    painted.name = "renamed / again"
    written()
    assert project.project.journal.entries()[0].name == "renamed / again"
    painted.data = np.ones((5, 10, 12), np.uint16)
    np.testing.assert_array_equal(written(), np.ones((5, 10, 12)))
    viewer.dims.ndisplay = 3
    painted.data = np.full((10, 12), 7, np.int32)
    np.testing.assert_array_equal(written(), np.full((10, 12), 7))


def test_a_layer_that_was_never_painted_leaves_no_file(
    viewer: Any, project: OpenProject, qtbot: Any
) -> None:
    project.workspace.annotations = viewer.add_labels(np.zeros((3, 8, 8), np.uint8))
    project.keeper.now()
    project.keeper.finish()
    qtbot.wait(50)
    assert project.project.journal.entries() == []


def test_training_leaves_its_annotations_beside_the_run(
    painted: Any, project: OpenProject, qtbot: Any
) -> None:
    run = project.project.new_run("em")
    with qtbot.waitSignal(project.keeper.written, timeout=10_000):
        project.keeper.now(run)
    stack = read_stack(run / "annotations.tif")
    np.testing.assert_array_equal(np.asarray(stack.data), painted.data)
    np.testing.assert_allclose(stack.pixel_size, (50, 4, 4))
    assert stack.unit == "nm"


def test_the_new_name_of_a_class_is_kept_by_itself(
    painted: Any, written: Any, project: OpenProject, qtbot: Any
) -> None:
    written()
    name_classes(painted, ("resin", "nucleus"))
    with qtbot.waitSignal(project.keeper.written, timeout=10_000) as heard:
        project.keeper.interval = 0.1
    assert heard.args[0].place["class_names"] == ["resin", "nucleus"]


def test_copying_a_large_layer_lets_the_brush_in_between(
    viewer: Any, project: OpenProject, qtbot: Any
) -> None:
    labels = np.zeros((64, 1024, 1024), np.uint8)
    labels[::7, 3] = 2
    layer = viewer.add_labels(labels, name="large")
    project.workspace.annotations = layer
    with qtbot.waitSignal(project.keeper.written, timeout=60_000) as heard:
        project.keeper.now()
        assert project.keeper._copies
    np.testing.assert_array_equal(project.project.journal.read(heard.args[0]), labels)


def test_a_full_disk_is_told_once_and_painting_goes_on(
    painted: Any,
    written: Any,
    project: OpenProject,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures: list[str] = []
    project.keeper.failed.connect(failures.append)
    before = len(notification_manager.records)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _full)
        for value in (1, 2, 3):
            painted.paint((2, 30, 30), value)
            project.keeper.now()
            project.wait()
            qtbot.wait(20)
    assert len(failures) == 1
    assert "free some space" in failures[0]
    assert "\n" not in failures[0]
    assert len(notification_manager.records) == before + 1
    assert project.words == failures[0]
    # The disk has room again: all that was painted meanwhile is kept.
    np.testing.assert_array_equal(written(), painted.data)
    assert "kept at" in project.words


def test_after_a_close_on_a_full_disk_the_last_entry_is_offered(
    painted: Any,
    written: Any,
    project: OpenProject,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written()
    painted.paint((2, 30, 30), 1)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _full)
        project.close()
    assert list(project.project.journal.folder.glob("open-*"))


class _File:
    """A file of labels that may go and come back."""

    is_there = True

    def read(self, _block: Any) -> np.ndarray:
        if not self.is_there:
            raise OSError(5, "Input/output error")
        return np.ones((1, 16, 16), np.uint8)


@pytest.fixture
def file() -> _File:
    return _File()


@pytest.fixture
def choose_lazy(viewer: Any, project: OpenProject, file: _File) -> Callable[[], None]:
    """Choose annotations that are read when looked at; then their file goes."""

    def choose() -> None:
        blocks = da.zeros((3, 16, 16), np.uint8, chunks=(1, 16, 16))
        lazy = blocks.map_blocks(file.read, dtype=np.uint8)
        project.workspace.annotations = viewer.add_labels(lazy, name="lazy")
        file.is_there = False

    return choose


def test_a_layer_that_cannot_be_read_is_told_once_and_kept_when_it_can(
    choose_lazy: Any, file: _File, project: OpenProject, written: Any, qtbot: Any
) -> None:
    failures: list[str] = []
    project.keeper.failed.connect(failures.append)
    choose_lazy()
    for _ in range(3):
        project.keeper.now()
        project.wait()
        qtbot.wait(20)
    (sentence,) = failures
    assert sentence.startswith("Annotations are not kept: ")
    file.is_there = True
    np.testing.assert_array_equal(written(), np.ones((3, 16, 16)))


def test_what_is_painted_after_a_layer_that_cannot_be_read_is_kept(
    choose_lazy: Any, project: OpenProject, painted: Any
) -> None:
    choose_lazy()
    project.keeper.now()
    project.workspace.annotations = painted
    painted.paint((2, 9, 9), 3)
    project.close()
    journal = project.project.journal
    np.testing.assert_array_equal(journal.read(journal.entries()[0]), painted.data)
    assert not list(journal.folder.glob("open-*"))


def test_a_close_writes_the_rest_and_ends_where_one_layer_cannot_be_read(
    choose_lazy: Any, project: OpenProject, painted: Any
) -> None:
    choose_lazy()
    project.close()
    assert project._closed
    journal = project.project.journal
    np.testing.assert_array_equal(journal.read(journal.entries()[0]), painted.data)
    assert {one.name for one in project.project.load().layers} == {"lazy"}


def test_a_layer_of_several_resolutions_is_no_annotation_until_it_is_chosen(
    viewer: Any, project: OpenProject, written: Any, qtbot: Any
) -> None:
    labels = np.zeros((3, 64, 64), np.uint8)
    labels[1, 10:30, 10:30] = 1
    levels = [labels, labels[:, ::2, ::2]]
    layer = viewer.add_labels(levels, name="pyramid", multiscale=True)
    qtbot.wait(20)
    assert project.workspace.annotations is None
    project.workspace.annotations = layer
    np.testing.assert_array_equal(written(), labels)
