"""Axes and info bar that the user gives hold for every command that reads an image."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_unet.config import RunConfig
from napari_unet.data.read import read_stack
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError

BAR = 16
OPTION = ("--info-bar", BAR)


@pytest.fixture
def barred(files):
    """Put a bar of writing below the image, and labels that go on into it."""
    for name, value in (("image", 255), ("labels", 1)):
        stack = read_stack(files / f"{name}.tif")
        data = np.asarray(stack.data)
        data = np.pad(data, ((0, 0), (0, BAR), (0, 0)), constant_values=value)
        write_stack(files / f"{name}.tif", data, like=stack)
    return files


def test_an_info_bar_is_neither_trained_on_predicted_nor_scored(barred, train, run):
    folder = train("run", *OPTION)
    (image,) = RunConfig.from_yaml(folder / "run.yaml").images
    assert image.info_bar == BAR
    model, out = folder / "last.safetensors", barred / "out.tif"
    run("predict", model, barred / "image.tif", "--out", out, *OPTION)
    predicted = tifffile.imread(out)
    assert predicted[:, :-BAR].any()
    assert not predicted[:, -BAR:].any()
    printed = run("score", out, barred / "labels.tif", *OPTION).stdout
    assert "16 rows at the bottom, is not scored" in printed
    alone = [barred / f"{name}-alone.tif" for name in ("out", "labels")]
    for name, path in zip(("out", "labels"), alone, strict=True):
        stack = read_stack(barred / f"{name}.tif", info_bar=BAR).picture
        write_stack(path, stack.data, like=stack)
    table = run("score", *alone).stdout.splitlines()
    assert table[-1] == printed.splitlines()[-1]


def test_a_baseline_leaves_the_info_bar_out(barred, run):
    out = barred / "mask.tif"
    run("baseline", "otsu", barred / "image.tif", "--out", out, *OPTION)
    mask = tifffile.imread(out)
    assert mask.shape == (5, 64, 64)
    assert mask[:, :-BAR].any()
    assert not mask[:, -BAR:].any()


@pytest.mark.parametrize("rows", ["64", "-1"])
def test_a_bar_that_is_no_bar_is_refused_in_a_line(barred, run, rows):
    out = barred / "mask.tif"
    with pytest.raises(InputError, match=f"info bar of {rows} rows does not fit"):
        run(
            "baseline", "otsu", barred / "image.tif", "--out", out, f"--info-bar={rows}"
        )
    assert not out.exists()


@pytest.fixture
def as_channels(files):
    """Store slices as channels, as many programs do."""
    for name in ("image", "labels"):
        data = tifffile.imread(files / f"{name}.tif")
        options = {"imagej": True, "metadata": {"axes": "CYX"}}
        tifffile.imwrite(files / f"{name}.tif", data, **options)
    return files


def test_axes_are_said_to_every_command(as_channels, train, run):
    image, labels = as_channels / "image.tif", as_channels / "labels.tif"
    axes = ("--axes", "ZYX")
    folder = train("run", *axes)
    outs = [as_channels / f"{name}.tif" for name in ("out", "mask", "weights")]
    printed = run(
        "predict", folder / "last.safetensors", image, "--out", outs[0], *axes
    )
    assert "--axes" not in printed.stdout
    run("baseline", "otsu", image, "--out", outs[1], *axes)
    run("weights", labels, outs[2], *axes)
    for out in outs:
        read = read_stack(out)
        assert (read.axes, read.shape) == ("ZYX", (5, 48, 64))


def test_how_axes_were_taken_is_said(as_channels, run):
    image, out = as_channels / "image.tif", as_channels / "mask.tif"
    result = run("baseline", "otsu", image, "--out", out)
    assert "its 5 channels are no slices: if they are, --axes ZYX" in result.stdout


def test_labels_of_channels_are_stored_without_them(files, train):
    """An image of slices and two channels; its labels have slices alone."""
    stack = read_stack(files / "image.tif")
    both = np.stack([stack.data, 255 - np.asarray(stack.data)], axis=1)
    tifffile.imwrite(files / "image.tif", both, photometric="minisblack")
    folder = train("run", "--axes", "ZCYX")
    assert RunConfig.from_yaml(folder / "run.yaml").network.in_channels == 2
