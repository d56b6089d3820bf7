"""A volume that was changed is told from what it was, without reading all of it."""

from __future__ import annotations

import os
import shutil

import numpy as np
import pytest

from napari_unet.data.volume_files import volume_at
from napari_unet.data.volume_state import state_of

h5py = pytest.importorskip("h5py")
zarr = pytest.importorskip("zarr")

GREY = np.arange(4 * 32 * 32, dtype=np.uint16).reshape(4, 32, 32)


def on_disk(path, values=GREY):
    """Write values in the format of a name, anew."""
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("raw", data=values, chunks=(2, 16, 16))
    else:
        shutil.rmtree(path, ignore_errors=True)
        zarr.create_array(path, data=values, chunks=(2, 16, 16))
    return path


def state(path):
    return state_of(volume_at(path, axes="ZYX"))


@pytest.mark.parametrize("name", ["em.h5", "em.zarr"])
def test_one_changed_chunk_is_seen_and_a_look_changes_nothing(tmp_path, name):
    path = on_disk(tmp_path / name)
    before = state(path)
    assert state(path) == before
    np.asarray(volume_at(path, axes="ZYX"))
    assert state(path) == before
    if path.suffix == ".h5":
        with h5py.File(path, "a") as file:
            file["raw"][3, 20, 20] += 1
    else:
        zarr.open_array(path)[3, 20, 20] = 1
    assert state(path) != before


@pytest.mark.parametrize("name", ["em.h5", "em.zarr"])
def test_another_image_of_the_same_size_is_seen(tmp_path, name):
    path = on_disk(tmp_path / name)
    before = state(path)
    on_disk(path, GREY[::-1])
    assert state(path) != before


def test_labels_that_are_put_into_an_image_are_no_change_of_it(tmp_path):
    path = on_disk(tmp_path / "em.zarr")
    before = state(path)
    zarr.create_array(path / "labels" / "cells", data=GREY, chunks=(2, 16, 16))
    assert state(path) == before


def test_a_file_that_another_one_refers_to_counts(tmp_path):
    part, whole = on_disk(tmp_path / "part.h5"), tmp_path / "whole.h5"
    layout = h5py.VirtualLayout(GREY.shape, GREY.dtype)
    layout[...] = h5py.VirtualSource("part.h5", "raw", GREY.shape)
    with h5py.File(whole, "w") as file:
        file.create_virtual_dataset("raw", layout)
    before = state(whole)
    found = part.stat()
    os.utime(part, ns=(found.st_atime_ns, found.st_mtime_ns + 1_000_000))
    assert state(whole) != before


def test_on_a_server_some_chunks_are_read(monkeypatch):
    fsspec = pytest.importorskip("fsspec")
    address = "memory://state.zarr"
    for number in range(2):
        zarr.create_array(
            address, data=GREY + number, chunks=(2, 16, 16), overwrite=True
        )
        if number == 0:
            before = state(address)
            assert state(address) == before
    assert state(address) != before
    fsspec.filesystem("memory").rm("/state.zarr", recursive=True)
