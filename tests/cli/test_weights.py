"""The weights command and its two formulas."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_unet.errors import InputError


def test_the_fiji_formula_has_its_own_weights(files, run):
    labels, out = files / "labels.tif", files / "fiji.tif"
    run("weights", labels, out, "--formula", "fiji")
    weights, objects = tifffile.imread(out), tifffile.imread(labels) > 0
    assert (weights[objects] == 1).all()
    assert weights[~objects].min() >= np.float32(0.1)
    assert weights[~objects].max() > 10


@pytest.mark.parametrize("own", [("--w0", "5"), ("--sigma", "3"), ("--balance",)])
def test_constants_of_the_fiji_formula_cannot_be_set(files, run, own):
    out = files / "never.tif"
    with pytest.raises(InputError, match="--formula paper"):
        run("weights", files / "labels.tif", out, "--formula", "fiji", *own)
    assert not out.exists()


def test_an_unheard_of_formula_is_said(files, run):
    with pytest.raises(InputError, match=r"formula = 'keras'.*'paper' or 'fiji'"):
        run("weights", files / "labels.tif", files / "a.tif", "--formula", "keras")


@pytest.mark.parametrize("ndim", ["1", "4"])
def test_maps_have_two_or_three_dimensions(files, run, ndim):
    with pytest.raises(InputError, match=f"ndim = {ndim}: .* 2 or 3"):
        run("weights", files / "labels.tif", files / "a.tif", "--ndim", ndim)


def test_the_formula_is_described_in_the_help(run):
    words = run("weights", "--help").stdout.replace("│", " ").split()
    assert "the authors' own Fiji plugin" in " ".join(words)
