"""Files state their pixel size in many ways, and not all of them are believed."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_unet.data.calibration import Calibration
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError

VOLUME = np.zeros((5, 20, 30), "u2")


def write_ome(path, **metadata):
    tifffile.imwrite(path, VOLUME, ome=True, metadata={"axes": "ZYX", **metadata})


def write_imagej(path, resolution, **metadata):
    tifffile.imwrite(
        path,
        VOLUME,
        imagej=True,
        resolution=resolution,
        metadata={"axes": "ZYX", **metadata},
    )


def test_ome_states_the_pixel_size_with_its_unit(tmp_path):
    sizes = {"PhysicalSizeX": 4, "PhysicalSizeY": 5, "PhysicalSizeZ": 0.05}
    units = {"PhysicalSizeXUnit": "nm", "PhysicalSizeYUnit": "nm"}
    write_ome(tmp_path / "a.tif", **sizes, **units, PhysicalSizeZUnit="µm")
    read = read_stack(tmp_path / "a.tif")
    assert (read.pixel_size, read.unit) == ((50.0, 5.0, 4.0), "nm")
    assert read.scale == (50.0, 5.0, 4.0)


def test_ome_counts_in_micrometres_unless_it_says_otherwise(tmp_path):
    write_ome(tmp_path / "a.tif", PhysicalSizeX=0.5, PhysicalSizeY=0.5)
    read = read_stack(tmp_path / "a.tif")
    assert (read.pixel_size, read.unit) == ((1.0, 0.5, 0.5), "um")
    assert read.notes == ("how far apart its slices are is not stated: 3D asks for it",)


@pytest.mark.parametrize("unit", ["um", "micron", "microns", "\\u00B5m"])
def test_imagej_states_the_pixel_size_with_its_unit(tmp_path, unit):
    write_imagej(tmp_path / "a.tif", (250, 200), unit=unit, spacing=0.05)
    read = read_stack(tmp_path / "a.tif")
    assert (read.pixel_size, read.unit) == ((0.05, 0.005, 0.004), "um")


def test_imagej_may_know_the_spacing_alone(tmp_path):
    write_imagej(tmp_path / "a.tif", (72, 72), unit="pixel", spacing=-12.5)
    read = read_stack(tmp_path / "a.tif")
    assert (read.pixel_size, read.unit) == ((12.5, 1.0, 1.0), "pixel")


def test_a_unit_that_is_no_length_is_not_believed(tmp_path):
    write_imagej(tmp_path / "a.tif", (2, 2), unit="furlong", spacing=3)
    read = read_stack(tmp_path / "a.tif")
    assert (read.pixel_size, read.unit) == ((1.0, 1.0, 1.0), "pixel")


@pytest.mark.parametrize(
    ("resolution", "unit", "size"),
    [
        (2_500_000, "CENTIMETER", 0.004),
        (6_350_000, "INCH", 0.004),
        (72, "INCH", None),
        (96, "INCH", None),
        (1, "INCH", None),
        (28.35, "CENTIMETER", None),
        (250, "NONE", None),
    ],
)
def test_resolution_tags_count_unless_an_editor_made_them_up(
    tmp_path, resolution, unit, size
):
    tifffile.imwrite(
        tmp_path / "a.tif",
        VOLUME[0],
        resolution=(resolution, resolution),
        resolutionunit=unit,
    )
    read = read_stack(tmp_path / "a.tif")
    expected = ((size, size), "um") if size else ((1.0, 1.0), "pixel")
    assert (read.pixel_size, read.unit) == expected


def test_time_points_that_are_given_a_distance_are_slices(tmp_path):
    path = tmp_path / "a.tif"
    # Movies have a spacing, too.
    write_imagej(path, (0.25, 0.25), axes="TYX", unit="nm", spacing=30)
    series = read_stack(path)
    assert (series.axes, series.pixel_size) == ("TYX", (4, 4))
    assert series.size_for(2)[1:] == (4, 4)
    with pytest.raises(InputError, match="how far apart its slices are"):
        series.size_for(3)
    given = Calibration.given("50 4 4", "nm")
    assert read_stack(path, given).size_for(3) == (50, 4, 4)


@pytest.mark.parametrize("size", ["4,5", "50 4,5", "4,4", "50 4,5 4,5"])
def test_a_comma_that_may_be_a_decimal_one_is_asked_for(size):
    with pytest.raises(InputError, match=r"in two ways: write a point .* 4\.5 4\.5"):
        Calibration.given(size, "nm")


@pytest.mark.parametrize(
    ("size", "unit"), [("5e-8 4e-9 4e-9", None), ("4", "m"), ("1e9 4 4", "pixel")]
)
def test_a_size_in_another_unit_than_is_said_is_asked_for(size, unit):
    with pytest.raises(InputError, match="No microscope has pixels of"):
        Calibration.given(size, unit)


@pytest.mark.parametrize(
    ("size", "unit", "sizes", "name", "unknown"),
    [
        ("50 4 4", None, (50, 4, 4), "nm", ""),
        ("0.05, 0.004, 0.004", "µm", (0.05, 0.004, 0.004), "um", ""),
        ("50,4.5,4", "nm", (50, 4.5, 4), "nm", ""),
        ("4 5", "nm", (1, 4, 5), "nm", "Z"),
        ("4", "angstrom", (1, 4, 4), "angstrom", "Z"),
        ("4e-9", "m", (1, 4e-9, 4e-9), "m", "Z"),
    ],
)
def test_what_the_user_gives_counts_instead_of_the_file(
    tmp_path, size, unit, sizes, name, unknown
):
    write_imagej(tmp_path / "a.tif", (250, 200), unit="um", spacing=3)
    read = read_stack(tmp_path / "a.tif", Calibration.given(size, unit))
    assert (read.pixel_size, read.unit) == (sizes, name)
    assert read.calibration_source == "given by the user"
    assert read.unknown_axes == unknown
