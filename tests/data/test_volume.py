"""A volume is read as it is now, and its file is nobody's but while it is read."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from napari_unet.data.ome_zarr import open_volume
from napari_unet.data.volume import opened
from napari_unet.data.volume_files import volume_at
from napari_unet.errors import InputError

GREY = np.arange(4 * 32 * 32, dtype=np.uint16).reshape(4, 32, 32)


@pytest.fixture
def h5py():
    return pytest.importorskip("h5py")


def test_a_file_is_free_once_it_is_read(tmp_path, h5py):
    path = tmp_path / "em.h5"
    for values in (GREY, GREY + 1):
        with h5py.File(path, "w") as file:  # HDF5 refuses this while it is open
            file["raw"] = values
        np.testing.assert_array_equal(volume_at(path, axes="ZYX")[1:3], values[1:3])
    volume = volume_at(path, axes="ZYX")
    with opened(volume), pytest.raises(OSError, match="open"):
        h5py.File(path, "a")
    with h5py.File(path, "a") as file:
        del file["raw"]
    with pytest.raises(InputError, match=r"em\.h5 holds no /?raw any more: open it"):
        volume[...]


def test_axes_of_length_1_can_be_left_out_of_an_hdf5(tmp_path, h5py):
    with h5py.File(tmp_path / "em.h5", "w") as file:
        file["raw"] = GREY[None]
    volume = volume_at(tmp_path / "em.h5", axes="zyx")
    assert (volume.axes, volume.shape) == ("TZYX", (1, *GREY.shape))


def test_an_hdf5_has_no_other_level(tmp_path, h5py):
    with h5py.File(tmp_path / "em.h5", "w") as file:
        file["raw"] = GREY
    with pytest.raises(InputError, match="no level 1: only OME-Zarr"):
        volume_at(tmp_path / "em.h5", 1, "ZYX")


def test_an_array_that_was_written_anew_is_read_as_it_is_stored_now(tmp_path):
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "em.zarr"
    for number, compressors in enumerate((None, "auto")):
        zarr.create_array(
            path,
            data=GREY + number,
            chunks=(2, 16, 16),
            compressors=compressors,
            overwrite=True,
        )
        volume = open_volume(path, axes="ZYX")
        np.testing.assert_array_equal(volume[...], GREY + number)
    shutil.rmtree(path)
    with pytest.raises(InputError) as told:
        volume[...]
    assert str(told.value) == f"{path} does not exist: check the path."


@pytest.mark.parametrize(
    "how",
    [
        {"zarr_format": 3},
        {"zarr_format": 2},
        {"zarr_format": 2, "chunk_key_encoding": {"name": "v2", "separator": "/"}},
        {"zarr_format": 3, "shards": (4, 16, 32)},
    ],
    ids=["v3", "v2", "v2 in folders", "sharded"],
)
def test_of_what_was_never_stored_no_chunk_is_asked_for(tmp_path, monkeypatch, how):
    zarr = pytest.importorskip("zarr")
    array = zarr.create_array(
        tmp_path / "em.zarr",
        shape=GREY.shape,
        dtype=GREY.dtype,
        chunks=(2, 16, 16),
        fill_value=7,
        **how,
    )
    array[2:4, :16] = GREY[2:4, :16]
    expected, volume = np.asarray(array), open_volume(tmp_path / "em.zarr", axes="ZYX")
    for box in (np.s_[1:3, 3:20, 5:], np.s_[:, :, :], np.s_[-1:, :4, :4]):
        np.testing.assert_array_equal(volume[box], expected[box])
    np.testing.assert_array_equal(volume.lazy(), expected)

    def refuse(self, key):
        raise AssertionError(key)

    monkeypatch.setattr(zarr.Array, "__getitem__", refuse)
    for box in (np.s_[:, 16:, :], np.s_[-1:, 17:19, -3:]):
        np.testing.assert_array_equal(volume[box], expected[box])
        assert volume[box].dtype == GREY.dtype
    with pytest.raises(InputError, match="cannot be read"):
        volume[1:3, 3:20, 5:]
