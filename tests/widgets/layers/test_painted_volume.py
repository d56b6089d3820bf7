"""Annotations of a volume that no memory holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from napari.layers import Labels

from napari_unet.data.ome_zarr import open_volume
from napari_unet.data.ome_zarr_writer import create_image, planned
from napari_unet.data.painted_slices import PaintedSlices
from napari_unet.data.read import read_stack
from napari_unet.widgets.layers.add import add_image
from napari_unet.widgets.layers.annotations import add_annotations
from napari_unet.widgets.layers.arrays import painted_slices
from napari_unet.widgets.layers.writer import write_layers
from napari_unet.widgets.project.open_project import OpenProject
from napari_unet.widgets.project.workspace import Workspace

pytest.importorskip("zarr")
SHAPE = (6400, 4096, 4096)
PLANE = 2 * 4096 * 4096


@pytest.fixture
def painted(dock: Any, viewer: Any, tmp_path: Path) -> Labels:
    """Annotations of 100 GB, with a square on slice 7."""
    path = tmp_path / "em.ome.zarr"
    create_image(planned(path, "ZYX", SHAPE, np.uint8, (50, 4, 4), "nm"))
    image = add_image(viewer, read_stack(path), "em")
    workspace = Workspace.of(viewer)
    workspace.image = image
    workspace.annotations = layer = add_annotations(viewer, image)
    viewer.dims.set_current_step(0, 7)
    rows, columns = map(np.ravel, np.mgrid[100:120, 200:220])
    layer.data_setitem((np.full(400, 7), rows, columns), 2)
    return layer


def test_only_slices_that_are_painted_take_memory_and_are_kept(
    painted: Labels, project: OpenProject, dock: Any, viewer: Any, qtbot: Any
) -> None:
    assert isinstance(painted.data, PaintedSlices)
    assert painted.data.nbytes == PLANE
    painted.fill((8, 5, 5), 1)
    assert painted.data.nbytes == 2 * PLANE
    painted.undo()
    assert not painted.data[8].any()
    painted.redo()
    assert painted.data[8].all()
    qtbot.waitUntil(lambda: Workspace.of(viewer).painted == (PLANE // 2, 400))
    assert Workspace.of(viewer).kind is None
    assert dock.train.data.kind.guess is not None
    found = painted_slices(painted)
    assert found.slices.tolist() == [7, 8]
    project.keeper.now()
    qtbot.waitUntil(lambda: project.keeper.last is not None, timeout=20_000)
    entry = project.keeper.last
    kept = project.keeper.journal.read(entry)
    assert entry.pixels == 400 + PLANE // 2
    assert kept.shape == SHAPE
    np.testing.assert_array_equal(kept[7], painted.data[7])
    assert kept.slices.tolist() == [7, 8]
    again = viewer.add_labels(kept)
    again.data_setitem((np.array([9]), np.array([1]), np.array([1])), 3)
    assert again.data.max() == 3


class Noted(PaintedSlices):
    """Notes how much is read at once, and is never read as a whole."""

    read: ClassVar[list[int]] = []

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        self.read.append(found.nbytes)
        return found

    def __array__(self, *_how: Any, **_more: Any) -> Any:
        raise MemoryError


def test_labels_are_saved_with_the_size_that_an_affine_transform_makes(
    tmp_path: Path,
) -> None:
    options = {"affine": np.diag([50, 4, 4, 1.0]), "units": ("nm",) * 3}
    path = tmp_path / "cells.ome.zarr"
    write_layers(str(path), [(np.ones((2, 8, 8), np.uint8), options, "labels")])
    assert read_stack(path).pixel_size == (50, 4, 4)


def test_labels_that_are_saved_are_read_in_parts(tmp_path: Path) -> None:
    labels = Noted((300, 512, 512), np.uint16)
    labels[7, 4:9, 3:5] = 2
    place = {"scale": (50, 4, 4), "units": ("nm",) * 3}
    options = {"name": "annotations", **place, "axis_labels": tuple("zyx")}
    path = tmp_path / "annotations.ome.zarr"
    write_layers(str(path), [(labels, options, "labels")])
    assert max(labels.read) < labels.size * labels.dtype.itemsize
    saved = open_volume(path)
    assert saved.shape == labels.shape
    np.testing.assert_array_equal(saved[7], labels[7])
    assert not saved[8].any()
