"""Commands that read OME-Zarr, at the level that is asked for."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from napari_unet.config import RunConfig
from napari_unet.model.checkpoint import load_model
from napari_unet.score import volume_scoring

zarr = pytest.importorskip("zarr")


def in_two_sizes(path, values):
    """Write values as level 1 of an OME-Zarr of (50, 4, 4) nm, and twice as fine."""
    group = zarr.open_group(path, mode="w")
    fine = values.repeat(2, 1).repeat(2, 2)
    for name, level in (("0", fine), ("1", values)):
        group.create_array(name, data=level, chunks=(2, 32, 32))
    axes = [{"name": k, "type": "space", "unit": "nanometer"} for k in "zyx"]
    datasets = [
        {"path": name, "coordinateTransformations": [{"type": "scale", "scale": scale}]}
        for name, scale in (("0", [50, 2, 2]), ("1", [50, 4, 4]))
    ]
    multiscales = [{"axes": axes, "datasets": datasets}]
    group.attrs["ome"] = {"version": "0.5", "multiscales": multiscales}
    return path


@pytest.fixture
def image(files):
    """The files as an OME-Zarr image with labels; returns the image."""
    path = in_two_sizes(files / "em.ome.zarr", tifffile.imread(files / "image.tif"))
    in_two_sizes(path / "labels" / "cells", tifffile.imread(files / "labels.tif"))
    named(path, "cells")
    return path


def named(path, *names):
    """Write down which labels lie in an image."""
    labels = zarr.open_group(path / "labels", mode="a")
    labels.attrs["ome"] = {"version": "0.5", "labels": names}


def test_what_is_trained_and_predicted_from_a_level_is_what_a_file_of_it_gives(
    files, image, train, run
):
    run(
        *("train", "--config", files / "settings.yaml", "--out", files / "zarr"),
        *("--image", image, "--labels", image / "labels/cells", "--level", "1"),
    )
    model = files / "zarr" / "best.safetensors"
    assert RunConfig.from_yaml(files / "zarr" / "run.yaml").images[0].level == 1
    (own,) = load_model(model).card.data
    (other,) = load_model(train() / "best.safetensors").card.data
    assert own["image"] == other["image"]
    run("predict", model, image, "--level", "1", "--out", files / "a.tif")
    run("predict", model, files / "image.tif", "--out", files / "b.tif")
    first, second = tifffile.imread(files / "a.tif"), tifffile.imread(files / "b.tif")
    np.testing.assert_array_equal(first, second)


def test_labels_that_lie_in_an_image_need_no_name_where_there_is_one_of_them(
    files, image, run, failed
):
    settings = ("train", "--config", files / "settings.yaml", "--level", 1)
    run(*settings, "--steps", 1, "--image", image, "--out", files / "run")
    (own,) = RunConfig.from_yaml(files / "run" / "run.yaml").images
    assert own.labels == str(image / "labels" / "cells")
    coarse = in_two_sizes(files / "p.ome.zarr", tifffile.imread(files / "labels.tif"))
    for prediction, level in ((image, 1), (coarse, 1), (image, 0)):
        truth = files / "labels.tif" if level else image / "labels" / "cells"
        run("score", prediction, truth, "--json", files / "s.json")
        assert json.loads((files / "s.json").read_text())["overall"]["iou"] == 1
    words = failed(*settings, "--image", files / "image.tif", "--out", files / "other")
    assert "image.tif holds no labels" in words
    named(image, "cells", "mito")
    for command in (("train", "--image", image), ("score", image, image)):
        words = failed(*command)
        assert "holds several labels (cells, mito)" in words
        assert f"{image}/labels/cells" in words


def test_scores_are_of_the_level(files, image, run):
    cells = image / "labels" / "cells"
    run("score", cells, cells, "--level", "1", "--json", files / "s.json")
    saved = json.loads((files / "s.json").read_text(encoding="utf-8"))
    assert saved["overall"]["pixels"] == 5 * 48 * 64
    run(
        "score", files / "labels.tif", cells, "--level", "1", "--json", files / "t.json"
    )
    assert json.loads((files / "t.json").read_text())["overall"] == saved["overall"]


def test_weights_and_baselines_are_of_the_level(files, image, run):
    run("weights", image / "labels/cells", files / "w.tif", "--level", "1")
    run("weights", files / "labels.tif", files / "v.tif")
    first, second = tifffile.imread(files / "w.tif"), tifffile.imread(files / "v.tif")
    np.testing.assert_array_equal(first, second)
    learnt = ("--labels", image / "labels/cells", "--level", "1")
    run("baseline", "otsu", image, *learnt, "--out", files / "m.tif")
    assert tifffile.imread(files / "m.tif").shape == (5, 48, 64)


def test_measures_are_of_the_level(files, image, run):
    cells = image / "labels" / "cells"
    run("measure", cells, "--image", image, "--level", "1", "--csv", files / "a.csv")
    paths = files / "labels.tif", "--image", files / "image.tif"
    size = ("--pixel-size", "50 4 4", "--unit", "nm")
    run("measure", *paths, *size, "--csv", files / "b.csv")
    assert (files / "a.csv").read_text() == (files / "b.csv").read_text()


def test_a_level_that_is_not_there_is_told_in_one_line(files, image, failed):
    words = failed("weights", image / "labels/cells", files / "w.tif", "--level", "7")
    assert "no level 7: choose one of 0 (5 x 96 x 128), 1 (5 x 48 x 64)" in words
    assert words.count("\n") == 1


def test_what_the_memory_does_not_hold_is_scored_some_slices_at_a_time(
    files, image, run, failed, monkeypatch
):
    cells = image / "labels" / "cells"
    paths = ("score", files / "labels.tif", cells, "--level", "1", "--json")
    run(*paths, files / "whole.json")
    monkeypatch.setattr(volume_scoring, "memory_limit", lambda: 1000)
    monkeypatch.setattr(volume_scoring, "_VOXELS", 48 * 64)
    run(*paths, files / "parts.json")
    whole, parts = (
        json.loads((files / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("whole", "parts")
    )
    assert whole == parts
    words = failed(*paths, files / "r.json", "--report", files / "r.html")
    assert "some slices at a time" in words
    assert "leave --report out" in words
