"""`napari-unet predict` from OME-Zarr to OME-Zarr."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_unet.data.read import read_stack

pytest.importorskip("zarr")

from napari_unet.data.ome_zarr import open_volume
from napari_unet.data.ome_zarr_writer import create_image, planned
from napari_unet.data.volume import write_box

BLOCK = ("--block", 2, 32, 32)


@pytest.fixture
def volume(files):
    """image.tif as an OME-Zarr."""
    stack = read_stack(files / "image.tif")
    path = files / "image.ome.zarr"
    first = planned(path, "ZYX", stack.shape, np.uint8, stack.pixel_size, stack.unit)
    levels = create_image(replace(first, chunks=(2, 16, 16)))
    write_box(levels[0], tuple(map(slice, stack.shape)), np.asarray(stack.data))
    return path


def test_a_volume_is_predicted_as_the_stack_is(files, volume, train, run):
    model = train() / "best.safetensors"
    for image, out in ((files / "image.tif", "out.tif"), (volume, "out.ome.zarr")):
        result = run(
            *("predict", model, image, "--out", files / out, "--device", "cpu"),
            *("--objects", "connected", *(BLOCK if image == volume else ())),
        )
    expected, labels = (
        read_stack(files / name) for name in ("out.tif", "out.ome.zarr")
    )
    assert labels.pixel_size == pytest.approx(expected.pixel_size)
    assert labels.unit == expected.unit
    pairs = np.stack([np.asarray(one.data).ravel() for one in (labels, expected)], 1)
    assert len(np.unique(pairs, axis=0)) == len(np.unique(pairs[:, 0])) > 1
    lines = result.stdout.splitlines()
    assert lines[-1] == f"wrote {files / 'out.ome.zarr'}"
    assert any(re.fullmatch(r"predicting: 12 of 12, 0:00 left", one) for one in lines)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--rescale",), "--rescale cannot be used"),
        (("--slices", "1:3"), "--slices cannot be used"),
        (("--probabilities", "p.tif"), "OME-Zarr too"),
        (("--smooth", 1), "smoothing across slices cannot be done"),
        (("--engine", "dusk"), "engine"),
    ],
)
def test_what_cannot_be_done_is_told(files, volume, train, failed, options, words):
    model = train() / "best.safetensors"
    out = files / "out.ome.zarr"
    assert words in failed("predict", model, volume, "--out", out, *options)
    assert not out.exists()


@pytest.mark.parametrize("out", ["circle.ome.zarr", "circle.ome.zarr/out.ome.zarr"])
def test_a_circle_of_links_is_told(files, volume, train, failed, out):
    model, circle = train() / "best.safetensors", files / "circle.ome.zarr"
    circle.symlink_to(circle)
    words = failed("predict", model, volume, "--out", files / out, "--device", "cpu")
    assert "circle.ome.zarr" in words
    assert "cannot be written" in words
    assert len(words.splitlines()) == 1


def test_a_file_is_not_predicted_to_a_volume(files, train, failed):
    model, out = train() / "best.safetensors", files / "out.ome.zarr"
    words = failed("predict", model, files / "image.tif", "--out", out)
    assert "is no OME-Zarr" in words


def test_an_image_in_hdf5_is_predicted_as_the_volume_is(files, volume, train, run):
    h5py = pytest.importorskip("h5py")
    model, grey = train() / "best.safetensors", np.asarray(open_volume(volume))
    with h5py.File(files / "image.h5", "w") as file:
        for name, values in (("other", 255 - grey), ("raw", grey)):
            held = file.create_dataset(name, data=values, chunks=(2, 16, 16))
            held.attrs["element_size_um"] = (0.05, 0.004, 0.004)
    for image, out in ((volume, "zarr"), (files / "image.h5:raw", "hdf5")):
        words = ("--out", files / f"{out}.ome.zarr", "--device", "cpu", *BLOCK)
        run("predict", model, image, *words)
    found, expected = (open_volume(files / f"{k}.ome.zarr") for k in ("hdf5", "zarr"))
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))
    assert found.scale == pytest.approx((0.05, 0.004, 0.004))
    assert found.unit == "um"
    with h5py.File(files / "image.h5", "a"):  # HDF5 refuses this while it is open
        pass


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(
    files, volume, train, run
):
    model, out = train() / "best.safetensors", files / "out.ome.zarr"
    words = ["predict", model, volume, "--out", out, "--device", "cpu", *BLOCK]
    command = [sys.executable, "-u", "-m", "napari_unet", *map(str, words)]
    started = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in started.stdout:
        if line.startswith("predicting: "):
            started.send_signal(signal.SIGINT)
            break
    _, errors = started.communicate(timeout=120)
    marks = files / "out.ome.zarr.blocks" / "done.txt"
    done = marks.read_text().count("predicted")
    if started.returncode:
        assert f"Stopped after {done} of 12 blocks: start the same command" in errors
    assert done >= 1
    run(*words)
    assert marks.read_text().count("predicted") == 12
    assert np.asarray(open_volume(out)).any()


def test_several_processes_give_what_this_one_gives(files, volume, train, run):
    pytest.importorskip("distributed")
    model = train() / "best.safetensors"
    words = ("predict", model, volume, "--device", "cpu", *BLOCK, "--min-size", 3)
    run(*words, "--out", files / "local.ome.zarr")
    run(*words, "--out", files / "dask.ome.zarr", "--engine", "dask", "--workers", 2)
    local, dask = (
        np.asarray(open_volume(files / f"{name}.ome.zarr"))
        for name in ("local", "dask")
    )
    np.testing.assert_array_equal(dask, local)
    assert local.any()


def test_a_killed_prediction_goes_on_to_the_undisturbed_result(
    files, volume, train, run
):
    model, out = train() / "best.safetensors", files / "out.ome.zarr"
    words = ["predict", model, volume, "--device", "cpu", *BLOCK]
    words += ["--objects", "connected", "--core", 0, "--follow-slices"]
    run(*words, "--out", files / "undisturbed.ome.zarr")
    command = [sys.executable, "-u", "-m", "napari_unet", *map(str, words)]
    for stage in ("predicting", "finding objects", "numbering objects"):
        started = subprocess.Popen(
            [*command, "--out", str(out)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for line in started.stdout:
            if line.startswith(stage):
                started.kill()
                break
        started.communicate(timeout=120)
    run(*words, "--out", out)
    expected, labels = (
        np.asarray(open_volume(files / name))
        for name in ("undisturbed.ome.zarr", "out.ome.zarr")
    )
    np.testing.assert_array_equal(labels, expected)


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize("engine", ["local", "dask"])
def test_a_full_disk_is_told_and_the_same_command_goes_on(
    files, volume, train, run, engine
):
    import resource

    model, out = train() / "best.safetensors", files / "out.ome.zarr"
    likely = files / "likely.ome.zarr"
    words = ["predict", model, volume, "--device", "cpu", *BLOCK]
    command = [sys.executable, "-m", "napari_unet", *map(str, words), "--out", str(out)]
    full = subprocess.run(
        [*command, "--probabilities", str(likely), "--engine", engine],
        capture_output=True,
        text=True,
        check=False,
        # Python itself would cut off the compiled modules that it keeps.
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (6400, 6400)),
    )
    assert full.returncode == 1
    (line,) = full.stderr.splitlines()
    assert f"{likely} cannot be written" in line
    assert "free some space" in line
    run(*words, "--out", out, "--probabilities", likely)
    whole = [files / name for name in ("whole.ome.zarr", "whole-likely.ome.zarr")]
    run(*words, "--out", whole[0], "--probabilities", whole[1])
    for found, expected in zip((out, likely), whole, strict=True):
        np.testing.assert_array_equal(
            np.asarray(open_volume(found)), np.asarray(open_volume(expected))
        )


def test_a_result_that_is_there_is_replaced_when_asked(
    files, volume, train, run, failed
):
    model, out = train() / "best.safetensors", files / "out.ome.zarr"
    words = ("predict", model, volume, "--out", out, "--device", "cpu", *BLOCK)
    run(*words)
    other = (*words, "--threshold", 0.9)
    assert "begun with another settings" in failed(*other)
    assert f"wrote {out}" in run(*other, "--overwrite").stdout
