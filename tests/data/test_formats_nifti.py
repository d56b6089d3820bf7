"""NIfTI and NRRD: sizes with their units, the order of storage, and values as meant."""

from __future__ import annotations

import dask.array as da
import nibabel
import nrrd as pynrrd
import numpy as np
import pytest

from napari_unet.data.formats import nifti, nrrd
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError

VOLUME = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)


def save(path, values=VOLUME, zooms=(0.5, 0.5, 2.0), unit="micron", **scaling):
    """Write (..., Z, Y, X) as NIfTI has it: X first."""
    image = nibabel.Nifti1Image(values.T, np.eye(4))
    image.header.set_zooms((*zooms, *(1.0,) * (values.ndim - 3))[: values.ndim])
    image.header.set_xyzt_units(unit, "sec")
    if scaling:
        image.header.set_slope_inter(**scaling)
    nibabel.save(image, path)
    return path


@pytest.fixture
def no_memory(monkeypatch):
    for module in (nifti, nrrd):
        monkeypatch.setattr(module, "memory_limit", lambda: 0)


@pytest.mark.parametrize(
    ("unit", "name"), [("micron", "um"), ("mm", "mm"), ("meter", "um")]
)
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_sizes_come_with_their_unit(tmp_path, unit, name, suffix):
    stack = read_stack(save(tmp_path / f"a{suffix}", unit=unit))
    factor = 1e6 if unit == "meter" else 1
    assert stack.pixel_size == (2.0 * factor, 0.5 * factor, 0.5 * factor)
    assert stack.unit == name
    assert stack.calibration_source == "NIfTI header"


def test_sizes_without_a_unit_are_only_told(tmp_path):
    stack = read_stack(save(tmp_path / "a.nii", unit="unknown"))
    assert stack.unit == "pixel"
    assert stack.pixel_size == (4.0, 1.0, 1.0)
    assert "without a unit" in stack.notes[0]


def test_a_unit_that_there_is_not_is_none(tmp_path):
    image = nibabel.Nifti1Image(VOLUME.T, np.eye(4))
    image.header["xyzt_units"] = 5
    nibabel.save(image, tmp_path / "a.nii")
    assert read_stack(tmp_path / "a.nii").unit == "pixel"


def test_a_file_that_is_not_compressed_is_read(tmp_path):
    stack = read_stack(save(tmp_path / "a.nii"))
    np.testing.assert_array_equal(stack.data, VOLUME)


def test_a_series_has_its_time_points_first(tmp_path):
    series = np.stack([VOLUME, VOLUME + 1])
    stack = read_stack(save(tmp_path / "a.nii.gz", series))
    assert stack.axes == "TZYX"
    np.testing.assert_array_equal(stack.data, series)


def test_an_image_of_one_plane_has_two_dimensions(tmp_path):
    stack = read_stack(save(tmp_path / "a.nii", VOLUME[0], zooms=(0.5, 0.5)))
    assert stack.axes == "YX"
    np.testing.assert_array_equal(stack.data, VOLUME[0])


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_values_that_the_file_scales_are_scaled(tmp_path, suffix):
    path = save(tmp_path / f"a{suffix}", (VOLUME * 0.5 + 3).astype("f4"))
    image = nibabel.Nifti1Image((VOLUME * 0.5 + 3).T, np.eye(4))
    image.set_data_dtype(np.int16)
    nibabel.save(image, path)
    stored = nibabel.load(path).dataobj
    assert stored.slope != 1
    np.testing.assert_allclose(read_stack(path).data, VOLUME * 0.5 + 3, atol=1e-3)


@pytest.mark.usefixtures("no_memory")
def test_scaled_values_larger_than_memory_are_read_slice_by_slice(tmp_path):
    series = np.stack([VOLUME, VOLUME + 9]) * 0.5
    image = nibabel.Nifti1Image(series.T, np.eye(4))
    image.set_data_dtype(np.int16)
    nibabel.save(image, tmp_path / "a.nii")
    stack = read_stack(tmp_path / "a.nii")
    assert isinstance(stack.data, da.Array)
    assert stack.data.chunks[:2] == ((1, 1), (1,) * 4)
    np.testing.assert_allclose(stack.data.compute(), series, atol=2e-3)


@pytest.mark.usefixtures("no_memory")
def test_a_compressed_file_larger_than_memory_is_to_be_unpacked(tmp_path):
    with pytest.raises(InputError, match=r"unpack it to \.nii"):
        read_stack(save(tmp_path / "a.nii.gz"))


def test_colours_are_samples(tmp_path):
    colours = np.arange(5 * 6 * 3, dtype="u1").reshape(5, 6, 3)
    kind = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    image = nibabel.Nifti1Image(colours.view(kind)[..., 0].T.copy(), np.eye(4))
    nibabel.save(image, tmp_path / "a.nii")
    stack = read_stack(tmp_path / "a.nii")
    assert stack.axes == "YXS"
    np.testing.assert_array_equal(stack.data, colours)


