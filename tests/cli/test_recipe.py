"""Several commands, declared in a file."""

from __future__ import annotations

import pytest
import tifffile
import yaml

from napari_unet.errors import InputError

WHOLE = [
    {
        "predict": {
            "model": "em-membranes",
            "image": "image.tif",
            "out": "cells.tif",
            "objects": "connected",
            "min-size": 4,
            "average": False,
        }
    },
    {"measure": {"labels": "cells.tif", "csv": "cells.csv", "kind": "objects"}},
    {"score": {"prediction": "cells.tif", "truth": "labels.tif", "csv": "scores.csv"}},
]


@pytest.fixture
def recipe(files, monkeypatch):
    """Writes a recipe into the folder that is worked in."""
    monkeypatch.chdir(files)

    def write(steps):
        path = files / "recipe.yaml"
        path.write_text(yaml.safe_dump(steps, sort_keys=False), encoding="utf-8")
        return path

    return write


def test_steps_are_run_in_turn(recipe, run, files):
    said = run("run", recipe(WHOLE)).stdout
    assert "step 3 of 3: napari-unet score" in said
    assert tifffile.imread(files / "cells.tif").any()
    assert (files / "cells.csv").read_text("utf-8").startswith("object,slice,")
    assert (files / "scores.csv").exists()


def test_a_dry_run_prints_what_would_be_typed(recipe, run, files):
    said = run("run", recipe(WHOLE), "--dry-run").stdout.splitlines()
    assert said[0] == (
        "napari-unet predict --out cells.tif --objects connected --min-size 4 "
        "--no-average em-membranes image.tif"
    )
    assert not (files / "cells.tif").exists()


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (
            [{"predict": {"network_of": "a"}}],
            "step 1: predict has no option network_of",
        ),
        ([{"predict": {"model": "em-membranes", "out": "a.tif"}}], "argument 'image'"),
        ([{"score": {"truth": "labels.tif"}}], "step 1: prediction is missing"),
        (
            [{"score": {"prediction": ["a", "b"], "truth": "c"}}],
            "prediction takes one value, and 2 are given",
        ),
        ([*WHOLE[:1], {"sing": {}}], "step 2: sing is none of train, predict"),
        ({"predict": {}}, "list of steps"),
        ([], "list of steps"),
    ],
)
def test_nothing_is_run_before_all_is_understood(recipe, run, files, steps, words):
    with pytest.raises(InputError, match=words):
        run("run", recipe(steps))
    assert not (files / "cells.tif").exists()


def test_a_step_that_fails_says_which(recipe, run, files):
    steps = [*WHOLE[:1], {"measure": {"labels": "nowhere.tif"}}]
    with pytest.raises(InputError, match=r"Step 2, measure: nowhere.tif does not"):
        run("run", recipe(steps))
    assert (files / "cells.tif").exists()


def test_lists_and_words_of_yaml_mean_what_would_be_typed(recipe, run):
    names = {"model": "em-membranes", "image": "image.tif", "out": "a.tif"}
    sizes = {"objects": False, "pixel-size": [50, 4, 4], "slices": None}
    blocks = {**names, "out": "a.ome.zarr", "block": [64, 32, 32], "average": True}
    both = {"image": ["a.tif", "b.tif"], "out": "run", "pixel-size": ["4 4", "5 5"]}
    steps = [{"predict": {**names, **sizes}}, {"predict": blocks}, {"train": both}]
    said = run("run", recipe(steps), "--dry-run").stdout.splitlines()
    assert "--objects no --pixel-size '50 4 4' em-membranes" in said[0]
    assert "--slices" not in said[0]
    assert "--block 64 32 32 --average" in said[1]
    assert "--image a.tif --image b.tif" in said[2]
    assert "--pixel-size '4 4' --pixel-size '5 5'" in said[2]
    with pytest.raises(InputError, match="slices takes one value, and 2 are given"):
        run("run", recipe([{"predict": {**names, "slices": [1, 2]}}]), "--dry-run")


def test_both_names_of_a_switch_are_known_and_values_may_begin_with_a_dash(recipe, run):
    pair = {"prediction": "-1.tif", "truth": "labels.tif"}
    steps = [
        {"score": {**pair, "planes": True}},
        {"measure": {"labels": "cells.tif", "no-distances": False}},
    ]
    said = run("run", recipe(steps), "--dry-run").stdout.splitlines()
    assert said[0] == "napari-unet score --planes -- -1.tif labels.tif"
    assert said[1] == "napari-unet measure --distances cells.tif"
