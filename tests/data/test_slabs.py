"""Chunks that are several slices deep are read once, not once for each slice."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from napari_unet.config import PredictConfig, UNetConfig
from napari_unet.data import fingerprint as fingerprints
from napari_unet.data import slabs
from napari_unet.data.fingerprint import fingerprint, fingerprint_of_pair
from napari_unet.data.normalize import Normalization
from napari_unet.data.read import read_stack
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.stack import Stack
from napari_unet.model.card import ModelCard
from napari_unet.model.checkpoint import Model
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.segment import segment

zarr = pytest.importorskip("zarr")
GREY = np.random.default_rng(0).integers(0, 255, (40, 64, 64)).astype(np.uint8)


@pytest.fixture
def reads(tmp_path, monkeypatch):
    """A volume in chunks 16 deep, and how often each of its chunks was read."""
    path, counted = tmp_path / "a.zarr", Counter()
    zarr.create_array(
        path, data=GREY, chunks=(16, 32, 32), dimension_names=["z", "y", "x"]
    )
    whole = zarr.storage.LocalStore.get

    async def get(self, key, *args, **kwargs):
        if "c/" in key:
            counted[key] += 1
        return await whole(self, key, *args, **kwargs)

    monkeypatch.setattr(zarr.storage.LocalStore, "get", get)
    return read_stack(path), counted


def once(counted):
    return len(counted) == 3 * 2 * 2 and set(counted.values()) == {1}


@pytest.mark.parametrize("per", ["slice", "image"])
def test_moments_read_every_chunk_once(reads, per):
    stack, counted = reads
    of_chunks = Normalization(per=per).measure(stack.as_czyx())
    assert once(counted)
    of_array = Normalization(per=per).measure(GREY[None])
    np.testing.assert_array_equal(of_chunks, of_array)


def test_of_an_image_that_is_measured_where_it_is_read_the_rest_stays_on_disk(reads):
    stack, counted = reads
    normalise = Normalization()
    image = normalise.where_read(stack.as_czyx(), now=[2, 17, 18])
    assert set(counted.values()) == {1}
    assert {key.split("/")[-3] for key in counted} == {"0", "1"}
    box = np.s_[:, 17:19, 5:40, 30:50]
    np.testing.assert_array_equal(image[box], normalise(GREY[None])[box])


def test_a_fingerprint_reads_every_chunk_once(reads):
    stack, counted = reads
    assert fingerprint(stack.as_czyx()) == fingerprint(GREY[None])
    assert once(counted)


def test_of_a_large_image_and_its_labels_the_fingerprint_reads_samples(
    reads, monkeypatch
):
    stack, counted = reads
    monkeypatch.setattr(fingerprints, "_LARGE", GREY.size - 1)
    monkeypatch.setattr(fingerprints, "_SAMPLES", (2, 1, 1))
    monkeypatch.setattr(fingerprints, "_SIDE", 32)
    other, unread = GREY.copy(), GREY.copy()
    other[39, 3, 3] += 1
    unread[20] += 1
    painted = SparseSlices(GREY.shape, np.uint8, 0, {4: np.ones((64, 64), np.uint8)})
    moved = SparseSlices(GREY.shape, np.uint8, 0, {5: np.ones((64, 64), np.uint8)})
    alone = fingerprint(stack.as_czyx())
    assert len(counted) == 2
    assert alone == fingerprint(GREY[None]) == fingerprint(unread[None])
    assert alone not in {fingerprint(other[None]), fingerprint(GREY[None, ::-1])}
    pair = fingerprint_of_pair(stack.as_czyx(), painted)
    assert pair == fingerprint_of_pair(GREY[None], painted)
    assert pair not in {
        fingerprint_of_pair(GREY[None], moved),
        fingerprint_of_pair(other[None], painted),
    }


def test_a_prediction_reads_every_chunk_once_where_the_memory_holds_the_stack(reads):
    stack, counted = reads
    network = UNetConfig(base_channels=2, depth=1)
    model = Model(UNet(network), ModelCard(network=network))
    config = PredictConfig(device="cpu", tile_size=32)
    found = segment(model, stack, config).labels
    assert once(counted)
    as_array = Stack(GREY, "ZYX", (1, 1, 1), "pixel", "array")
    np.testing.assert_array_equal(found, segment(model, as_array, config).labels)


def test_beyond_the_memory_an_image_stays_on_disk(reads, monkeypatch):
    stack, counted = reads
    monkeypatch.setattr(slabs, "memory_limit", lambda: 1000)
    image = stack.as_czyx()
    assert slabs.read_deep(image) is image
    assert not counted


class Counting:
    """An image in deep chunks that notes what is read of it."""

    shape, dtype, ndim = (1, *GREY.shape), GREY.dtype, 4
    chunks = (1, 16, 32, 32)

    def __init__(self):
        self.read = []

    def __getitem__(self, key):
        self.read.append(key[1])
        return GREY[None][key]


def test_slices_are_read_in_slabs_of_bounded_size_that_lie_in_a_chunk(monkeypatch):
    monkeypatch.setattr(slabs, "_SLAB_BYTES", 6 * 64 * 64)
    image = Counting()
    np.testing.assert_array_equal(list(slabs.slices_of(image)), GREY[:, None])
    assert image.read == [slice(z, z + 4) for z in range(0, 40, 4)]


def test_of_many_strips_those_are_read_that_hold_anything(monkeypatch):
    labels, dask = np.zeros_like(GREY), pytest.importorskip("dask.array")
    labels[[3, 20, 39], [3, 40, 63]] = 7
    lazy = dask.from_array(labels, chunks=(16, 32, 32))
    monkeypatch.setattr(slabs, "_SLAB_BYTES", 8 * 32 * 64)
    every = list(slabs.strips_of(lazy))
    assert list(slabs.filled_strips(lazy)) == every
    monkeypatch.setattr(slabs, "_MANY_STRIPS", 4)
    filled = list(slabs.filled_strips(lazy))
    assert 3 <= len(filled) < len(every)
    np.testing.assert_array_equal(SparseSlices.of(lazy), labels)
    assert SparseSlices.of(lazy).slices.tolist() == [3, 20, 39]