def test_complex_numbers_are_refused(tmp_path):
    with pytest.raises(InputError, match="real numbers"):
        read_stack(save(tmp_path / "a.nii", VOLUME.astype("c8")))


# --------------------------------------------------------------------------- NRRD


def write(path, values=VOLUME, **header):
    pynrrd.write(str(path), values, header, index_order="C")
    return path


SPACE = {
    "space": "left-posterior-superior",
    "space directions": np.diag([0.5, 0.5, 2.0]),
    "space units": ["um", "um", "um"],
    "space origin": [0, 0, 0],
}


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
def test_nrrd_is_read_in_every_encoding(tmp_path, encoding):
    stack = read_stack(write(tmp_path / "a.nrrd", encoding=encoding, **SPACE))
    assert stack.axes == "ZYX"
    assert stack.pixel_size == (2.0, 0.5, 0.5)
    assert stack.calibration_source == "NRRD header"
    assert stack.unit == "um"
    np.testing.assert_array_equal(stack.data, VOLUME)


@pytest.mark.parametrize(
    "dtype", ["i1", "u1", ">i2", "u2", "i4", "u4", "u8", ">f4", "f8"]
)
def test_every_type_keeps_its_values(tmp_path, dtype):
    path = write(tmp_path / "a.nrrd", VOLUME.astype(dtype), encoding="raw")
    stack = read_stack(path)
    assert stack.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(stack.data, VOLUME)


def test_spacings_have_their_units_or_none(tmp_path):
    sizes = {"spacings": [3.0, 3.0, 30.0]}
    named = write(tmp_path / "a.nrrd", units=["nm", "nm", "nm"], **sizes)
    assert read_stack(named).pixel_size == (30.0, 3.0, 3.0)
    assert read_stack(named).unit == "nm"
    plain = read_stack(write(tmp_path / "b.nrrd", **sizes))
    assert plain.unit == "pixel"
    assert plain.pixel_size == (10.0, 1.0, 1.0)
    assert "without a unit" in plain.notes[0]


def test_a_header_beside_its_data_is_read(tmp_path):
    stack = read_stack(write(tmp_path / "a.nhdr", **SPACE))
    np.testing.assert_array_equal(stack.data, VOLUME)


def test_dimensions_are_what_their_kinds_say(tmp_path):
    colours = np.arange(5 * 6 * 3, dtype="u1").reshape(5, 6, 3)
    path = write(tmp_path / "a.nrrd", colours, kinds=["RGB-color", "domain", "domain"])
    stack = read_stack(path)
    assert stack.axes == "YXS"
    np.testing.assert_array_equal(stack.data, colours)
    with pytest.raises(InputError, match="of the kinds"):
        read_stack(write(tmp_path / "b.nrrd", np.zeros((2, 2, 2, 2))))


@pytest.mark.usefixtures("no_memory")
def test_compressed_nrrd_larger_than_memory_is_refused(tmp_path):
    with pytest.raises(InputError, match="save it without compression"):
        read_stack(write(tmp_path / "a.nrrd", encoding="gzip"))


@pytest.mark.parametrize(
    ("kind", "axes"),
    [("RGBA-color", "YXS"), ("4-color", "YXS"), ("4-vector", "CYX"), ("none", "ZYX")],
)
def test_the_kinds_of_nrrd_tell_colours_and_channels(tmp_path, kind, axes):
    values = np.random.default_rng(0).integers(0, 99, (20, 30, 4), np.uint8)
    header = {"kinds": [kind, "domain", "domain"]}
    pynrrd.write(str(tmp_path / "a.nrrd"), values, header, index_order="C")
    read = read_stack(tmp_path / "a.nrrd")
    expected = values[..., :3] if kind == "RGBA-color" else values
    expected = np.moveaxis(values, -1, 0) if axes == "CYX" else expected
    assert read.axes == axes
    np.testing.assert_array_equal(np.asarray(read.data), expected)
    header = {"kinds": ["3D-matrix", "domain", "domain"]}
    pynrrd.write(str(tmp_path / "b.nrrd"), values, header, index_order="C")
    with pytest.raises(InputError, match="3D-matrix"):
        read_stack(tmp_path / "b.nrrd")


@pytest.mark.parametrize("field", ["type", "sizes", "encoding"])
def test_what_a_header_of_nrrd_lacks_is_named(tmp_path, field):
    path = write(tmp_path / "a.nrrd")
    lines = path.read_bytes().split(b"\n")
    left = [one for one in lines if not one.startswith(field.encode())]
    assert len(left) < len(lines)
    path.write_bytes(b"\n".join(left))
    with pytest.raises(InputError, match=f"it states no {field}"):
        read_stack(path)
