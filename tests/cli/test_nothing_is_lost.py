"""No command writes over what it reads, and no option is ignored in silence."""

from __future__ import annotations

import os

import numpy as np
import pytest
import tifffile
import yaml

from napari_unet.cli.outputs import check_outputs
from napari_unet.data.read import read_stack
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError, OutputError
from napari_unet.score.scoring import score_labels


def test_no_result_takes_the_place_of_an_input(files, train, run):
    model = train() / "best.safetensors"
    image, labels, out = files / "image.tif", files / "labels.tif", files / "out.tif"
    before = image.read_bytes(), labels.read_bytes(), model.read_bytes()
    for words in (
        ("weights", labels, labels),
        ("predict", model, image, "--out", image),
        ("predict", model, image, "--out", model),
        ("predict", model, image, "--out", out, "--probabilities", out),
        ("score", labels, image, "--json", labels),
    ):
        with pytest.raises(InputError, match="choose another name"):
            run(*words)
    assert (image.read_bytes(), labels.read_bytes(), model.read_bytes()) == before
    assert not out.exists()


def test_no_result_comes_among_the_slices_of_a_folder(files, train, run):
    model, raw = train() / "best.safetensors", files / "raw"
    raw.mkdir()
    for index, plane in enumerate(tifffile.imread(files / "image.tif")):
        tifffile.imwrite(raw / f"s{index}.tif", plane)
    before = {path.name: path.read_bytes() for path in raw.iterdir()}
    for words in (
        ("baseline", "otsu", raw, "--out", raw / "s0.tif"),
        ("predict", model, raw, "--out", raw / "s1.tif"),
        ("predict", model, raw, "--out", raw / "mask.tif"),
        ("weights", raw, raw / "weight_map.tif"),
        ("score", raw, raw, "--error-map", raw / "errors.tif"),
    ):
        with pytest.raises(InputError, match="among the slices that are read"):
            run(*words)
    assert {path.name: path.read_bytes() for path in raw.iterdir()} == before
    run("baseline", "otsu", raw, "--out", raw / "masks" / "otsu.tif")
    assert (raw / "masks" / "otsu.tif").exists()


def test_what_cannot_be_written_is_refused_before_the_work(files, train, run):
    model, image, labels = train() / "best.safetensors", "image.tif", "labels.tif"
    image, labels = files / image, files / labels
    folder, below_a_file = files / "run.tif", labels / "a.tif"
    folder.mkdir()
    for words in (
        ("weights", labels),
        ("predict", model, image, "--out"),
        ("predict", model, image, "--out", files / "o.tif", "--probabilities"),
        ("baseline", "otsu", image, "--out"),
        ("score", labels, labels, "--json"),
        ("score", labels, labels, "--csv"),
        ("score", labels, labels, "--error-map"),
    ):
        with pytest.raises(InputError, match="is a folder"):
            run(*words, folder)
        with pytest.raises(OutputError, match="cannot be written: Not a directory"):
            run(*words, below_a_file)
    assert not (files / "o.tif").exists()


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_that_is_closed_is_refused_before_the_work(files):
    closed = files / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="you may write to"):
        check_outputs([], closed / "deeper" / "mask.tif")
    closed.chmod(0o700)


def test_slices_on_the_command_line_win_over_the_settings_file(files, train, run):
    first = train()
    run(
        *("train", "--config", first / "run.yaml", "--validation", "0:2"),
        *("--out", files / "second", "--steps", 2),
    )
    (image,) = yaml.safe_load((files / "second" / "run.yaml").read_text())["images"]
    assert image["validation"] == "0:2"


def test_no_run_takes_the_place_of_a_model_that_was_trained_live(files, train):
    folder = train()
    # What live training leaves: models without a state to go on from.
    (folder / "resume.pt").unlink()
    before = {path: path.read_bytes() for path in folder.rglob("*.safetensors")}
    with pytest.raises(InputError, match=r"--start .*last\.safetensors"):
        train()
    assert {path: path.read_bytes() for path in before} == before


def test_fine_tuning_refuses_another_network(files, train, run):
    model = train() / "best.safetensors"
    with pytest.raises(InputError, match="takes the network of the model"):
        run(
            *("train", "--image", files / "image.tif", "--labels"),
            *(files / "labels.tif", "--fine-tune", model, "--ndim", 3),
            *("--out", files / "tuned"),
        )


def test_an_image_can_be_held_out_as_a_whole(files, run):
    pair = ("--image", files / "image.tif", "--labels", files / "labels.tif")
    run(
        *("train", *pair, *pair, "--train", "0:5", "--train", "none"),
        *("--validation", "none", "--validation", "0:5", "--steps", 2),
        *("--patch-size", 32, "--base-channels", 2, "--out", files / "run"),
    )
    assert (files / "run" / "best.safetensors").exists()


