"""Stacks are read as they are, whatever the file, and broken files are explained."""

from __future__ import annotations

import os
from contextlib import suppress

import dask.array as da
import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet.data import folder, lazy, tiff
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError, OutOfMemoryError

DTYPES = ["bool", "u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"]


def volume(shape=(5, 20, 30), dtype="u2"):
    values = np.random.default_rng(0).integers(0, 100, shape)
    return values > 50 if dtype == "bool" else values.astype(dtype)


@pytest.fixture
def no_memory(monkeypatch):
    """Let every stack be larger than memory."""
    for module in (lazy, tiff, folder):
        monkeypatch.setattr(module, "memory_limit", lambda: 0)


def assert_holds(path, expected, axes="ZYX"):
    read = read_stack(path)
    assert read.axes == axes
    assert read.dtype == expected.dtype
    assert read.dtype.isnative
    np.testing.assert_array_equal(np.asarray(read.data), expected)
    return read


# ------------------------------------------------------------------ kinds of file


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_every_type_keeps_its_values_in_either_byte_order(tmp_path, dtype, byteorder):
    expected = volume(dtype=dtype)
    tifffile.imwrite(tmp_path / "a.tif", expected, byteorder=byteorder)
    assert_holds(tmp_path / "a.tif", expected)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zlib"},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw"},
        {"compression": "zstd"},
        {"compression": "packbits"},
        {"tile": (16, 16)},
        {"tile": (16, 16), "compression": "zstd"},
        {"rowsperstrip": 7},
        {"bigtiff": True},
        {"imagej": True, "metadata": {"axes": "ZYX"}},
        {"imagej": True, "metadata": {"axes": "ZYX"}, "compression": "zlib"},
        {"ome": True, "metadata": {"axes": "ZYX"}},
        {"metadata": None},
        {"metadata": None, "compression": "lzw"},
    ],
    ids=str,
)
@pytest.mark.parametrize("larger_than_memory", [False, True])
def test_every_layout_gives_the_same_stack(
    tmp_path, options, larger_than_memory, request
):
    if larger_than_memory:
        request.getfixturevalue("no_memory")
    tifffile.imwrite(tmp_path / "a.tif", volume(), **options)
    assert_holds(tmp_path / "a.tif", volume())


