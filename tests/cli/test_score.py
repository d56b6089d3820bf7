"""`napari-unet score` marks the slices it knows of, and writes what it was asked."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import tifffile

from napari_unet.config import UNetConfig
from napari_unet.data.fingerprint import fingerprint
from napari_unet.data.read import read_stack
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import Model, ModelCard, save_model
from napari_unet.model.networks.unet import UNet
from napari_unet.model.seen import seen


@pytest.fixture
def predicted(files):
    """A prediction beside the files: as the labels, but for a missed row of cells."""
    prediction = tifffile.imread(files / "labels.tif")
    prediction[:, :7] = 0
    tifffile.imwrite(files / "prediction.tif", prediction)
    return files


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def in_words(result):
    """What was said, without the line breaks of the terminal."""
    return " ".join(result.stdout.split())


# --------------------------------------------------------------------- probabilities


@pytest.fixture
def soft(predicted, run):
    """Score values as probabilities; return the soft scores and what was said."""

    def start(values, *arguments, **how):
        path = predicted / "p.tif"
        tifffile.imwrite(path, values, photometric="minisblack", **how)
        result = run(
            *("score", predicted / "prediction.tif", predicted / "labels.tif"),
            *("--probabilities", path, "--json", predicted / "s.json", *arguments),
        )
        saved = read(predicted / "s.json")
        return saved["overall"]["soft"], in_words(result), saved["notes"]

    return start


def likely(files):
    """Probabilities of foreground that 8 bits hold without rounding."""
    return tifffile.imread(files / "labels.tif") * np.float32(0.6) + np.float32(0.2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_probabilities_of_whole_numbers_mean_the_same(predicted, soft, dtype):
    expected, said, _ = soft(likely(predicted))
    assert expected["soft_dice"] < 0.9
    assert "divided by" not in said
    top = np.iinfo(dtype).max
    whole = np.round(likely(predicted) * top).astype(dtype)
    found, said, notes = soft(whole)
    assert found == pytest.approx(expected)
    words = f"divided by {top:,}, the highest value is {whole.max():,}"
    assert words in said
    assert words in notes[-1]


def test_the_first_of_several_channels_is_the_background(predicted, soft):
    expected, *_ = soft(likely(predicted))
    classes = np.stack([1 - likely(predicted), likely(predicted)])
    axes = {"metadata": {"axes": "CZYX"}}
    for values in (classes, np.round(classes * 255).astype(np.uint8)):
        assert soft(values, **axes, ome=True)[0] == pytest.approx(expected)


def test_a_mask_of_0_and_1_is_its_own_probability(predicted, soft):
    assert soft(tifffile.imread(predicted / "labels.tif"))[0]["soft_iou"] == 1


def test_rounding_is_forgiven_and_nothing_more(predicted, soft):
    labels = tifffile.imread(predicted / "labels.tif").astype(np.float32)
    assert soft(labels * np.float32(1.0005))[0]["soft_iou"] == 1
    (predicted / "s.json").unlink()
    for wrong in (labels * 100, labels - np.float32(0.1), labels * np.float32(np.nan)):
        with pytest.raises(InputError, match="outside 0 to 1"):
            soft(wrong)
    assert not (predicted / "s.json").exists()


def test_wrong_probabilities_are_refused_by_name(predicted, run):
    colours = np.zeros((5, 48, 64, 3), np.uint8)
    colours[..., 0] = 9
    tifffile.imwrite(predicted / "rgb.tif", colours, photometric="rgb")
    tifffile.imwrite(predicted / "small.tif", np.zeros((5, 40, 64), np.float32))
    tifffile.imwrite(predicted / "one.tif", np.zeros((1, 48, 64), np.float32))
    for name, words in (
        ("rgb.tif", "rgb.tif is a colour"),
        ("small.tif", "small.tif is 5 x 40 x 64"),
        ("one.tif", "one.tif is 1 x 48 x 64"),
    ):
        with pytest.raises(InputError, match=words):
            run(
                *("score", predicted / "prediction.tif", predicted / "labels.tif"),
                *("--probabilities", predicted / name),
                *("--json", predicted / "s.json"),
            )
    assert not (predicted / "s.json").exists()


def test_probabilities_of_the_whole_stack_are_cut_like_the_labels(predicted, soft):
    some = ("--slices", "1:5:2", "--truth-slices", "1:5:2")
    values = likely(predicted)
    assert soft(values, *some)[0] == soft(values[1:5:2], *some)[0]


# -------------------------------------------------------------- slices learnt from


@pytest.fixture
def model(files):
    """A model that learnt from slices 0 to 2 of the image."""
    config = UNetConfig(base_channels=2, depth=2)
    image = fingerprint(read_stack(files / "image.tif").as_czyx())
    card = ModelCard(network=config, data=(seen(image, range(3), [3, 4]),))
    save_model(files / "model.safetensors", Model(UNet(config), card))
    return files / "model.safetensors"


@pytest.fixture
def marks(predicted, model, run):
    """Score with the model and return the marks by slice number, and what was said."""

    def start(*arguments):
        result = run(
            *("score", *arguments, "--model", model, "--json", predicted / "s.json"),
        )
        rows = read(predicted / "s.json")["slices"]
        return {row["slice"]: row["trained_on"] for row in rows}, in_words(result)

    return start


def cut(path, name, selection):
    tifffile.imwrite(
        path.with_name(name), tifffile.imread(path)[selection], photometric="minisblack"
    )
    return path.with_name(name)


def test_held_out_slices_of_a_truth_that_was_cut_are_not_marked(predicted, marks):
    truth = cut(predicted / "labels.tif", "validation.tif", slice(3, 5))
    prediction, image = predicted / "prediction.tif", predicted / "image.tif"
    marked, said = marks(prediction, truth, "--slices", "3:5", "--image", image)
    assert marked == {3: False, 4: False}
    assert "learnt from" not in said


def test_slices_learnt_from_are_marked_whichever_file_was_cut(predicted, marks):
    labels, prediction = predicted / "labels.tif", predicted / "prediction.tif"
    image = ("--image", predicted / "image.tif")
    expected = {1: True, 2: True, 3: False}
    some = cut(prediction, "some.tif", slice(1, 4))
    marked, _ = marks(some, labels, "--truth-slices", "1:4", *image)
    assert marked == expected
    some = cut(labels, "some.tif", slice(1, 4))
    marked, said = marks(prediction, some, "--slices", "1:4", *image)
    assert marked == expected
    assert "learnt from 2 of the 3 slices" in said


def test_slices_with_gaps_keep_their_numbers_everywhere(predicted, marks):
    marked, _ = marks(
        *(predicted / "prediction.tif", predicted / "labels.tif"),
        *("--slices", "0:5:2", "--truth-slices", "0:5:2"),
        *("--image", predicted / "image.tif", "--error-map", predicted / "x.tif"),
        *("--report", predicted / "r.md"),
    )
    assert marked == {0: True, 2: True, 4: False}
    assert {row["slice"] for row in read(predicted / "x-errors.json")} <= {0, 2, 4}
    assert 4 in {row["slice"] for row in read(predicted / "x-errors.json")}
    assert read_stack(predicted / "x.tif").shape == (2, 3, 48, 64)
    page = (predicted / "r.md").read_text(encoding="utf-8")
    for number, learnt in marked.items():
        row = next(one for one in page.splitlines() if one.startswith(f"| {number} |"))
        assert row.endswith("| yes |") == learnt


def test_pictures_of_slices_with_gaps_show_these(predicted, run):
    """The worst of slices 0, 2 and 4 is the last, over its own grey values."""
    prediction = tifffile.imread(predicted / "labels.tif")
    prediction[4] = 1 - prediction[4]
    tifffile.imwrite(predicted / "prediction.tif", prediction)
    score = ("score", predicted / "prediction.tif", predicted / "labels.tif")
    image = ("--image", predicted / "image.tif")
    for name, some in (("gaps", "0:5:2"), ("one", "4")):
        slices = ("--slices", some, "--truth-slices", some)
        run(*score, *slices, *image, "--report", predicted / f"{name}.md")
    pictures = [
        predicted / f"{name}-pictures" / "worst.png" for name in ("gaps", "one")
    ]
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    assert "worst slice, 4" in (predicted / "gaps.md").read_text(encoding="utf-8")


def test_slices_that_cannot_be_told_are_said_and_not_marked(predicted, marks):
    prediction = cut(predicted / "prediction.tif", "p.tif", slice(2))
    truth = cut(predicted / "labels.tif", "t.tif", slice(2))
    image = predicted / "image.tif"
    marked, said = marks(prediction, truth, "--image", image)
    assert set(marked.values()) == {None}, "not known"
    assert "Cannot tell which slices of" in said
    assert any("Cannot tell" in note for note in read(predicted / "s.json")["notes"])
    # Slices 0 and 1 of one file, 3 and 4 of another that is as long.
    whole = (predicted / "prediction.tif", predicted / "labels.tif")
    chosen = ("--slices", ":2", "--truth-slices", "3:")
    marked, said = marks(*whole, *chosen, "--image", image)
    assert not any(marked.values())
    assert "Cannot tell which slices of" in said


def test_an_image_that_the_model_does_not_know_is_said(predicted, marks):
    image = tifffile.imread(predicted / "image.tif").astype(np.uint16)
    tifffile.imwrite(predicted / "converted.tif", image)
    marked, said = marks(
        *(predicted / "prediction.tif", predicted / "labels.tif"),
        *("--image", predicted / "converted.tif"),
    )
    assert not any(marked.values())
    assert "converted.tif are those of no image that the model was trained on" in said


def test_an_image_of_other_slices_gets_no_report(predicted, run):
    image = cut(predicted / "image.tif", "four.tif", slice(4))
    with pytest.raises(InputError, match=r"four\.tif is 4 x 48 x 64.*the 5 x 48 x 64"):
        run(
            *("score", predicted / "prediction.tif", predicted / "labels.tif"),
            *("--image", image, "--report", predicted / "r.html"),
            *("--json", predicted / "s.json"),
        )
    assert not (predicted / "s.json").exists()


# --------------------------------------------------------------------- files written


def test_the_list_of_errors_has_a_file_of_its_own(predicted, run):
    result = run(
        *("score", predicted / "prediction.tif", predicted / "labels.tif"),
        *("--json", predicted / "x.json", "--error-map", predicted / "x.tif"),
    )
    assert "overall" in read(predicted / "x.json")
    numbers = [row["number"] for row in read(predicted / "x-errors.json")]
    assert numbers
    assert numbers == list(range(1, len(numbers) + 1))
    assert "x-errors.json" in "".join(result.stdout.split())


def test_the_list_of_errors_overwrites_nothing(predicted, run):
    listed = predicted / "x-errors.json"
    with pytest.raises(InputError, match=r"x-errors\.json is read or written already"):
        run(
            *("score", predicted / "prediction.tif", predicted / "labels.tif"),
            *("--json", listed, "--error-map", predicted / "x.tif"),
        )
    assert not listed.exists()


def test_tables_are_what_the_option_says_whatever_their_names(predicted, run):
    run(
        *("score", predicted / "prediction.tif", predicted / "labels.tif"),
        *("--csv", predicted / "table.txt", "--json", predicted / "scores.txt"),
    )
    with (predicted / "table.txt").open(encoding="utf-8", newline="") as file:
        slices = [row["slice"] for row in csv.DictReader(file)]
    assert slices == ["0", "1", "2", "3", "4", "all"]
    assert len(read(predicted / "scores.txt")["slices"]) == 5


# ------------------------------------------------- a part of a truth, read as the whole


def of_bands(path, *slices):
    """Write a stack with bands of some values in each slice."""
    labels = np.zeros((len(slices), 32, 32), np.uint8)
    for plane, values in zip(labels, slices, strict=True):
        for n, value in enumerate(values):
            plane[2 + 10 * n : 10 + 10 * n, 4:28] = value
    tifffile.imwrite(path, labels, photometric="minisblack")
    return path


@pytest.fixture
def scored(tmp_path, run):
    """Score two files; return the scores of all slices and of each."""

    def start(*arguments):
        run("score", *arguments, "--json", tmp_path / "s.json", "--overwrite")
        saved = read(tmp_path / "s.json")
        return saved["overall"], saved["slices"]

    return start


def test_a_wrong_class_is_wrong_where_the_slices_hold_only_one_of_the_truth(
    tmp_path, scored
):
    truth = of_bands(tmp_path / "t.tif", (1, 2, 1), (2, 0, 2), (0, 2))
    wrong = of_bands(tmp_path / "p.tif", (1, 0, 1), (0, 1))
    cut = ("--truth-slices", "1:3", "--kind", "classes")
    assert scored(wrong, truth, *cut)[0]["iou"] == 0
    first = of_bands(tmp_path / "first.tif", (1, 1))
    truth = of_bands(tmp_path / "t.tif", (1, 2), (1, 1), (2, 2))
    second = of_bands(tmp_path / "second.tif", (1, 2))
    cut = ("--truth-slices", "1:2", "--kind", "classes")
    assert scored(first, truth, *cut)[0]["iou"] == 1
    assert scored(second, truth, *cut)[0]["iou"] < 1


def test_a_wrong_class_is_wrong_in_a_volume_that_is_scored_in_parts(
    tmp_path, scored, monkeypatch
):
    monkeypatch.setattr("napari_unet.cli.score_command.is_large", lambda *_: True)
    truth = of_bands(tmp_path / "t.tif", (1, 2, 1), (2, 0, 2), (0, 2))
    wrong = of_bands(tmp_path / "p.tif", (1, 0, 1), (0, 1))
    overall, _ = scored(wrong, truth, "--truth-slices", "1:3", "--kind", "classes")
    assert overall["iou"] == 0


def test_the_model_tells_how_many_classes_there_are(tmp_path, scored):
    config = UNetConfig(base_channels=1, depth=1, num_classes=3)
    model = tmp_path / "m.safetensors"
    save_model(model, Model(UNet(config), ModelCard(network=config)))
    truth = of_bands(tmp_path / "t.tif", (2, 2))
    wrong = of_bands(tmp_path / "p.tif", (1, 1))
    assert scored(wrong, truth)[0]["iou"] == 1
    assert scored(wrong, truth, "--model", model)[0]["iou"] == 0
    mask = of_bands(tmp_path / "t.tif", (255, 255))
    assert scored(wrong, mask, "--model", model)[0]["iou"] == 1


def test_a_value_that_the_whole_truth_ignores_is_ignored_in_its_slices(
    tmp_path, scored
):
    truth = of_bands(tmp_path / "t.tif", (1, 255), (1,), (255, 1), (0, 255))
    found = of_bands(tmp_path / "p.tif", (0, 1))
    cut = ("--truth-slices", "2:3", "--kind", "classes")
    assert scored(found, truth, *cut)[0]["iou"] == 1


def test_the_files_of_a_folder_are_read_together(tmp_path, run):
    for name in "pt":
        (tmp_path / name).mkdir()
    of_bands(tmp_path / "t" / "a.tif", (1, 2))
    of_bands(tmp_path / "p" / "a.tif", (1, 2))
    of_bands(tmp_path / "t" / "b.tif", (2, 2))
    of_bands(tmp_path / "p" / "b.tif", (1, 1))
    table = tmp_path / "s.csv"
    folders = tmp_path / "p", tmp_path / "t"
    run("score", *folders, "--each", "--kind", "classes", "--csv", table)
    assert [float(row["iou"]) for row in in_columns(table)] == [1, 0]


def test_truths_without_a_prediction_are_named(tmp_path, run):
    for name, count in (("p", 1), ("t", 7)):
        (tmp_path / name).mkdir()
        for number in range(count):
            of_bands(tmp_path / name / f"s{number}.tif", (1, 0))
    out = run("score", tmp_path / "p", tmp_path / "t", "--each")
    expected = "6 truths without a prediction: s1.tif, s2.tif, s3.tif, s4.tif, s5.tif"
    assert f"{expected} and 1 more" in " ".join(out.output.split())
    out = run("score", tmp_path / "t", tmp_path / "t", "--each")
    assert "without a prediction" not in out.output


@pytest.fixture
def organs(tmp_path):
    """A folder of predictions and one of truths: two organs, of few and many pieces."""
    folders = tmp_path / "p", tmp_path / "t"
    for folder in folders:
        folder.mkdir()
    for folder, second in zip(folders, (1, 2), strict=True):
        for name, pieces in (("a", 1), ("b", 6)):
            labels = np.zeros((1, 64, 64), np.uint8)
            for y in range(2, 10 * pieces, 10):
                labels[0, y : y + 8, 4:12] = 1
                labels[0, y : y + 4, 5:8] = 2
                labels[0, y : y + 4, 8:11] = second
            tifffile.imwrite(folder / f"{name}.tif", labels)
    return folders


def in_columns(table):
    return list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))


def test_files_of_one_folder_are_classes_all_or_none(organs, tmp_path, run):
    table = tmp_path / "s.csv"
    run("score", *organs, "--each", "--csv", table)
    a, b = in_columns(table)
    assert 0 < float(a["iou"]) == float(b["iou"]) < 1


def test_a_class_alone_in_all_truths_is_told_from_others(tmp_path, run):
    for name, value in (("p", 1), ("t", 2)):
        (tmp_path / name).mkdir()
        of_bands(tmp_path / name / "a.tif", (value, 0, value))
        of_bands(tmp_path / name / "b.tif", (2, 0, 2))
    both = tifffile.imread(tmp_path / "p" / "b.tif")
    both[:, 26:, ::2] = 1
    tifffile.imwrite(tmp_path / "p" / "b.tif", both)
    folders, table = (tmp_path / "p", tmp_path / "t"), tmp_path / "s.csv"
    run("score", *folders, "--each", "--csv", table)
    assert float(in_columns(table)[0]["iou"]) == 0


def test_a_model_of_many_predictions_tells_their_classes(organs, tmp_path, run):
    config = UNetConfig(base_channels=1, depth=1, num_classes=3)
    model = tmp_path / "m.safetensors"
    save_model(model, Model(UNet(config), ModelCard(network=config)))
    for folder in organs:
        (folder / "b.tif").unlink()
    found, table = [], tmp_path / "s.csv"
    for more in ((), ("--kind", "classes"), ("--model", model)):
        run("score", *organs, "--each", "--csv", table, *more)
        found.append(in_columns(table)[0]["iou"])
    as_objects, as_classes, with_model = found
    assert as_objects != as_classes == with_model


def test_without_the_image_it_is_not_known_what_a_model_learnt_from(predicted, run):
    config = UNetConfig(base_channels=1, depth=1)
    model = predicted / "m.safetensors"
    save_model(model, Model(UNet(config), ModelCard(network=config)))
    labels = predicted / "prediction.tif", predicted / "labels.tif"
    scores = predicted / "s.json"
    told = in_words(run("score", *labels, "--model", model, "--json", scores))
    assert "only told with --image" in told
    saved = read(scores)
    assert saved["overall"]["trained_on"] is None
    assert saved["slices"][0]["trained_on"] is None


def test_complete_slices_are_called_by_their_numbers_in_the_truth(tmp_path, scored):
    every = [(1,)] * 6 + [(), (1,)]
    truth = of_bands(tmp_path / "t.tif", *every)
    found = of_bands(tmp_path / "p.tif", (1,), (1,), (1,))
    cut = found, truth, "--truth-slices", "5:8"
    assert [row["slice"] for row in scored(*cut)[1]] == [5, 7]
    for complete in ("6", "2:7", "all"):
        overall, rows = scored(*cut, "--complete", complete)
        assert [row["slice"] for row in rows] == [5, 6, 7]
        assert overall["iou"] < 1
    assert [row["slice"] for row in scored(*cut, "--complete", "1")[1]] == [5, 7]
