"""Training from an OME-Zarr: what a stack in memory gives, without having it there."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import torch

from napari_unet.config import AnnotationKind
from napari_unet.data.read import as_stack
from napari_unet.train.batches import Batches
from napari_unet.train.training_image import prepare_image
from napari_unet.train.training_source import TrainingSource

zarr = pytest.importorskip("zarr")

SHAPE = (64, 192, 256)


def written(path, values):
    """Write values as an OME-Zarr of one level, in chunks several slices deep."""
    group = zarr.open_group(path, mode="w")
    group.create_array("0", data=values, chunks=(16, 64, 64), compressors=None)
    axes = [{"name": k, "type": "space", "unit": "nanometer"} for k in "zyx"]
    scale = [{"type": "scale", "scale": [4, 4, 4]}]
    datasets = [{"path": "0", "coordinateTransformations": scale}]
    multiscales = [{"axes": axes, "datasets": datasets}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": multiscales}
    return path


@pytest.mark.parametrize("ndim", [2, 3])
def test_few_annotations_in_a_volume_are_learnt_in_little_memory(
    tmp_path, small, monkeypatch, ndim
):
    monkeypatch.setattr("napari_unet.data.slabs._SLAB_BYTES", 2**19)
    image = np.random.default_rng(0).integers(0, 255, SHAPE, np.uint8)
    labels = np.zeros(SHAPE, np.uint8)
    labels[9, 100:110, 200:240], labels[50, 20:40, 5:15] = 1, 2
    path = written(tmp_path / "em.ome.zarr", image)
    painted = written(path / "labels" / "cells", labels)
    kind, config = AnnotationKind.SCRIBBLES, small(ndim=ndim, patch_slices=8)
    source = TrainingSource(path, painted, kind, validation="none")
    source.prepare(config)  # now every library is loaded
    options = {"kind": kind, "validation": "none", "network": config.network}
    whole = prepare_image(as_stack(image), labels, **options)
    expected = Batches([whole], config, torch.device("cpu"))
    expected.draw(0)
    tracemalloc.start()
    try:
        found, _ = source.prepare(config)
        batches = Batches([found], config, torch.device("cpu"))
        drawn = [batches.draw(step) for step in range(2)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * image.size, peak
    assert found.fingerprint == whole.fingerprint
    assert found.image_fingerprint == whole.image_fingerprint
    np.testing.assert_array_equal(found.weight_map, whole.weight_map)
    for step, one in enumerate(drawn):
        other = expected.draw(step)
        for name in ("image", "target", "weight_map"):
            assert torch.equal(getattr(one, name), getattr(other, name))
