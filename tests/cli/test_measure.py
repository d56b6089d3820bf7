"""The measure command."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import tifffile

from napari_unet.data.stack import Stack
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_objects_of_a_stack_become_rows_with_units(files, run):
    out = files / "objects.csv"
    said = run(
        *("measure", files / "labels.tif", "--image", files / "image.tif"),
        *("--csv", out, "--slices", "3:"),
    ).stdout
    found = rows(out)
    labels = tifffile.imread(files / "labels.tif")[3:]
    assert {row["slice"] for row in found} == {"3", "4"}
    total = sum(float(row["area (um^2)"]) for row in found)
    assert total == pytest.approx(np.count_nonzero(labels) * 0.004**2)
    assert all(150 < float(row["mean grey value"]) < 210 for row in found)
    assert "slice by slice" in said
    assert f"{len(found)} objects" in said


def test_the_pixel_size_is_that_of_the_image_where_the_labels_have_none(files, run):
    labels = tifffile.imread(files / "labels.tif")
    tifffile.imwrite(files / "bare.tif", labels)
    out = files / "objects.csv"
    run("measure", files / "bare.tif", "--image", files / "image.tif", "--csv", out)
    assert "perimeter (um)" in rows(out)[0]
    run("measure", files / "bare.tif", "--csv", out)
    assert "perimeter (px)" in rows(out)[0]
    run(
        *("measure", files / "bare.tif", "--csv", out),
        *("--pixel-size", "8 8", "--unit", "nm"),
    )
    assert "perimeter (nm)" in rows(out)[0]


@pytest.mark.parametrize("beside", [(), ("--image", "image.tif")])
def test_an_info_bar_is_no_part_of_what_is_measured(files, run, beside):
    out, labels = files / "objects.csv", tifffile.imread(files / "labels.tif")
    image = [files / one if one.endswith("tif") else one for one in beside]
    given = ("measure", files / "labels.tif", *image, "--csv", out)
    said = run(*given, "--info-bar", 20, "--planes").stdout
    inside = labels[:, :-20]
    total = sum(float(row["area (um^2)"]) for row in rows(out))
    assert total == pytest.approx(np.count_nonzero(inside) * 0.004**2)
    assert f"{np.mean(inside > 0):.2%}" in said
    # Labels of the picture alone are as good where the image is there.
    if beside:
        tifffile.imwrite(files / "picture.tif", inside)
        run("measure", files / "picture.tif", *given[2:], "--info-bar", 20, "--planes")
        assert sum(float(row["area (um^2)"]) for row in rows(out)) == total


def test_a_volume_needs_the_distance_between_its_slices(files, run):
    array = np.zeros((4, 20, 20), np.uint8)
    array[:, 5:9, 5:9] = 3
    flat = Stack(array, "ZYX", (1, 4, 4), "nm", "flat", unknown_axes="Z")
    write_stack(files / "flat.tif", array, like=flat)
    with pytest.raises(InputError, match="how far apart"):
        run("measure", files / "flat.tif", "--volume")


def test_other_labels_have_to_fit(files, run):
    tifffile.imwrite(files / "small.tif", np.ones((5, 4, 4), np.uint8))
    with pytest.raises(InputError, match="other labels are"):
        run("measure", files / "labels.tif", "--other", files / "small.tif")


def test_a_table_of_somebody_else_is_not_replaced(files, run):
    own = files / "own.csv"
    own.write_text("object,opinion\n1,round\n", encoding="utf-8")
    with pytest.raises(InputError, match="--overwrite"):
        run("measure", files / "labels.tif", "--csv", own)
    assert "opinion" in own.read_text("utf-8")
    for _ in range(2):  # its own table is
        run("measure", files / "labels.tif", "--csv", files / "new.csv")
    run("measure", files / "labels.tif", "--csv", own, "--overwrite")
    assert "opinion" not in own.read_text("utf-8")


def test_a_zarr_larger_than_memory_is_measured_part_by_part(files, run, monkeypatch):
    pytest.importorskip("zarr")
    from napari_unet.data.ome_zarr_writer import write_zarr

    numbers = np.zeros((12, 40, 40), np.uint32)
    for number in range(1, 17):
        row, column = divmod(number - 1, 4)
        at = 10 * row + 1, 10 * column + 1
        numbers[number % 3 : 8, at[0] : at[0] + 7, at[1] : at[1] + 6] = number
    stack = Stack(numbers, "ZYX", (50, 4, 4), "nm", "labels")
    write_zarr(files / "labels.ome.zarr", None, {"labels": stack})
    out = [files / name for name in ("whole.csv", "parts.csv")]
    run("measure", files / "labels.ome.zarr", "--csv", out[0], "--no-distances")
    monkeypatch.setattr("napari_unet.data.lazy.memory_limit", lambda: 400_000)
    said = run("measure", files / "labels.ome.zarr", "--csv", out[1]).stdout
    assert "part by part" in said
    assert out[0].read_text() == out[1].read_text()


def test_some_slices_are_called_and_placed_as_in_the_stack(files, run):
    out, every = files / "objects.csv", files / "all.csv"
    labels, image = files / "labels.tif", ("--kind", "objects")
    run("measure", labels, "--csv", out, "--planes", "--slices", "1::2", *image)
    assert {row["slice"] for row in rows(out)} == {"1", "3"}
    array = np.zeros((5, 48, 64), np.uint8)
    array[3, 10:20, 10:20] = 1
    write_stack(labels, array, like=Stack(array, "ZYX", (0.05, 0.004, 0.004), "um", ""))
    for path, slices in ((every, ":"), (out, "2:")):
        run("measure", labels, "--csv", path, "--volume", "--slices", slices, *image)
    assert rows(every) == rows(out)
    run("measure", labels, "--csv", out, "--volume", "--slices", "1::2", *image)
    (whole,), (half,) = rows(every), rows(out)
    assert half["z (um)"] == whole["z (um)"]
    ratio = float(half["volume (um^3)"]) / float(whole["volume (um^3)"])
    assert ratio == pytest.approx(2)


def test_dimensions_that_a_file_leaves_open_are_told_of_labels(files, run):
    labels = tifffile.imread(files / "labels.tif")
    for name in ("labels", "image"):
        metadata = {"axes": "CYX"}
        tifffile.imwrite(files / f"{name}.ome.tif", labels, metadata=metadata)
    given = "--axes", "ZYX", "--kind", "classes"
    path, mask = files / "labels.ome.tif", files / "mask.tif"
    run("measure", path, "--csv", files / "objects.csv", *given)
    assert len({row["slice"] for row in rows(files / "objects.csv")}) == 5
    said = run("score", path, path, *given).stdout
    assert "1.0000" in said
    image = files / "image.ome.tif"
    run("baseline", "forest", image, "--labels", path, "--out", mask, *given)
    assert tifffile.imread(mask).shape == labels.shape