def test_a_small_uncompressed_file_is_read_and_cannot_be_altered(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", volume())
    data = read_stack(tmp_path / "a.tif").data
    assert type(data) is np.ndarray
    with pytest.raises(ValueError, match="read-only"):
        data[0] = 0


@pytest.mark.usefixtures("no_memory")
@pytest.mark.parametrize("options", [{"compression": "zlib"}, {"byteorder": ">"}, {}])
def test_a_stack_larger_than_memory_is_read_page_by_page(tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", volume(), **options)
    read = assert_holds(tmp_path / "a.tif", volume())
    assert isinstance(read.data, da.Array)
    assert read.data.chunks[0] == (1,) * 5
    for key in [np.s_[3], np.s_[1:4, 5:9, ::2], np.s_[..., 7], np.s_[[4, 0]]]:
        np.testing.assert_array_equal(np.asarray(read.data[key]), volume()[key])
    assert isinstance(read.as_czyx(), da.Array)


@pytest.mark.usefixtures("no_memory")
def test_only_the_pages_that_are_needed_are_decoded(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, volume(), compression="zlib", metadata=None)
    destroy_page(path, 3)
    data = read_stack(path).data
    np.testing.assert_array_equal(data[:3].compute(), volume()[:3])
    with pytest.raises(InputError, match="page 3"):
        data[3]


def test_a_single_plane_is_a_stack_of_one_slice(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", volume((20, 30)))
    read = assert_holds(tmp_path / "a.tif", volume((20, 30)), "YX")
    assert read.num_slices == read.num_channels == 1


@pytest.mark.parametrize("count", [3, 4])
def test_three_slices_saved_without_axes_are_not_taken_for_colours(tmp_path, count):
    expected = volume((count, 20, 30), "u1")
    tifffile.imwrite(tmp_path / "a.tif", expected, photometric="rgb")
    assert_holds(tmp_path / "a.tif", expected)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
def test_colours_are_samples_and_come_last(tmp_path, options):
    expected = volume((5, 20, 30, 3), "u1")
    tifffile.imwrite(tmp_path / "a.tif", expected, photometric="rgb", **options)
    read = assert_holds(tmp_path / "a.tif", expected, "ZYXS")
    assert read.as_czyx().shape == (3, 5, 20, 30)
    assert read.scale == (1.0, 1.0, 1.0)


def test_colours_in_separate_planes_come_last_too(tmp_path):
    expected = volume((20, 30, 3), "u1")
    planes = expected.transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", metadata=None)
    assert_holds(tmp_path / "a.tif", expected, "YXS")


@pytest.mark.parametrize("kind", ["imagej", "ome"])
def test_channels_come_before_slices(tmp_path, kind):
    expected = volume((2, 5, 20, 30))
    tifffile.imwrite(
        tmp_path / "a.tif",
        expected.swapaxes(0, 1),
        metadata={"axes": "ZCYX"},
        **{kind: True},
    )
    read = assert_holds(tmp_path / "a.tif", expected, "CZYX")
    assert (read.num_channels, read.num_slices) == (2, 5)


def test_of_several_series_the_first_is_read_and_the_others_are_told(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as tif:
        tif.write(volume(), metadata={"axes": "ZYX"})
        tif.write(volume((9, 9)), metadata={"axes": "YX"})
    read = assert_holds(tmp_path / "a.ome.tif", volume())
    assert read.notes == ("holds 2 series; the first, 5 x 20 x 30 uint16, was read",)


def test_dimensions_without_a_meaning_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", volume((5, 6, 20, 30)))
    with pytest.raises(InputError, match=r"4 dimensions \(5 x 6 x 20 x 30\) mean"):
        read_stack(tmp_path / "a.tif")


@pytest.mark.real_data
def test_the_isbi_stack_has_thirty_slices(real_data):
    read = read_stack(real_data / "isbi2012-train-volume.tif")
    assert (read.axes, read.shape, read.dtype) == ("ZYX", (30, 512, 512), np.uint8)
    labels = read_stack(real_data / "isbi2012-train-labels.tif")
    assert np.unique(labels.as_zyx()).tolist() == [0, 255]


# ------------------------------------------------------------------------ folders


def test_a_folder_is_read_in_the_order_a_person_counts(tmp_path):
    expected = volume((12, 20, 30))
    for index, plane in enumerate(expected):
        tifffile.imwrite(tmp_path / f"slice{index}.tif", plane)
    (tmp_path / "notes.txt").write_text("not a slice")
    (tmp_path / "._slice0.tif").write_text("left by macOS")
    assert_holds(tmp_path, expected)


@pytest.mark.usefixtures("no_memory")
def test_a_folder_larger_than_memory_is_read_slice_by_slice(tmp_path):
    for index, plane in enumerate(volume()):
        tifffile.imwrite(tmp_path / f"{index}.tif", plane)
    assert isinstance(assert_holds(tmp_path, volume()).data, da.Array)


def test_a_folder_of_pictures_is_read_where_there_is_no_tiff(tmp_path):
    for index, plane in enumerate(volume(dtype="u1")):
        Image.fromarray(plane).save(tmp_path / f"{index}.png")
    assert_holds(tmp_path, volume(dtype="u1"))


def test_a_folder_takes_tiff_before_pictures(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", volume())
    Image.fromarray(volume((9, 9), "u1")).save(tmp_path / "preview.png")
    assert_holds(tmp_path, volume())


@pytest.mark.parametrize("dtype", ["u1", "u2", "bool"])
def test_a_png_is_a_stack_of_one_slice(tmp_path, dtype):
    Image.fromarray(volume((20, 30), dtype)).save(tmp_path / "a.png")
    assert_holds(tmp_path / "a.png", volume((20, 30), dtype), "YX")


def test_a_png_with_a_palette_keeps_its_labels(tmp_path):
    labels = volume((20, 30), "u1")
    picture = Image.fromarray(labels)
    picture.putpalette(list(range(255, -1, -1)) * 3)
    picture.save(tmp_path / "a.png")
    assert_holds(tmp_path / "a.png", labels, "YX")


def test_a_colour_jpeg_has_samples(tmp_path):
    Image.fromarray(volume((20, 30, 3), "u1")).save(tmp_path / "a.jpg")
    assert read_stack(tmp_path / "a.jpg").axes == "YXS"


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (volume((20, 31)), r"slice 2 .* is 20 x 31 uint16"),
        (volume((20, 30), "u1"), r"slice 2 .* is 20 x 30 uint8"),
        (volume(), r"slice 2 .* is 5 x 20 x 30 uint16"),
    ],
)
def test_the_slice_that_does_not_fit_is_named(tmp_path, odd, words):
    for index in range(4):
        plane = odd if index == 2 else volume((20, 30))
        tifffile.imwrite(tmp_path / f"{index}.tif", plane)
    with pytest.raises(InputError, match=rf"2\.tif does not fit .* {words}"):
        read_stack(tmp_path)


@pytest.mark.parametrize(
    ("numbers", "between"),
    [
        ((1, 2, 4, 5, 6), "z2.tif and z4.tif"),
        ((0, 50, 100, 200), "z100.tif and z200.tif"),
        ((1, 2, 3), ""),
        ((1, 4, 5, 9), ""),
    ],
)
def test_numbers_that_are_left_out_are_told(tmp_path, numbers, between):
    for number in numbers:
        tifffile.imwrite(tmp_path / f"z{number}.tif", volume((20, 30)))
    told = [one for one in read_stack(tmp_path).notes if "leave some out" in one]
    assert len(told) == bool(between)
    assert all(f"first between {between}" in one for one in told)


def test_slices_saved_as_stacks_of_one_are_slices(tmp_path):
    whole = volume()
    for z in range(len(whole)):
        tifffile.imwrite(tmp_path / f"{z}.tif", whole[z : z + 1])
    stack = read_stack(tmp_path)
    assert stack.axes == "ZYX"
    np.testing.assert_array_equal(stack.data, whole)


def test_a_folder_of_stacks_is_not_a_stack(tmp_path):
    for index in range(2):
        tifffile.imwrite(tmp_path / f"{index}.tif", volume())
    with pytest.raises(InputError, match=r"0\.tif is not a single slice but holds 5 x"):
        read_stack(tmp_path)


# ------------------------------------------------------------------- broken files


def destroy_page(path, index):
    with tifffile.TiffFile(path) as tif:
        offset = tif.pages[index].dataoffsets[0]
        count = tif.pages[index].databytecounts[0]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * count)


def cut(path, bytes_kept):
    path.write_bytes(path.read_bytes()[:bytes_kept])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.tif does not exist: check the path"):
        read_stack(tmp_path / "none.tif")


def test_an_empty_file_is_called_empty(tmp_path):
    (tmp_path / "a.tif").touch()
    with pytest.raises(InputError, match=r"a\.tif is empty \(0 bytes\): copy"):
        read_stack(tmp_path / "a.tif")


@pytest.mark.parametrize("name", ["a.tif", "a.xyz", "a.png", "a.jpg"])
def test_a_text_file_is_not_an_image(tmp_path, name):
    (tmp_path / name).write_text("Dear diary, today I segmented nothing at all.")
    with pytest.raises(InputError, match=rf"{name} is not a (whole )?(TIFF|PNG|JPEG)"):
        read_stack(tmp_path / name)


def test_a_folder_without_images_says_what_it_should_hold(tmp_path):
    with pytest.raises(InputError, match="holds no images: choose a folder with one"):
        read_stack(tmp_path)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read anything"
)
@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_a_forbidden_file_says_so(tmp_path, name):
    (tmp_path / name).write_bytes(b"II")
    (tmp_path / name).chmod(0)
    with pytest.raises(InputError, match="permission is denied"):
        read_stack(tmp_path / name)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"metadata": None},
        {"compression": "zlib"},
        {"compression": "zlib", "metadata": None, "tile": (16, 16)},
        {"imagej": True},
        {"imagej": True, "compression": "zlib"},
        {"ome": True},
        {"bigtiff": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("larger_than_memory", [False, True])
def test_a_file_cut_off_anywhere_never_passes_for_whole(
    tmp_path, options, larger_than_memory, request
):
    if larger_than_memory:
        request.getfixturevalue("no_memory")
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, volume(), **options)
    whole = path.read_bytes()
    for kept in range(1, len(whole), 97):
        path.write_bytes(whole[:kept])
        with suppress(InputError):
            # Any other error, and any other values, fail the test.
            assert_holds(path, volume())


