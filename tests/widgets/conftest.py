"""A real viewer with the dock, and a small stack on disk."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_unet.data.stack import Stack
from napari_unet.data.write import write_stack
from napari_unet.samples import em_stack
from napari_unet.widgets.project.open_project import OpenProject
from napari_unet.widgets.qt.panel import Panel


@dataclass(frozen=True)
class Files:
    """A small stack with its annotations and ground truth, as files."""

    image: Path
    annotations: Path
    truth: Path
    stack: Stack
    cells: np.ndarray


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("stack")
    stack, objects = em_stack((6, 96, 112), seed=3)
    cells = (objects > 0).astype(np.uint8)
    painted = cells.copy()
    painted[5:] = 0
    paths = [folder / name for name in ("em.tif", "annotations.tif", "truth.tif")]
    for path, data in zip(paths, (stack.data, painted, cells), strict=True):
        write_stack(path, data, like=stack)
    return Files(*paths, stack, cells)


@pytest.fixture(autouse=True)
def survivors_out_of_the_way() -> Iterator[None]:
    """Spare the garbage collector what outlives a test, modules above all.

    napari's own fixture collects several times a test. With all that was ever loaded,
    and with what viewers leave behind, that took most of the time of most tests.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def plugins_found_once() -> Iterator[None]:
    """Look for plugins once, since none is installed between two tests.

    Every new viewer reads all manifests anew, only to find that it knows them.
    """
    from npe2 import PluginManager

    PluginManager.instance().discover(include_npe1=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PluginManager, "discover", lambda *_, **__: 0)
        yield


@pytest.fixture(autouse=True)
def runs_in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep runs out of the home folder of whoever tests."""
    monkeypatch.setenv("NAPARI_UNET_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def own_preferences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the Preferences of whoever tests out, and as they are."""
    from napari import settings

    # As napari's own fixture does, which hides all plugins as well.
    settings._clear_plugin_settings_cache()
    monkeypatch.setattr(settings, "_CFG_PATH", str(tmp_path / "settings.yaml"))
    yield
    settings._clear_plugin_settings_cache()


@pytest.fixture(autouse=True)
def no_job_left(qtbot: Any) -> Iterator[None]:
    """Let every thread end before the next test."""
    from qtpy.QtCore import QThreadPool

    yield
    assert QThreadPool.globalInstance().waitForDone(20_000)


@pytest.fixture
def viewer(make_napari_viewer_proxy: Callable[..., Any]) -> Any:
    """A viewer as plugins get it: a real window behind a proxy."""
    return make_napari_viewer_proxy()


@pytest.fixture
def dock(viewer: Any, qtbot: Any) -> Any:
    """The workflow dock, opened as from the menu."""
    _, widget = viewer.window.add_plugin_dock_widget("napari-unet-em", "U-Net workflow")
    return widget


@pytest.fixture
def finish(qtbot: Any) -> Callable[..., None]:
    """Wait until the work of a dock has ended."""

    def wait(panel: Panel, seconds: float = 90) -> None:
        qtbot.waitUntil(lambda: not panel.running, timeout=round(1000 * seconds))

    return wait


@pytest.fixture
def loaded(dock: Any, files: Files, finish: Callable[..., None]) -> Any:
    """The dock after image, annotations and truth were loaded by its own button."""
    dock.load.rows["image"].setValue(files.image)
    dock.load.rows["annotations"].setValue(files.annotations)
    dock.load.rows["truth"].setValue(files.truth)
    dock.load.run_button.click()
    finish(dock.load)
    return dock


@pytest.fixture
def quick(loaded: Any) -> Any:
    """The loaded dock, set to a network so small that it trains in seconds."""
    train = loaded.train
    train.start_from.setValue(8)
    forms = train.forms
    settings = (
        forms["train"].value().model_copy(update={"patch_size": 64, "batch_size": 2})
    )
    forms["train"].setValue(settings)
    forms["network"].setValue(forms["network"].value().model_copy(update={"depth": 2}))
    return loaded


@pytest.fixture
def project(dock: Any, viewer: Any) -> OpenProject:
    return OpenProject.of(viewer)


@pytest.fixture
def painted(viewer: Any, project: OpenProject) -> Any:
    """Annotations that are chosen and painted on."""
    layer = viewer.add_labels(
        np.zeros((3, 64, 80), np.uint8),
        name="em annotations",
        scale=(50, 4, 4),
        units=("nm",) * 3,
    )
    project.workspace.annotations = layer
    layer.paint((1, 20, 30), 2)
    return layer


@pytest.fixture
def written(project: OpenProject, qtbot: Any) -> Callable[[], np.ndarray]:
    """Write now, and return what the journal then holds."""

    def write() -> np.ndarray:
        with qtbot.waitSignal(project.keeper.written, timeout=10_000) as heard:
            project.keeper.now()
        return project.project.journal.read(heard.args[0])

    return write


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
