"""Files that other programs write to while they are read."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import tifffile

from napari_unet.data import folder, lazy, tiff
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError

CHANGED = "was changed by another program while it was open"
VOLUME = np.arange(6 * 40 * 50, dtype=np.uint16).reshape(6, 40, 50)


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """Take every file for a large one."""
    for module in (folder, lazy, tiff):
        monkeypatch.setattr(module, "memory_limit", lambda: 0)


@pytest.fixture(params=[None, "zlib"])
def path(tmp_path, request):
    tifffile.imwrite(tmp_path / "a.tif", VOLUME, compression=request.param)
    return tmp_path / "a.tif"


def test_a_file_that_is_cut_off_while_it_is_open_is_told(path):
    """In a process of its own: a memory map would end it without a word."""
    code = f"""
import os
from napari_unet.data import lazy, tiff
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError
lazy.memory_limit = tiff.memory_limit = lambda: 0
data = read_stack({str(path)!r}).data
data[0]
os.truncate({str(path)!r}, 300)
try:
    data[5]
except InputError as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert CHANGED in ran.stdout
    assert str(path) in ran.stdout


def test_a_file_that_is_rewritten_in_place_is_told(path):
    data = read_stack(path).data
    np.testing.assert_array_equal(data[0], VOLUME[0])
    whole = path.read_bytes()
    with path.open("rb+") as file:
        file.write(whole[:200])
        os.utime(path, ns=(1, 1))  # clocks of disks may be slower than this test
    with pytest.raises(InputError, match=CHANGED):
        data[1]


def test_a_slice_of_a_folder_that_is_rewritten_or_replaced_is_told(tmp_path):
    for z, plane in enumerate(VOLUME):
        tifffile.imwrite(tmp_path / f"{z}.tif", plane)
    data = read_stack(tmp_path).data
    (tmp_path / "2.tif").write_bytes((tmp_path / "3.tif").read_bytes())
    (tmp_path / "4.tif").write_bytes(b"II*")
    for z in (2, 4):
        os.utime(tmp_path / f"{z}.tif", ns=(1, 1))
        with pytest.raises(InputError, match=rf"{z}\.tif {CHANGED}"):
            data[z]
    (tmp_path / "5.tif").unlink()
    with pytest.raises(InputError, match=r"5\.tif"):
        data[5]
    np.testing.assert_array_equal(data[0], VOLUME[0])


def test_single_pages_are_those_that_dask_gives(path):
    data = read_stack(path).data
    for key in [3, -1, (np.int64(2), slice(4, 9), ...), (1, slice(None), 7)]:
        assert type(data[key]) is np.ndarray
        np.testing.assert_array_equal(data[key], VOLUME[key])
    for key in [slice(1, 3), (slice(None), 4), [2, 0], (None, 1), np.array([True] * 6)]:
        np.testing.assert_array_equal(data[key], VOLUME[key])
    with pytest.raises(IndexError):
        data[6]


def test_a_large_single_slice_is_whole(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", VOLUME[0])
    data = read_stack(tmp_path / "a.tif").data
    np.testing.assert_array_equal(data, VOLUME[0])
    np.testing.assert_array_equal(data[3], VOLUME[0, 3])


def test_a_file_that_is_replaced_is_read_on_as_it_was(path, tmp_path):
    data = read_stack(path).data
    tifffile.imwrite(tmp_path / "b.tif", VOLUME[:2] + 1)
    (tmp_path / "b.tif").replace(path)
    np.testing.assert_array_equal(data, VOLUME)
