"""Load opens an OME-Zarr at the level that the memory holds, or at another."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from dask.array import Array

from napari_unet.data import ome_zarr
from napari_unet.data.ome_zarr_writer import create_image, create_labels, planned
from napari_unet.data.pyramid import fill_pyramid
from napari_unet.data.volume import write_box
from napari_unet.widgets.layers.annotations import add_annotations
from napari_unet.widgets.load.dock import LoadWidget
from napari_unet.widgets.project.open_project import OpenProject

pytestmark = pytest.mark.one_binding

pytest.importorskip("zarr")
SHAPE = (6, 1000, 80)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    path = tmp_path / "em.ome.zarr"
    grey = np.random.default_rng(0).integers(0, 255, SHAPE).astype(np.uint8)
    levels = create_image(planned(path, "ZYX", SHAPE, np.uint8, (50, 4, 4), "nm"))
    cells = create_labels(path, levels[0], np.uint8, "cells")
    for made, values in ((levels, grey), (cells, grey // 100)):
        write_box(made[0], (slice(None),) * 3, values)
        list(fill_pyramid(made, labels=made is cells))
    return path


@pytest.fixture
def dock(viewer: Any, qtbot: Any) -> LoadWidget:
    dock = LoadWidget(viewer)
    qtbot.addWidget(dock)
    return dock


def loaded(dock: LoadWidget, qtbot: Any) -> Any:
    before = dock.workspace.image
    dock.run_button.click()
    qtbot.waitUntil(lambda: dock.workspace.image is not before, timeout=10_000)
    qtbot.waitUntil(lambda: not dock.running, timeout=10_000)
    return dock.workspace.image


def test_the_finest_level_that_the_memory_holds_is_chosen_and_stays_lazy(
    dock: LoadWidget, volume: Path, qtbot: Any
) -> None:
    assert not dock.level.isEnabled()
    dock.rows["image"].setValue(volume)
    assert dock.level.isEnabled()
    assert dock.level.currentText() == "0: 6 x 1000 x 80"
    image = loaded(dock, qtbot)
    assert [one.shape for one in image.data] == [SHAPE, (6, 500, 40)]
    assert all(isinstance(one, Array) for one in image.data)
    assert "level 0 of 0 to 1, 0 the finest" in dock.status.text()


def test_a_volume_beyond_the_memory_is_loaded_coarser(
    dock: LoadWidget, volume: Path, qtbot: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(ome_zarr, "memory_limit", lambda: 10**6)
    dock.rows["image"].setValue(volume)
    assert dock.level.value() == 1
    image = loaded(dock, qtbot)
    assert image.data.shape == (6, 500, 40)
    np.testing.assert_allclose(image.scale, (50, 8, 8))
    annotations = add_annotations(dock.viewer, image)
    assert annotations.data.shape == (6, 500, 40)


def test_another_level_can_be_chosen_and_labels_follow_it(
    dock: LoadWidget, volume: Path, qtbot: Any
) -> None:
    dock.rows["image"].setValue(volume)
    dock.rows["truth"].setValue(volume / "labels" / "cells")
    dock.level.setCurrentIndex(1)
    image = loaded(dock, qtbot)
    assert image.data.shape == (6, 500, 40)
    assert dock.workspace.truth.data.shape == (6, 500, 40)


def test_what_is_dropped_is_opened(dock: LoadWidget, volume: Path, qtbot: Any) -> None:
    dock.open_files([volume])
    qtbot.waitUntil(lambda: dock.workspace.image is not None, timeout=10_000)
    assert dock.workspace.image.name == "em"


def test_a_project_opens_the_same_level_again(
    dock: LoadWidget, volume: Path, qtbot: Any
) -> None:
    dock.rows["image"].setValue(volume)
    dock.level.setCurrentIndex(1)
    loaded(dock, qtbot)
    opened = OpenProject.of(dock.viewer)
    opened.save()
    opened.wait()
    (record,) = opened.project.load().layers
    assert record.level == 1
    (read,) = opened.project.read_layers(opened.project.load(), Event())
    assert read.data.shape == (6, 500, 40)
