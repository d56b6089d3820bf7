"""DM3 and DM4 files, written byte by byte as their layout is described."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from napari_unet.data import folder
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError

VOLUME = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
KINDS = {"i2": 1, "f4": 2, "u1": 6, "i4": 7, "i1": 9, "u2": 10, "u4": 11, "f8": 12}
NUMBERS = {"i2": 2, "i4": 3, "u2": 4, "u4": 5, "f4": 6, "f8": 7, "u1": 10, "i1": 9}


class Layout:
    """Tags as bytes: of a DM3 or DM4 file, in either byte order."""

    def __init__(self, version=3, order="<"):
        self.version, self.order = version, order
        self.long = ">q" if version == 4 else ">i"

    def number(self, *values):
        return b"".join(struct.pack(self.long, value) for value in values)

    def entry(self, kind, name, content):
        head = struct.pack(">BH", kind, len(name)) + name.encode()
        size = self.number(len(content)) if self.version == 4 else b""
        return head + size + content

    def group(self, entries):
        """A dict has named entries, a list nameless ones."""
        named = (
            entries.items() if isinstance(entries, dict) else (("", e) for e in entries)
        )
        body = [self.tag(name, value) for name, value in named]
        return b"\x01\x00" + self.number(len(body)) + b"".join(body)

    def tag(self, name, value):
        if isinstance(value, dict | list):
            return self.entry(20, name, self.group(value))
        return self.entry(21, name, b"%%%%" + self.value(value))

    def value(self, value):
        if isinstance(value, str):
            raw = np.frombuffer(value.encode("utf-16-le"), "<u2")
            return self.array(raw)
        if isinstance(value, np.ndarray):
            return self.array(value)
        if isinstance(value, tuple):  # a struct of floats
            info = [15, 0, len(value), *[0, 6] * len(value)]
            numbers = struct.pack(f"{self.order}{len(value)}f", *value)
            return self.number(len(info), *info) + numbers
        kind, code = (6, "f") if isinstance(value, float) else (3, "i")
        return self.number(1, kind) + struct.pack(self.order + code, value)

    def array(self, array):
        code = array.dtype.str[1:]
        raw = array.astype(array.dtype.newbyteorder(self.order)).tobytes()
        return self.number(3, 20, NUMBERS[code], array.size) + raw

    def file(self, tree):
        body = self.group(tree)
        order = struct.pack(">i", self.order == "<")
        return struct.pack(">i", self.version) + self.number(len(body)) + order + body


def image(values, scales=(), units=(), kind=None, **tags):
    dimensions = [
        {"Origin": 0.0, "Scale": float(scale), "Units": unit}
        for scale, unit in zip(scales, units, strict=True)
    ]
    data = {
        "Calibrations": {"Brightness": {"Scale": 1.0}, "Dimension": dimensions},
        "Data": values.ravel(),
        "DataType": kind or KINDS[values.dtype.str[1:]],
        "Dimensions": list(values.shape[::-1]),
        "PixelDepth": values.itemsize,
    }
    return {"ImageData": data, "ImageTags": {"Meta Data": tags}, "Name": "image"}


def save(path, *images, version=3, order="<", thumbnails=1):
    thumbnail = image(np.zeros((2, 2), "i4"), kind=23)
    tree = {
        "ApplicationBounds": (0.0, 0.0, 1.0, 1.0),
        "ImageList": [*[thumbnail] * thumbnails, *images],
        "Thumbnails": [{"ImageIndex": n} for n in range(thumbnails)],
    }
    path.write_bytes(Layout(version, order).file(tree))
    return path


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", KINDS)
def test_every_type_is_read_past_the_thumbnail(tmp_path, version, order, dtype):
    path = tmp_path / f"a.dm{version}"
    save(path, image(VOLUME.astype(dtype)), version=version, order=order)
    stack = read_stack(path)
    assert stack.axes == "ZYX"
    assert stack.dtype == dtype
    np.testing.assert_array_equal(stack.data, VOLUME)


def test_an_image_without_a_thumbnail_is_read(tmp_path):
    stack = read_stack(save(tmp_path / "a.dm3", image(VOLUME[0]), thumbnails=0))
    np.testing.assert_array_equal(stack.data, VOLUME[0])


@pytest.mark.parametrize("version", [3, 4])
def test_each_dimension_has_its_scale_and_unit(tmp_path, version):
    picture = image(VOLUME, (3.6, 3.6, 0.05), ("nm", "nm", "µm"))
    stack = read_stack(save(tmp_path / f"a.dm{version}", picture, version=version))
    assert stack.pixel_size == (50.0, 3.6, 3.6)
    assert stack.calibration_source == "DigitalMicrograph"
    assert stack.unit == "nm"


@pytest.mark.parametrize(
    ("scale", "unit", "words"),
    [(1.0, "", None), (0.02, "1/nm", "1/nm, which is no length"), (0.0, "nm", None)],
)
def test_what_is_no_length_is_unknown(tmp_path, scale, unit, words):
    picture = image(VOLUME[0], (scale, scale), (unit, unit))
    stack = read_stack(save(tmp_path / "a.dm3", picture))
    assert stack.unit == "pixel"
    assert stack.pixel_size == (1.0, 1.0)
    assert (words in stack.notes[0]) if words else not stack.notes


def test_seconds_make_a_series(tmp_path):
    picture = image(VOLUME, (3.6, 3.6, 0.5), ("nm", "nm", "s"))
    stack = read_stack(save(tmp_path / "a.dm4", picture, version=4))
    assert stack.axes == "TYX"
    assert stack.pixel_size == (3.6, 3.6)


def test_colours_come_as_red_green_and_blue(tmp_path):
    colours = np.arange(5 * 6 * 4, dtype="u1").reshape(5, 6, 4)
    picture = image(colours.view("i4")[..., 0], kind=23)
    stack = read_stack(save(tmp_path / "a.dm3", picture))
    assert stack.axes == "YXS"
    np.testing.assert_array_equal(stack.data, colours[..., [2, 1, 0]])


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (image(VOLUME, (1, 1, 2), ("nm", "nm", "eV")), "a spectrum"),
        (image(VOLUME, (1, 1, 2), ("nm",) * 3, Format="Spectrum image"), "a spectrum"),
        (image(VOLUME[0, 0]), "data of 1 dimension"),
        (image(VOLUME[0].astype("f4"), kind=3), "complex"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path, picture, words):
    with pytest.raises(InputError, match=words):
        read_stack(save(tmp_path / "a.dm3", picture))


@pytest.mark.parametrize("larger_than_memory", [False, True])
def test_a_folder_of_slices_is_a_stack(tmp_path, monkeypatch, larger_than_memory):
    if larger_than_memory:
        monkeypatch.setattr(folder, "memory_limit", lambda: 0)
    for index in (10, 2, 1, 0):
        values = VOLUME[min(index, 3)]
        picture = image(values, (3.6, 3.6), ("nm", "nm"))
        save(tmp_path / f"block_{index}.dm4", picture, version=4)
    stack = read_stack(tmp_path)
    np.testing.assert_array_equal(np.asarray(stack.data), VOLUME)
    assert stack.pixel_size == (1.0, 3.6, 3.6)
    assert stack.unit == "nm"
    assert stack.unknown_axes == "Z"


def test_a_slice_that_does_not_fit_is_named(tmp_path):
    save(tmp_path / "0.dm3", image(VOLUME[0], (3.6, 3.6), ("nm", "nm")))
    save(tmp_path / "1.dm3", image(VOLUME[0], (7.2, 7.2), ("nm", "nm")))
    assert "slice 1 (1.dm3) has pixels of another size" in read_stack(tmp_path).notes[0]
    save(tmp_path / "2.dm3", image(VOLUME[0].astype("f4")))
    with pytest.raises(InputError, match=r"2\.dm3 does not fit the stack: slice 2"):
        read_stack(tmp_path)


def test_the_first_of_several_images_is_read_and_told(tmp_path):
    path = save(tmp_path / "a.dm3", image(VOLUME), image(VOLUME[0] + 1))
    stack = read_stack(path)
    np.testing.assert_array_equal(stack.data, VOLUME)
    assert "2 images" in stack.notes[0]


@pytest.mark.parametrize("keep", [4, 30, 0.3, 0.6, 0.97])
def test_a_file_that_is_cut_off_is_refused(tmp_path, keep):
    path = save(tmp_path / "a.dm3", image(VOLUME))
    whole = path.read_bytes()
    path.write_bytes(whole[: keep if keep > 1 else int(len(whole) * keep)])
    with pytest.raises(InputError, match=r"not a whole DM3|cut off"):
        read_stack(path)