def test_of_five_single_images_the_last_is_held_out(files, run):
    image = read_stack(files / "image.tif").slices("0")
    labels = read_stack(files / "labels.tif").slices("0")
    write_stack(files / "i.tif", image.data[0], axes="YX")
    write_stack(files / "l.tif", labels.data[0], axes="YX")
    pair = ("--image", files / "i.tif", "--labels", files / "l.tif")
    printed = run(
        *("train", *(5 * pair), "--steps", 2, "--patch-size", 32),
        *("--base-channels", 2, "--out", files / "run"),
    ).stdout
    assert (files / "run" / "best.safetensors").exists()
    assert printed.count("the whole image is held out") == 1
    assert "nothing is held out" not in printed
    printed = run(
        *("train", *(4 * pair), "--steps", 2, "--patch-size", 32),
        *("--base-channels", 2, "--out", files / "four"),
    ).stdout
    assert printed.count("held out") == printed.count("nothing is held out") == 1


def test_few_objects_are_not_taken_for_classes_where_one_is_predicted():
    truth = np.zeros((1, 20, 20), np.uint8)
    for value, y in enumerate((1, 8, 15), start=1):
        truth[0, y : y + 4, 2:18] = value
    scores = score_labels(truth > 0, truth)
    notes = scores.notes
    assert scores.values()["iou"] == 1
    assert "objects" in notes[0]


def test_scribbles_of_background_and_foreground_stay_scribbles():
    truth = np.zeros((1, 20, 20), np.uint8)
    truth[0, 2:5, 2:18], truth[0, 12:15, 2:18] = 1, 2
    prediction = np.zeros((1, 20, 20), np.uint8)
    prediction[0, 10:] = 1
    scores = score_labels(prediction, truth)
    notes = scores.notes
    assert "scribbles" in notes[0]
    assert scores.values()["accuracy"] == 1


def test_objects_scored_against_themselves_are_perfect():
    truth = np.zeros((1, 20, 20), np.uint16)
    truth[0, :, :10], truth[0, :, 10:] = 301, 302
    scores = score_labels(truth, truth)
    assert scores.values()["iou"] == 1


def test_truth_without_a_label_is_told_as_such():
    with pytest.raises(InputError, match="ground truth holds no labels"):
        score_labels(np.ones((1, 4, 4), np.uint8), np.zeros((1, 4, 4), np.uint8))


def test_only_what_the_same_command_made_is_replaced(files, train, run):
    model = train() / "best.safetensors"
    image, labels = files / "image.tif", files / "labels.tif"
    commands = {
        "weights": (("weights", labels), ""),
        "baseline": (("baseline", "otsu", image), "--out"),
        "predict": (("predict", model, image), "--out"),
        "score": (("score", labels, labels), "--error-map"),
    }
    for name, (words, option) in commands.items():
        out = files / f"{name}.tif"
        command = (*words, option, out) if option else (*words, out)
        tifffile.imwrite(out, np.zeros((5, 48, 64), np.uint8))
        mine = out.read_bytes()
        with pytest.raises(InputError, match=f"{name}.tif is there.*--overwrite"):
            run(*command)
        assert out.read_bytes() == mine
        run(*command, "--overwrite")
        run(*command)
        assert out.read_bytes() != mine


@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_corrected_labels_are_never_replaced_in_silence(files, train, run, name):
    """Nor where a program changed the pixels in place, and left the rest."""
    command = ("predict", train() / "best.safetensors", files / "image.tif", "--out")
    out = files / name
    run(*command, out)
    run(*command, out)
    with tifffile.TiffFile(out) as tif:
        pixels, description = tif.asarray(), tif.pages[0].description.encode()
        software = tif.pages[0].tags["Software"].value
    pixels[0, 0, 0] ^= 1
    tifffile.imwrite(
        *(out, pixels), software=software, description=description, metadata=None
    )
    with pytest.raises(InputError, match="--overwrite"):
        run(*command, out)


def test_tables_and_pages_of_others_are_not_replaced(files, run):
    labels = files / "labels.tif"
    outputs = {"--json": "a.json", "--csv": "a.csv", "--report": "a.md"}
    outputs |= {"--error-map": "a.tif"}
    words = [part for n, file in outputs.items() for part in (n, files / file)]
    run("score", labels, labels, *words)
    run("score", labels, labels, *words)
    for option, name in (*outputs.items(), ("--report", "a.html")):
        path = files / f"my-{name}"
        path.write_text("slice,notes\n0,mine\n", encoding="utf-8")
        with pytest.raises(InputError, match=f"my-{name} is there already"):
            run("score", labels, labels, option, path)
        assert "mine" in path.read_text(encoding="utf-8")
