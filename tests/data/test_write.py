"""Written stacks come back as they were, and as Fiji and napari expect them."""

from __future__ import annotations

from dataclasses import replace

import dask.array as da
import numpy as np
import pytest
import tifffile

from napari_unet.data import lazy
from napari_unet.data.read import read_stack
from napari_unet.data.stack import Stack
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError

LIKE = Stack(
    np.zeros((5, 20, 30), "u1"), "ZYX", (0.05, 0.004, 0.005), "um", "an EM stack"
)


def labels(dtype="u2", shape=(5, 20, 30), high=100):
    values = np.random.default_rng(0).integers(0, high, shape)
    return values > 50 if dtype == "bool" else values.astype(dtype)


@pytest.mark.parametrize("name", ["a.tif", "a.tiff", "a.ome.tif"])
@pytest.mark.parametrize("dtype", ["bool", "u1", "u2", "i1", "i2", "f4", "f8"])
def test_values_axes_and_pixel_size_come_back(tmp_path, name, dtype):
    write_stack(tmp_path / name, labels(dtype), like=LIKE)
    read = read_stack(tmp_path / name)
    assert (read.axes, read.dtype) == ("ZYX", np.dtype(dtype))
    assert (read.pixel_size, read.unit) == (LIKE.pixel_size, "um")
    np.testing.assert_array_equal(np.asarray(read.data), labels(dtype))


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
@pytest.mark.parametrize("unit", ["nm", "µm", "angstrom", "mm", "inch", "pixel"])
def test_every_unit_comes_back_in_its_plain_form(tmp_path, name, unit):
    # Pixels of inches would be a screen's.
    side = {"pixel": 1.0, "inch": 4e-6}.get(unit, 4.0)
    sizes = (50.0, side, side)
    write_stack(tmp_path / name, labels(), pixel_size=sizes, unit=unit)
    read = read_stack(tmp_path / name)
    assert (read.pixel_size, read.unit) == (sizes, unit.replace("µ", "u"))


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_an_unknown_distance_of_slices_stays_unknown(tmp_path, name):
    like = replace(LIKE, pixel_size=(1.0, 0.004, 0.005), unknown_axes="Z")
    write_stack(tmp_path / name, labels(), like=like)
    read = read_stack(tmp_path / name)
    assert (read.pixel_size, read.unknown_axes) == (like.pixel_size, "Z")


@pytest.mark.parametrize(
    ("dtype", "name", "expected"),
    [
        ("u1", "a.tif", "imagej"),
        ("u2", "a.tif", "imagej"),
        ("f4", "a.tif", "imagej"),
        ("i8", "a.tif", "imagej"),
        ("i2", "a.tif", "ome"),
        ("u2", "a.ome.tif", "ome"),
    ],
)
def test_fiji_is_given_its_own_format_where_that_holds_the_type(
    tmp_path, dtype, name, expected
):
    write_stack(tmp_path / name, labels(dtype), like=LIKE)
    with tifffile.TiffFile(tmp_path / name) as tif:
        assert tif.series[0].kind == expected
        assert len(tif.pages) == 5


