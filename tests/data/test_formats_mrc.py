"""MRC files: sizes, signs and axes as their header has them, and as IMOD reads them."""

from __future__ import annotations

import dask.array as da
import mrcfile
import numpy as np
import pytest

from napari_unet.data import lazy
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError

VOLUME = np.random.default_rng(0).integers(0, 100, (4, 5, 6))


def save(path, values, voxel=None, **header):
    """Write `values`, then change fields of the header."""
    with mrcfile.new(path, values) as file:
        if voxel is not None:
            file.voxel_size = voxel
        for name, value in header.items():
            file.header[name] = value
    return path


def patch(path, place, content):
    whole = bytearray(path.read_bytes())
    whole[place : place + len(content)] = content
    path.write_bytes(whole)
    return path


@pytest.mark.parametrize("dtype", ["i1", "i2", "f4", "u2", "f2"])
def test_every_mode_is_read_with_its_values(tmp_path, dtype):
    stack = read_stack(save(tmp_path / "a.mrc", VOLUME.astype(dtype)))
    assert stack.axes == "ZYX"
    assert stack.dtype == dtype
    np.testing.assert_array_equal(stack.data, VOLUME)


@pytest.mark.parametrize("suffix", [".mrc", ".rec", ".map", ".st", ".ali"])
def test_voxels_have_the_size_of_the_cell_over_the_samples(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    save(path, VOLUME.astype("i2"), (13.7, 13.7, 25.0))
    stack = read_stack(path)
    assert stack.pixel_size == (25.0, 13.7, 13.7)
    assert stack.calibration_source == "MRC header"
    assert stack.unit == "angstrom"
    assert stack.notes == ()


@pytest.mark.parametrize("voxel", [0.0, -13.7, np.nan])
def test_a_size_that_is_none_is_unknown(tmp_path, voxel):
    stack = read_stack(save(tmp_path / "a.mrc", VOLUME.astype("i2"), voxel))
    assert stack.unit == "pixel"
    assert stack.pixel_size == (1.0, 1.0, 1.0)


def test_one_angstrom_is_doubted(tmp_path):
    stack = read_stack(save(tmp_path / "a.mrc", VOLUME.astype("i2"), 1.0))
    assert stack.unit == "angstrom"
    assert "set the pixel size" in stack.notes[0]


def test_the_sections_of_an_image_stack_have_no_distance(tmp_path):
    path = save(tmp_path / "a.mrc", VOLUME.astype("i2"), 20.0, ispg=0, mz=1)
    stack = read_stack(path)
    assert stack.pixel_size == (1.0, 20.0, 20.0)
    assert stack.unknown_axes == "Z"


def foreign(path, values, stamp=(0x11, 0x11, 0, 0), extended=0):
    """Write a big-endian file, as old workstations did."""
    with mrcfile.new(path, values) as file:
        file.voxel_size = 8.5
        header = file.header.astype(file.header.dtype.newbyteorder(">"))
    header["machst"], header["nsymbt"] = stamp, extended
    if not any(stamp):
        header["map"] = b""
    pixels = values.astype(values.dtype.newbyteorder(">"))
    path.write_bytes(header.tobytes() + bytes(extended) + pixels.tobytes())
    return path


@pytest.mark.parametrize("extended", [0, 768])
@pytest.mark.parametrize("larger_than_memory", [False, True])
def test_foreign_byte_orders_and_extended_headers_are_read(
    tmp_path, monkeypatch, extended, larger_than_memory
):
    if larger_than_memory:
        monkeypatch.setattr(lazy, "memory_limit", lambda: 0)
    path = foreign(tmp_path / "a.mrc", VOLUME.astype("f4"), extended=extended)
    stack = read_stack(path)
    assert stack.dtype.isnative
    assert stack.pixel_size == (8.5, 8.5, 8.5)
    assert isinstance(stack.data, da.Array) is larger_than_memory
    np.testing.assert_array_equal(np.asarray(stack.data), VOLUME)


def test_an_old_file_of_bytes_without_any_stamp_is_read(tmp_path):
    path = foreign(tmp_path / "a.mrc", VOLUME.astype("i1"), stamp=(0, 0, 0, 0))
    stack = read_stack(path)
    np.testing.assert_array_equal(stack.data, VOLUME)
    assert stack.pixel_size == (8.5, 8.5, 8.5)


def test_columns_that_are_another_axis_are_turned(tmp_path):
    path = save(tmp_path / "a.map", VOLUME.astype("i2"), mapc=3, mapr=1, maps=2)
    with mrcfile.mmap(path, "r+") as file:
        file.header.mx, file.header.my, file.header.mz = 5, 4, 6
        file.header.cella = (50.0, 80.0, 180.0)
    stack = read_stack(path)
    # Sections are along Y, rows along X and columns along Z.
    assert stack.shape == (6, 4, 5)
    assert stack.pixel_size == (30.0, 20.0, 10.0)
    np.testing.assert_array_equal(stack.data, VOLUME.transpose(2, 0, 1))


def test_a_folder_of_images_is_a_stack(tmp_path):
    for index, plane in enumerate(VOLUME.astype("i2")):
        save(tmp_path / f"{index}.mrc", plane if index else plane[None], 20.0)
    stack = read_stack(tmp_path)
    assert stack.axes == "ZYX"
    assert stack.pixel_size == (1.0, 20.0, 20.0)
    np.testing.assert_array_equal(stack.data, VOLUME)


def test_a_stack_of_volumes_is_a_series(tmp_path):
    values = np.arange(2 * 3 * 4 * 5, dtype="i2").reshape(2, 3, 4, 5)
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(values)
    stack = read_stack(tmp_path / "a.mrc")
    assert stack.axes == "TZYX"
    np.testing.assert_array_equal(stack.data, values)


@pytest.mark.parametrize(
    ("mode", "words"), [(4, "complex"), (16, "colours"), (101, "4")]
)
def test_what_is_no_image_is_refused(tmp_path, mode, words):
    path = save(tmp_path / "a.mrc", VOLUME.astype("f4"))
    with pytest.raises(InputError, match=words):
        read_stack(patch(path, 12, np.array([mode], "<i4").tobytes()))


def test_an_axis_that_there_is_not_is_told(tmp_path):
    path = save(tmp_path / "a.mrc", VOLUME.astype("f4"))
    with pytest.raises(InputError, match="its header is broken"):
        read_stack(patch(path, 64, np.array([9], "<i4").tobytes()))


@pytest.mark.parametrize("content", [b"", b"not an image", bytes(4000)])
def test_what_is_no_mrc_file_is_refused(tmp_path, content):
    path = tmp_path / "a.mrc"
    path.write_bytes(content)
    with pytest.raises(InputError, match="is not an MRC file"):
        read_stack(path)


def imod(path, stamp, flags):
    return patch(path, 152, np.array([stamp, flags], "<i4").tobytes())


@pytest.mark.parametrize(
    ("stamp", "flags", "low_high", "version", "dtype"),
    [
        (1146047817, 0, (0, 255), 20140, "u1"),
        (1146047817, 1, (0, 255), 20140, "i1"),
        (0, 0, (0, 255), 20140, "u1"),
        (0, 0, (-20, 99), 0, "i1"),
        (0, 0, (-100, 140), 20140, "i1"),
        (0, 0, (0, 99), 20140, "i1"),
        (0, 0, (0, 99), 0, "u1"),
        (0, 0, (0, 0), 0, "u1"),
        (0, 0, (0, 0), 20141, "i1"),
    ],
)
def test_bytes_are_signed_as_imod_takes_them(
    tmp_path, stamp, flags, low_high, version, dtype
):
    values = VOLUME.astype("i1")
    path = save(
        *(tmp_path / "a.mrc", values),
        dmin=low_high[0],
        dmax=low_high[1],
        nversion=version,
    )
    stack = read_stack(imod(path, stamp, flags))
    assert stack.dtype == dtype
    np.testing.assert_array_equal(stack.data, values.view(dtype))
    assert any("0 to 255" in note for note in stack.notes) is (dtype == "u1")
