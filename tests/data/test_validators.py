"""What is written is an OME-Zarr for the libraries of others, too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_unet.data.ome_zarr_writer import create_image, create_labels, planned
from napari_unet.data.pyramid import fill_pyramid
from napari_unet.data.volume import write_box

zarr = pytest.importorskip("zarr")
models = pytest.importorskip("ome_zarr_models", reason="has an environment of its own")
ome_zarr = pytest.importorskip("ome_zarr")
SHAPE = (4, 700, 90)


@pytest.fixture(params=["0.4", "0.5"])
def image(request, tmp_path):
    """An image of two levels with labels."""
    path = tmp_path / "em.ome.zarr"
    volume = planned(path, "ZYX", SHAPE, np.uint8, (8, 4, 4), "nm")
    levels = create_image(replace(volume, version=request.param))
    cells = create_labels(path, levels[0], np.uint32, "cells")
    values = np.random.default_rng(0).integers(0, 200, SHAPE)
    for made in (levels, cells):
        write_box(made[0], (slice(None),) * 3, values.astype(made[0].dtype))
        list(fill_pyramid(made, labels=made is cells))
    return path, request.param


def test_ome_zarr_models_takes_image_and_labels(image):
    path, version = image
    for folder, kind in ((path, "Image"), (path / "labels" / "cells", "ImageLabel")):
        found = models.open_ome_zarr(zarr.open_group(folder, mode="r"))
        assert type(found).__name__ == kind
        assert found.ome_zarr_version == version
    assert models.open_ome_zarr(zarr.open_group(path, mode="r")).labels is not None


def test_ome_zarr_py_reads_image_and_labels(image):
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    path, _ = image
    nodes = {node.zarr.basename(): node for node in Reader(parse_url(path))()}
    for name in ("em.ome.zarr", "cells"):
        assert [one.shape for one in nodes[name].data] == [SHAPE, (4, 350, 45)]
        assert [axis["name"] for axis in nodes[name].metadata["axes"]] == [
            "z",
            "y",
            "x",
        ]