@pytest.mark.parametrize(
    ("dtype", "high", "expected"),
    [
        ("i4", 65_536, "u2"),
        ("i8", 65_536, "u2"),
        ("i4", 1_000_000, "i4"),
        ("u4", 1_000_000, "i4"),
        ("i8", 1_000_000, "i4"),
        ("u8", 2**32, "u4"),
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_labels_take_the_smallest_type_that_fiji_opens(
    tmp_path, dtype, high, expected, lazy
):
    given = labels(dtype, high=high)
    given[0, 0, :2] = 0, high - 1
    write_stack(tmp_path / "a.tif", da.from_array(given) if lazy else given)
    read = read_stack(tmp_path / "a.tif")
    assert read.dtype == np.dtype(expected)
    np.testing.assert_array_equal(np.asarray(read.data), given)


def test_labels_that_no_program_opens_are_refused(tmp_path):
    with pytest.raises(InputError, match="do not fit into 32 bits"):
        write_stack(tmp_path / "a.tif", labels("i8") + 2**40)
    with pytest.raises(InputError, match="no values of type complex"):
        write_stack(tmp_path / "a.tif", labels("c8"))
    assert not list(tmp_path.iterdir())


def test_integers_are_compressed_and_floats_are_not(tmp_path):
    blank = np.zeros((5, 200, 300))
    write_stack(tmp_path / "labels.tif", blank.astype("u2"))
    write_stack(tmp_path / "probabilities.tif", blank.astype("f4"))
    assert (tmp_path / "labels.tif").stat().st_size < 10_000
    assert (tmp_path / "probabilities.tif").stat().st_size > blank.size * 4


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_probabilities_have_their_channels_before_the_axes_of_the_image(tmp_path, name):
    given = labels("f4", (2, 5, 20, 30))
    write_stack(tmp_path / name, given, like=LIKE)
    read = read_stack(tmp_path / name)
    assert (read.axes, read.pixel_size) == ("CZYX", LIKE.pixel_size)
    np.testing.assert_array_equal(np.asarray(read.data), given)


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_time_stays_time(tmp_path, name):
    movie = Stack(labels(), "TYX", (4.0, 4.0), "nm", "a movie")
    write_stack(tmp_path / name, labels("u1"), like=movie)
    read = read_stack(tmp_path / name)
    assert (read.axes, read.pixel_size, read.unit) == ("TYX", (4.0, 4.0), "nm")


def test_labels_of_a_colour_image_have_its_planes(tmp_path):
    picture = Stack(labels("u1", (20, 30, 3)), "YXS", (4.0, 4.0), "nm", "a picture")
    write_stack(tmp_path / "labels.tif", labels("u1", (20, 30)), like=picture)
    assert read_stack(tmp_path / "labels.tif").axes == "YX"
    for name in ("copy.tif", "copy.ome.tif"):
        write_stack(tmp_path / name, picture.data, like=picture)
        read = read_stack(tmp_path / name)
        assert (read.axes, read.pixel_size) == ("YXS", (4.0, 4.0))
        np.testing.assert_array_equal(np.asarray(read.data), picture.data)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_few_slices_stay_slices(tmp_path, count):
    given = labels("u1", (count, 20, 30))
    write_stack(tmp_path / "a.ome.tif", given)
    assert read_stack(tmp_path / "a.ome.tif").as_zyx().shape == given.shape
    write_stack(tmp_path / "a.tif", given)
    assert read_stack(tmp_path / "a.tif").as_zyx().shape == given.shape


@pytest.mark.parametrize("dtype", ["u1", "f2", "bool"])
def test_a_dask_array_is_written_page_by_page(tmp_path, dtype):
    given = da.from_array(labels(dtype), chunks=(1, 20, 30))
    write_stack(tmp_path / "a.tif", given, like=LIKE)
    read = read_stack(tmp_path / "a.tif")
    np.testing.assert_array_equal(np.asarray(read.data), given.compute())


def test_a_stack_can_replace_the_file_that_it_is_read_from(tmp_path, monkeypatch):
    monkeypatch.setattr(lazy, "plain_limit", lambda: 0)
    path = tmp_path / "a.tif"
    write_stack(path, labels("f4"))
    read = read_stack(path)
    write_stack(path, read.data[::-1], like=read)
    np.testing.assert_array_equal(read_stack(path).data, labels("f4")[::-1])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"axes": "YX"}, 'axes "YX" do not fit 3 dimensions'),
        ({"axes": "ZCX"}, 'axes "ZCX" do not fit'),
        ({"pixel_size": (1.0, 2.0)}, "2 pixel sizes do not fit the axes ZYX"),
        ({"pixel_size": (0.0, 1.0, 1.0)}, "must be above 0"),
        ({"unit": "furlong"}, 'unit "furlong" is not known'),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, options, words):
    with pytest.raises(InputError, match=words):
        write_stack(tmp_path / "a.tif", labels(), **options)


def test_nothing_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match="is empty"):
        write_stack(tmp_path / "a.tif", np.zeros((0, 20, 30), "u1"))


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_sizes_without_a_unit_come_back(tmp_path, name):
    write_stack(tmp_path / name, labels(), pixel_size=(50.0, 4.0, 5.0), unit="pixel")
    read = read_stack(tmp_path / name)
    assert (read.pixel_size, read.unit) == ((50.0, 4.0, 5.0), "pixel")
