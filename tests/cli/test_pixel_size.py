"""`--pixel-size`: where a file does not say it, the user does."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_unet.config import RunConfig
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import load_model

SIZE = ("--pixel-size", "50 4 4", "--unit", "nm")
THREE = ("--ndim", "3", "--steps", "1")
UNSTATED = "does not say how far apart its slices are, and 3D needs it"


@pytest.fixture
def slices(files):
    """A folder with the slices of image.tif, which state 4 nm a pixel."""
    folder = files / "slices"
    folder.mkdir()
    resolution = {"resolution": (2_500_000,) * 2, "resolutionunit": "CENTIMETER"}
    for index, page in enumerate(read_stack(files / "image.tif").data):
        tifffile.imwrite(folder / f"{index}.tif", page, metadata=None, **resolution)
    return folder


@pytest.fixture
def flat(files):
    """Labels as TIFF that state 4 nm a pixel, and no distance of slices."""
    path = files / "flat.tif"
    values = read_stack(files / "labels.tif").data
    resolution = {"resolution": (2_500_000,) * 2, "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, values, photometric="minisblack", **resolution)
    return path


def test_training_in_3d_asks_how_far_apart_slices_are(files, slices, run):
    folder = files / "run"
    train = (
        *("train", "--config", files / "settings.yaml", "--out", folder, *THREE),
        *("--image", slices, "--labels", files / "labels.tif"),
    )
    with pytest.raises(InputError, match=UNSTATED) as refused:
        run(*train)
    assert '--pixel-size "Z Y X" --unit nm' in str(refused.value)
    run(*train, *SIZE)
    card = load_model(folder / "last.safetensors").card
    assert (card.pixel_size, card.unit) == ((50, 4, 4), "nm")
    (image,) = RunConfig.from_yaml(folder / "run.yaml").images
    assert (image.pixel_size, image.unit) == ("50 4 4", "nm")


def test_a_3d_model_asks_for_it_of_what_it_predicts(files, slices, train, run):
    model = train("run", *THREE) / "last.safetensors"
    predict = ("predict", model, slices, "--out", files / "out.tif")
    with pytest.raises(InputError, match=UNSTATED):
        run(*predict)
    assert not (files / "out.tif").exists()
    run(*predict, *SIZE)
    written = read_stack(files / "out.tif")
    assert (written.pixel_size, written.unit) == ((50, 4, 4), "nm")


def test_in_two_dimensions_nobody_is_asked(files, slices, train, run):
    model = train("run", "--steps", "1") / "last.safetensors"
    run("predict", model, slices, "--out", files / "out.tif")
    written = read_stack(files / "out.tif")
    assert (written.pixel_size, written.unknown_axes) == ((1, 0.004, 0.004), "Z")


def test_weights_in_3d_ask_for_it_and_take_it(files, flat, run):
    weights = ("weights", flat, files / "w.tif", "--ndim", "3")
    with pytest.raises(InputError, match=UNSTATED):
        run(*weights)
    run(*weights, "--pixel-size", "0.05 0.004 0.004", "--unit", "µm")
    run("weights", files / "labels.tif", files / "known.tif", "--ndim", "3")
    written, known = (read_stack(files / name) for name in ("w.tif", "known.tif"))
    np.testing.assert_array_equal(written.data, known.data)
    assert (written.pixel_size, written.unit) == ((0.05, 0.004, 0.004), "um")


def test_a_baseline_writes_the_size_that_is_given(files, run):
    picture = read_stack(files / "image.tif").data[0]
    Image.fromarray(picture).save(files / "a.png")
    given = ("--pixel-size", "4", "--unit", "nm", "--out", files / "mask.tif")
    run("baseline", "otsu", files / "a.png", *given)
    written = read_stack(files / "mask.tif")
    assert (written.pixel_size, written.unit) == ((4, 4), "nm")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--pixel-size", "50 4 0"), "cannot be read: write Z, Y and X"),
        (("--pixel-size", "wide"), "cannot be read: write Z, Y and X"),
        (("--pixel-size", "1 2 3 4"), "cannot be read: write Z, Y and X"),
        (("--pixel-size", "4", "--unit", "furlong"), 'unit "furlong" is not known'),
        (("--unit", "nm"), "The unit nm needs a pixel size"),
    ],
)
def test_what_is_no_pixel_size_is_said_in_a_sentence(files, run, given, words):
    weights = ("weights", files / "labels.tif", files / "w.tif", *given)
    with pytest.raises(InputError, match=words):
        run(*weights)