@pytest.mark.parametrize("options", [{"metadata": None}, {"compression": "zlib"}])
def test_the_page_beyond_the_end_is_named(tmp_path, options):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as tif:
        for plane in volume():
            tif.write(plane, contiguous=False, **options)
    with tifffile.TiffFile(path) as tif:
        inside = tif.pages[3].dataoffsets[0] + 50
    cut(path, inside)
    with pytest.raises(InputError, match=r"is cut off: page 3 \(counted from 0\) lies"):
        read_stack(path)


def test_the_page_that_cannot_be_decoded_is_named(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, volume(), compression="zlib")
    destroy_page(path, 2)
    with pytest.raises(InputError, match=r"is broken: page 2 .* cannot be decoded"):
        read_stack(path)


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}])
def test_the_page_of_another_shape_is_named(tmp_path, options):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for height in (20, 20, 20, 21, 20, 20, 20):
            tif.write(volume((height, 30)), metadata=None, contiguous=False, **options)
    words = "page 3 .* is 21 x 30, page 0 is 20 x 30"
    with pytest.raises(InputError, match=words):
        read_stack(tmp_path / "a.tif")


def test_a_png_cut_off_is_not_read_as_black(tmp_path):
    Image.fromarray(volume((200, 300), "u1")).save(tmp_path / "a.png")
    cut(tmp_path / "a.png", 20_000)
    with pytest.raises(InputError, match=r"a\.png is broken or cut off"):
        read_stack(tmp_path / "a.png")


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"imagej": True}])
@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 1)])
def test_an_image_of_one_pixel_is_one(tmp_path, shape, options):
    tifffile.imwrite(tmp_path / "a.tif", np.full(shape, 7, np.uint8), **options)
    assert np.asarray(read_stack(tmp_path / "a.tif").data).ravel().tolist() == [7]


def test_a_full_memory_is_not_a_broken_file(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", volume(), compression="zlib")

    def full(*_args, **_options):
        raise MemoryError("Unable to allocate 20.0 GiB")

    for kind in (tifffile.TiffPage, tifffile.TiffPageSeries):
        monkeypatch.setattr(kind, "asarray", full)
    with pytest.raises(OutOfMemoryError, match=r"memory is full.*20\.0 GiB"):
        read_stack(tmp_path / "a.tif")


def test_an_error_without_words_is_told_by_its_kind(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", volume(), compression="zlib")

    def silent(*_args, **_options):
        raise EOFError

    for kind in (tifffile.TiffPage, tifffile.TiffPageSeries):
        monkeypatch.setattr(kind, "asarray", silent)
    with pytest.raises(InputError, match=r"page 0 .* cannot be decoded \(EOFError\)"):
        read_stack(tmp_path / "a.tif")
