"""OME-Zarr in napari: opened with its labels in all resolutions, and written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dask.array import Array
from napari.utils.notifications import notification_manager

from napari_unet.data.ome_zarr import open_volume, open_zarr
from napari_unet.data.ome_zarr_writer import create_image, create_labels, planned
from napari_unet.data.pyramid import fill_pyramid
from napari_unet.data.read import read_stack
from napari_unet.data.volume import write_box

zarr = pytest.importorskip("zarr")
yaozarrs = pytest.importorskip("yaozarrs")
PLUGIN = "napari-unet-em"
SHAPE = (6, 1000, 80)
GREY = np.random.default_rng(0).integers(0, 255, SHAPE).astype(np.uint8)
CELLS = (GREY // 100).astype(np.uint16)


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    path = tmp_path / "em.ome.zarr"
    levels = create_image(planned(path, "ZYX", SHAPE, np.uint8, (50, 4, 4), "nm"))
    for made, values, labels in (
        (levels, GREY, False),
        (create_labels(path, levels[0], np.uint16, "cells"), CELLS, True),
    ):
        write_box(made[0], (slice(None),) * 3, values)
        list(fill_pyramid(made, labels=labels))
    return path


def units(layer: Any) -> tuple[str, ...]:
    return tuple(str(unit) for unit in layer.units)


def test_an_image_opens_lazily_in_all_resolutions_with_its_labels(
    viewer: Any, volume: Path
) -> None:
    image, cells = viewer.open(str(volume), plugin=PLUGIN)
    assert (image.name, cells.name) == ("em", "cells")
    for layer, values in ((image, GREY), (cells, CELLS)):
        assert layer.multiscale
        assert [one.shape for one in layer.data] == [SHAPE, (6, 500, 40)]
        assert all(isinstance(one, Array) for one in layer.data)
        np.testing.assert_array_equal(layer.data[0], values)
        np.testing.assert_allclose(layer.scale, (50, 4, 4))
        assert units(layer) == ("nanometer",) * 3
        assert layer.axis_labels == ("z", "y", "x")


def test_labels_that_do_not_say_where_they_lie_lie_on_their_image(
    viewer: Any, volume: Path
) -> None:
    group = zarr.open_group(volume / "labels" / "cells", mode="r+")
    said = dict(group.attrs["ome"])
    for axis in said["multiscales"][0]["axes"]:
        del axis["unit"]
    for level, factor in zip(said["multiscales"][0]["datasets"], (1, 2), strict=True):
        level["coordinateTransformations"] = [{"type": "scale", "scale": [factor] * 3}]
    group.attrs["ome"] = said
    image, cells = viewer.open(str(volume), plugin=PLUGIN)
    np.testing.assert_allclose(cells.scale, image.scale)
    assert units(cells) == units(image)


def test_labels_alone_open_as_labels(viewer: Any, volume: Path) -> None:
    (cells,) = viewer.open(str(volume / "labels" / "cells"), plugin=PLUGIN)
    assert type(cells).__name__ == "Labels"


def test_what_cannot_be_read_says_why(viewer: Any, volume: Path) -> None:
    (volume / "zarr.json").write_text("{", encoding="utf-8")
    assert viewer.open(str(volume), plugin=PLUGIN) == []
    told = notification_manager.records[-1].message
    assert "metadata are broken" in told


def test_an_image_with_labels_is_written_for_others(
    viewer: Any, volume: Path, tmp_path: Path
) -> None:
    viewer.open(str(volume), plugin=PLUGIN)
    out = tmp_path / "copy.ome.zarr"
    assert viewer.layers.save(str(out), plugin=PLUGIN) == [str(out)]
    yaozarrs.validate_zarr_store(str(out))
    stack, found = read_stack(out), open_zarr(out)
    np.testing.assert_array_equal(stack.data, GREY)
    assert (stack.pixel_size, stack.unit) == ((50, 4, 4), "nm")
    assert found.labels == ("cells",)
    np.testing.assert_array_equal(found.label("cells").levels[0][...], CELLS)


def test_labels_are_written_alone(viewer: Any, tmp_path: Path) -> None:
    place = {"scale": (4, 4), "units": ("nm", "nm")}
    viewer.add_labels(CELLS[0], **place)
    out = tmp_path / "cells.zarr"
    viewer.layers[0].save(str(out), plugin=PLUGIN)
    yaozarrs.validate_zarr_store(str(out))
    volume = open_volume(out)
    np.testing.assert_array_equal(volume[...], CELLS[0])
    assert (volume.axes, volume.pixel_size, volume.unit) == ("YX", (4, 4), "nm")
    assert open_zarr(out).is_labels


def test_labels_that_lie_elsewhere_are_not_written_as_the_image_s(
    viewer: Any, volume: Path, tmp_path: Path
) -> None:
    viewer.open(str(volume), plugin=PLUGIN)
    viewer.layers[-1].translate = (0, 8, 0)
    out = tmp_path / "copy.ome.zarr"
    with pytest.raises(Exception, match="do not lie on the image"):
        viewer.layers.save(str(out), plugin=PLUGIN)
    assert not out.exists()


def test_what_is_there_is_not_written_over(viewer: Any, volume: Path) -> None:
    viewer.add_labels(CELLS)
    with pytest.raises(Exception, match="is there already"):
        viewer.layers[0].save(str(volume), plugin=PLUGIN)
    np.testing.assert_array_equal(read_stack(volume).data, GREY)
