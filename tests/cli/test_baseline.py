"""`napari-unet baseline`: a mask by a classical method, from files to a file."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import tifffile

from napari_unet.baselines import BASELINES, segment_stack
from napari_unet.cli import main
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError
from napari_unet.score.pixels.overlap import overlap


def values(path):
    return np.asarray(read_stack(path).as_zyx())


def test_a_mask_lies_on_its_image(files, run):
    result = run("baseline", "otsu", files / "image.tif", "--out", files / "mask.tif")
    image, mask = read_stack(files / "image.tif"), read_stack(files / "mask.tif")
    assert mask.pixel_size == pytest.approx(image.pixel_size)
    assert (mask.axes, mask.unit) == (image.axes, image.unit)
    wanted = segment_stack("otsu", image.as_czyx())
    np.testing.assert_array_equal(np.asarray(mask.as_zyx()), wanted)
    assert overlap(wanted, values(files / "labels.tif"), 2).iou > 0.9
    assert "Otsu's threshold: foreground on" in result.output


def test_the_forest_learns_from_some_slices_and_segments_others(files, run):
    lesson = ("--labels", files / "labels.tif", "--train", "0:3", "--trees", "10")
    result = run(
        *("baseline", "forest", files / "image.tif", *lesson),
        *("--slices", "3:5", "--out", files / "mask.tif"),
    )
    truth = values(files / "labels.tif")[3:5]
    assert overlap(values(files / "mask.tif"), truth, 2).iou > 0.9
    assert "classes, 3 of 5 slices" in result.output
    assert "say nothing of other images" not in result.output
    seen = run(
        "baseline", "forest", files / "image.tif", *lesson, "--out", files / "b.tif"
    )
    assert "learnt from 3 of these 5 slices" in seen.output


def test_the_same_seed_writes_the_same_mask(files, run):
    masks = []
    for name, seed in (("a.tif", 3), ("b.tif", 3), ("c.tif", 4)):
        run(
            *("baseline", "forest", files / "image.tif", "--out", files / name),
            *("--labels", files / "labels.tif", "--train", "0", "--trees", "3"),
            *("--seed", seed),
        )
        masks.append(values(files / name))
    np.testing.assert_array_equal(masks[0], masks[1])
    assert (masks[0] != masks[2]).any()


@pytest.mark.parametrize("words", [("baseline",), ("baseline", "list")])
def test_all_baselines_are_listed_with_what_they_do(run, words):
    listed = " ".join(run(*words).output.split())
    for name, one in BASELINES.items():
        assert f"{name} {one.description}" in listed


def test_what_cannot_be_done_is_one_sentence(files, run):
    image, out = files / "image.tif", ("--out", files / "mask.tif")
    labels = ("--labels", files / "labels.tif")
    tifffile.imwrite(files / "small.tif", np.ones((5, 9, 9), np.uint8))
    wrong = [
        (("magic", image, *out), "no baseline magic: choose one of otsu, li"),
        (("otsu",), "napari-unet baseline otsu IMAGE --out MASK.tif"),
        (("forest", image, *out), "Random forest learns from annotations: give --lab"),
        (("otsu", image, "--out", image), "is read or written already"),
        (("otsu", image, "--out", files / "mask.png"), "end the name in .tif"),
        (("li", image, *out, "--side", "left"), "'auto', 'bright' or 'dark'"),
        (("li", image, *out, "--labels", files / "small.tif"), "5 x 9 x 9 and the"),
        (("li", image, *out, *labels, "--train", "9"), "labels.tif: slices 9 asked"),
        (("li", image, *out, "--slices", "7"), "image.tif: slices 7 asked"),
    ]
    for arguments, words in wrong:
        with pytest.raises(InputError) as caught:
            run("baseline", *arguments)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)
    assert not (files / "mask.tif").exists()


def test_an_unknown_baseline_ends_the_program_with_code_1(files, capfd, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["napari-unet", "baseline", "magic"])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert leaving.value.code == 1
    assert capfd.readouterr().err.startswith("Error: There is no baseline magic")


def test_slices_without_labels_are_no_lesson(files, run):
    labels = values(files / "labels.tif").copy()
    labels[3:] = 0
    tifffile.imwrite(files / "some.tif", labels)
    with pytest.raises(InputError, match="holds no labels in slices 3:5"):
        run(
            *("baseline", "forest", files / "image.tif", "--out", files / "mask.tif"),
            *("--labels", files / "some.tif", "--train", "3:5"),
        )


def test_a_constant_image_gives_an_empty_mask(files, run):
    tifffile.imwrite(files / "flat.tif", np.full((2, 30, 40), 7, np.uint8))
    run("baseline", "kmeans", files / "flat.tif", "--out", files / "mask.tif")
    assert not values(files / "mask.tif").any()
