"""Many images by one command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_unet.cli.batch import LIST, Batch, alike, images_of, results_of
from napari_unet.errors import InputError, NapariUNetError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nineteen images, and one that is broken."""
    made = tmp_path / "images"
    made.mkdir()
    rng = np.random.default_rng(0)
    for number in range(1, 21):
        image = rng.integers(0, 255, (48, 64)).astype(np.uint8)
        tifffile.imwrite(made / f"em{number}.tif", image)
    (made / "em7.tif").write_bytes(b"II*\0 not a TIFF file any more")
    (made / "notes.txt").write_text("not an image", encoding="utf-8")
    return made


def predict(run, folder, out, *more):
    return run("predict", "em-membranes", folder, "--out", out, *more)


def test_one_broken_image_does_not_end_the_rest(folder, tmp_path, run):
    out = tmp_path / "masks"
    with pytest.raises(NapariUNetError, match=r"1 of 20 images failed.*em7.tif"):
        predict(run, folder, out)
    assert len(list(out.glob("*.tif"))) == 19
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.tif")}

    # Nothing is predicted a second time, but what failed is tried again.
    with pytest.raises(NapariUNetError, match="em7"):
        predict(run, folder, out)
    tifffile.imwrite(folder / "em7.tif", np.zeros((48, 64), np.uint8))
    said = predict(run, folder, out).stdout
    assert "1 of 20 images done now, 19 were done before" in said
    assert {path: path.stat().st_mtime_ns for path in before} == before

    said = predict(run, folder, out).stdout
    assert "0 of 20 images done now" in said


def test_results_of_other_settings_are_not_mixed(folder, tmp_path, run):
    for path in list(folder.glob("em*.tif"))[3:]:
        path.unlink()
    (folder / "em7.tif").unlink(missing_ok=True)
    out = tmp_path / "masks"
    predict(run, folder, out)
    with pytest.raises(InputError, match="other settings"):
        predict(run, folder, out, "--threshold", "0.7")
    said = predict(run, folder, out, "--threshold", "0.7", "--overwrite").stdout
    assert "were done before" in said
    made_with = json.loads((out / "batch.json").read_text("utf-8"))["made_with"]
    assert made_with["predict"]["threshold"] == 0.7


def test_an_image_that_changed_is_predicted_again(folder, tmp_path, run):
    for path in list(folder.glob("em*.tif"))[2:]:
        path.unlink()
    for path in folder.glob("em*.tif"):
        tifffile.imwrite(path, np.zeros((48, 64), np.uint8))
    out = tmp_path / "masks"
    predict(run, folder, out)
    tifffile.imwrite(next(folder.glob("em*.tif")), np.ones((50, 64), np.uint8))
    assert (
        "1 of 2 images done now, 1 were done before" in predict(run, folder, out).stdout
    )


def test_what_a_folder_cannot_take_is_said(folder, tmp_path, run):
    with pytest.raises(InputError, match="leave --slices"):
        predict(run, folder, tmp_path / "masks", "--slices", "0:1")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no images"):
        predict(run, empty, tmp_path / "masks")


def test_the_objects_of_many_files_stand_in_one_table(tmp_path, run):
    labels, images = tmp_path / "labels", tmp_path / "images"
    for one in (labels, images):
        one.mkdir()
    for number in (1, 2, 10):
        mask = np.zeros((30, 30), np.uint8)
        mask[3 : 3 + number, 3:9] = 1
        tifffile.imwrite(labels / f"em{number}.tif", mask)
        tifffile.imwrite(images / f"em{number}.tif", 100 + mask)
    (labels / "em7.tif").write_bytes(b"II*\0 not a TIFF file any more")
    table = tmp_path / "all.csv"
    with pytest.raises(NapariUNetError, match=r"1 of 4 images failed.*em7"):
        run("measure", labels, "--each", "--image", images, "--csv", table)
    head, *rows = table.read_text("utf-8").splitlines()
    assert head.startswith("file,object,class,slice,")
    assert [row.split(",")[0] for row in rows] == ["em1.tif", "em2.tif", "em10.tif"]
    area = head.split(",").index("area (px^2)")
    assert [row.split(",")[area] for row in rows] == ["6", "12", "60"]
    (images / "em1.tif").unlink()
    with pytest.raises(NapariUNetError, match="0 images called em1"):
        run("measure", labels, "--each", "--image", images, "--csv", table)


def test_files_of_few_objects_are_measured_as_those_of_many(tmp_path, run):
    labels = tmp_path / "labels"
    labels.mkdir()
    for name, count in (("few", 3), ("many", 10), ("none", 0)):
        stack = np.zeros((3, 30, 60), np.uint8)
        for number in range(count):
            stack[:, 3:9, 6 * number : 6 * number + 4] = number + 1
        tifffile.imwrite(labels / f"{name}.tif", stack, photometric="minisblack")
    table = tmp_path / "all.csv"
    told = run("measure", labels, "--each", "--csv", table).stdout
    assert "none.tif holds no object" in told
    head, *rows = (row.split(",") for row in table.read_text("utf-8").splitlines())
    assert "class" not in head
    volume = head.index("volume (px^3)")
    assert [(row[0], row[volume]) for row in rows] == [
        *[("few.tif", "72")] * 3,
        *[("many.tif", "72")] * 10,
    ]


def test_many_predictions_are_scored_into_one_table(tmp_path, run):
    predictions, truths = tmp_path / "predictions", tmp_path / "truths"
    for one in (predictions, truths):
        one.mkdir()
    truth = np.zeros((40, 40), np.uint8)
    truth[5:20, 5:20] = 1
    for number, rows in ((1, 20), (2, 15), (3, 12)):
        found = truth.copy()
        found[rows:20] = 0
        tifffile.imwrite(predictions / f"em{number}.tif", found)
        tifffile.imwrite(truths / f"em{number}.tif", truth)
    (truths / "em3.tif").unlink()
    table = tmp_path / "scores.csv"
    with pytest.raises(NapariUNetError, match=r"1 of 3 images failed.*em3"):
        run("score", predictions, truths, "--each", "--csv", table)
    head, *rows = table.read_text("utf-8").splitlines()
    iou = head.split(",").index("iou")
    assert [float(row.split(",")[iou]) for row in rows] == [1, pytest.approx(10 / 15)]
    with pytest.raises(InputError, match="--report is of a single image"):
        run("score", predictions, truths, "--each", "--report", tmp_path / "a.md")


@pytest.mark.parametrize("text", ['{"made_with": {}, "done": [1]}', "[" * 9999])
def test_with_a_damaged_list_all_is_made_anew(tmp_path, text):
    image, out = tmp_path / "a.tif", tmp_path / "b.tif"
    for path in (image, out):
        path.touch()
    (tmp_path / LIST).write_text(text)
    made = []
    Batch(tmp_path, {}).run({image: out}, lambda *paths: made.append(paths))
    assert made == [(image, out)]


def test_packed_images_are_images_and_what_lies_beside_one_is_none(tmp_path):
    for name in ("b.nii.gz", "a.tif", "a.txt", "a.1.tif", "notes.gz"):
        (tmp_path / name).touch()
    images = images_of(tmp_path)
    assert [one.name for one in images] == ["a.1.tif", "a.tif", "b.nii.gz"]
    results = results_of(images, tmp_path / "out")
    assert [one.name for one in results.values()] == ["a.1.tif", "a.tif", "b.tif"]
    assert alike(tmp_path, Path("a.png")).name == "a.tif"
    assert alike(tmp_path, Path("b.tif")).name == "b.nii.gz"
