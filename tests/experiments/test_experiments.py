"""The ten experiments: what the study says of them, and what is made of it."""

from __future__ import annotations

import dataclasses
import functools
import json
import subprocess
import sys
from threading import Event

import numpy as np
import pytest
import torch

from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.experiments import (
    EXPERIMENTS,
    PRINTED,
    Result,
    find_experiment,
    markdown_table,
    read_result,
)
from napari_unet.experiments.experiment_run import ExperimentRun
from napari_unet.experiments.resize import average_blocks, block_side, majority
from napari_unet.experiments.split import split_slices
from napari_unet.experiments.study_measures import measure
from napari_unet.model.networks.unet import UNet
from napari_unet.samples import em_stack

# As the study prints them: loss and two measures on training data, then on validation.
STUDY = """
1  I    iou     iou_thresh 0.4493 0.6471 0.7786 0.5336 0.6448 0.7762
2  II   iou     iou_thresh 0.4486 0.6465 0.7775 0.5325 0.6607 0.7762
3  III  iou     iou_thresh 0.4597 0.6325 0.7782 0.5401 0.6725 0.7765
4  IV   jaccard dice_coef  0.4570 0.6385 0.7790 0.5461 0.6799 0.8094
6  V    iou     iou_thresh 0.0093 0.9673 0.9791 0.0083 0.9680 0.9817
7  VI   iou     iou_thresh 0.0097 0.9680 0.9798 0.0093 0.9665 0.9802
8  VII  iou     iou_thresh 0.0109 0.9626 0.9758 0.0098 0.9660 0.9783
10 VIII jaccard dice_coef  0.0067 0.9760 0.9879 0.0062 0.9767 0.9882
"""
LINES = [line.split() for line in STUDY.strip().splitlines()]


@functools.cache
def numbers_of_keras(network):
    """Count all numbers of a network, running means and variances among them."""
    with torch.device("meta"):
        state = UNet(network).state_dict()
    tracked = "num_batches_tracked"
    return sum(t.numel() for name, t in state.items() if not name.endswith(tracked))


def result(**changes):
    names = ("loss", "iou", "iou_thresh", "jaccard", "dice_coef", "accuracy")
    measured = {name: 0.5 + 0.01 * i for i, name in enumerate(names)}
    measured |= {f"val_{name}": value / 2 for name, value in measured.items()}
    settings = {
        "experiment": 3,
        "image": "em.tif",
        "labels": "cells.tif",
        "slices": 30,
        "size": (512, 512),
        "split": "block",
        "train": ("0:24",),
        "validation": ("24:30",),
        "measured": measured,
        "parameters": 1_940_817,
        "steps": 1440,
        "epochs": 60.0,
        "minutes": 4.0,
        "full": True,
        "seed": 0,
        "device": "CPU",
    }
    return Result(**{**settings, **changes})


# ------------------------------------------------------------------------- the study


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0])
def test_the_printed_figures_are_those_of_the_study(line):
    number, table, first, second, *values = line
    experiment = EXPERIMENTS[int(number)]
    assert experiment.measures == (first, second)
    assert experiment.printed.number == table
    assert tuple(experiment.printed.figures) == experiment.columns
    assert list(experiment.printed.figures.values()) == list(map(float, values))


def test_all_see_as_many_pixels_and_sgd_one_image_of_the_lungs_at_a_time():
    for experiment in EXPERIMENTS.values():
        train = experiment.settings.train
        assert train.steps * train.batch_size * train.patch_size**2 == 1440 * 512**2
    batches = [one.settings.train.batch_size for one in EXPERIMENTS.values()]
    assert batches == [1, 1, 1, 4, 1, 4, 4, 1, 1, 4]


def test_experiments_5_and_9_report_accuracy_of_which_nothing_was_printed():
    assert set(PRINTED) == {int(line[0]) for line in LINES}
    for number in (5, 9):
        assert EXPERIMENTS[number].printed is None
        assert EXPERIMENTS[number].columns[1] == "accuracy"


def test_parameters_go_from_1_940_817_to_31_054_145():
    counted = {
        n: numbers_of_keras(one.settings.network) for n, one in EXPERIMENTS.items()
    }
    assert counted == {n: one.parameters for n, one in EXPERIMENTS.items()}
    smallest = [n for n, count in counted.items() if count == 1_940_817]
    assert smallest == [3, 4, 5, 6, 8, 9, 10]
    assert [n for n, count in counted.items() if count == 31_054_145] == [1]
    assert min(counted.values()) == 1_940_817
    assert max(counted.values()) == 31_054_145


def test_networks_losses_and_optimisers_are_those_of_the_study():
    for one in EXPERIMENTS.values():
        network, train = one.settings.network, one.settings.train
        assert (network.padding, network.num_classes) == ("same", 1)
        assert train.loss == "binary_cross_entropy"
        assert one.settings.weight_map.w0 == 0
    optimizers = [EXPERIMENTS[n].settings.train.optimizer for n in (6, 7, 8, 9, 10)]
    assert optimizers == ["adam", "adam", "sgd", "sgd", "adam"]
    sgd = EXPERIMENTS[8].settings.train
    assert (sgd.momentum, sgd.learning_rate) == (0.99, 0.01)
    filters = [one.settings.network.base_channels for one in EXPERIMENTS.values()]
    assert filters == [64, 64, 16, 16, 16, 16, 64, 16, 16, 16]


def test_only_isbi_is_shifted_turned_and_mirrored():
    for one in EXPERIMENTS.values():
        changes = one.settings.augment
        moved = (changes.flip, changes.rotate, changes.shift > 0)
        assert moved == ((True,) * 3 if one.data == "ISBI 2012" else (False,) * 3)
        others = ("scale", "shear", "elastic", "brightness", "contrast", "noise")
        assert not any(getattr(changes, name) for name in others)


def test_an_experiment_that_is_none_is_refused():
    with pytest.raises(InputError, match="no experiment 11: the study has 1 to 10"):
        find_experiment(11)


def test_presets_load_no_torch():
    code = "import sys, napari_unet.experiments; print('torch' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert ran.stdout.strip() == "False"


# --------------------------------------------------------------- splits and sizes


@pytest.mark.parametrize(
    ("name", "count", "train", "validation"),
    [
        ("block", 30, ("0:24",), ("24:30",)),
        ("every-fifth", 10, ("0:3", "4:8", "9"), ("3", "8")),
        ("0:24", 30, ("0:24",), ("24:30",)),
        ("2:4", 6, ("2:4",), ("0:2", "4:6")),
        ("0:3/5:", 8, ("0:3",), ("5:8",)),
        ("0:40/45:57", 57, ("0:40",), ("45:57",)),
    ],
)
def test_slices_are_split_as_asked(name, count, train, validation):
    split = split_slices(name, count)
    assert (split.train, split.validation) == (train, validation)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("block", "has 4 slices, block needs 5: .* --split 0:3"),
        (":", "trains on all slices"),
        ("0:3/2:4", "trains on slices that it holds out"),
        ("some", "'some' is none of every-fifth, block, 0:24 or 0:40/45:57"),
        ("", "'' is none of every-fifth"),
        ("0:2/", "'0:2/' is none of every-fifth"),
        ("0:9", "the stack has 4"),
    ],
)
def test_a_split_that_cannot_be_is_refused(name, sentence):
    with pytest.raises(InputError, match=sentence):
        split_slices(name, 4)


def test_a_single_slice_cannot_be_split():
    for name in ("block", "0:1", "0"):
        with pytest.raises(InputError, match="two slices or more"):
            split_slices(name, 1)


def test_smaller_images_keep_their_mean_and_their_place():
    data = np.arange(2 * 5 * 6, dtype=np.uint8).reshape(2, 5, 6)
    stack = Stack(data, "ZYX", (50.0, 4.0, 4.0), "nm", "em")
    small = average_blocks(stack, 2)
    assert small.as_czyx().shape == (1, 2, 2, 3)
    assert small.as_czyx()[0, 0, 0, 0] == np.mean([0, 1, 6, 7])
    assert small.zyx_size == (50.0, 8.0, 8.0)


@pytest.mark.parametrize(("bar", "left"), [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2)])
def test_no_row_of_an_info_bar_is_left_in_smaller_images(bar, left):
    data = np.zeros((2, 7, 6), np.uint8)
    data[:, 7 - bar :] = 255
    stack = Stack(data, "ZYX", (50.0, 4.0, 4.0), "nm", "em", info_bar=bar)
    small = average_blocks(stack, 2)
    assert small.info_bar == left
    assert not np.asarray(small.picture.data).any()


def test_a_block_is_what_most_of_its_pixels_are_and_a_draw_goes_to_the_first():
    mask = np.zeros((1, 2, 8), bool)
    mask[0, :, 0:2] = [[1, 1], [1, 0]]
    mask[0, :, 2:4] = [[0, 1], [0, 0]]
    mask[0, :, 4:6] = [[1, 0], [0, 1]]
    mask[0, :, 6:8] = [[0, 1], [1, 0]]
    assert majority(mask, 2).tolist() == [[[True, False, True, False]]]


@pytest.mark.parametrize(
    ("shape", "side", "block"),
    [((57, 512, 512), 256, 2), ((64, 64), 256, 1), ((512, 512), None, 1)],
)
def test_only_images_of_twice_the_side_or_more_are_made_smaller(shape, side, block):
    assert block_side(shape, side) == block


# ------------------------------------------------------------------------- measures


def test_measures_are_the_formulas_of_the_study_on_annotated_pixels():
    predicted = np.array([[[0.9, 0.6, 0.2, 0.4]]], np.float32).repeat(10**5, axis=0)
    truth = np.array([[[1, 0, 0, 255]]], np.uint8).repeat(10**5, axis=0)
    got = measure(predicted, truth)
    assert got["loss"] == pytest.approx(-np.log([0.9, 0.4, 0.8]).mean(), rel=1e-6)
    assert got["iou"] == pytest.approx(0.9 / (1.7 + 1 - 0.9), rel=1e-4)
    assert got["jaccard"] == got["iou"]
    assert got["dice_coef"] == pytest.approx(2 * 0.9 / 2.7, rel=1e-4)
    assert got["iou_thresh"] == pytest.approx(1 / 2, rel=1e-4)
    assert got["accuracy"] == pytest.approx(2 / 3)


# ---------------------------------------------------------------------------- a run


@pytest.fixture
def start(tmp_path):
    """Begin experiment 3 on a tiny stack, with a network as tiny."""
    stack, objects = em_stack((6, 64, 64), seed=0)
    labels = dataclasses.replace(
        stack.single_channel((objects > 0).astype(np.uint8) * 255), source="cells.tif"
    )
    experiment = EXPERIMENTS[3]
    network = experiment.settings.network.model_copy(update={"base_channels": 2})
    train = experiment.settings.train.model_copy(update={"steps": 10})
    settings = experiment.settings.model_copy(
        update={"network": network, "train": train}
    )
    experiment = dataclasses.replace(experiment, settings=settings)

    def begin(name="run", labels=labels, side=None, **options):
        chosen = dataclasses.replace(experiment, side=side)
        return ExperimentRun(chosen, stack, labels, tmp_path / name, **options)

    return begin


def run_out(run, steps=None):
    stop = Event()
    for taken in run.trainer.run(stop):
        if taken.step == steps:
            stop.set()
    return run


def test_a_run_that_was_stopped_goes_on_to_the_figures_of_a_whole_one(start):
    whole = run_out(start("whole")).finish()
    assert not run_out(start("cut"), steps=4).trainer.is_over
    again = run_out(start("cut")).finish()
    assert (whole.steps, whole.epochs, whole.full) == (10, 2.0, True)
    assert again.measured == whole.measured


def test_a_result_comes_back_from_its_folder(start):
    made = run_out(start(minutes=0.005)).finish()
    assert read_result(start(minutes=0.005).folder.path) == made


def test_scribbles_and_several_classes_are_refused(start):
    values = np.zeros((6, 64, 64), np.uint8)
    values[:, 10:12], values[:, 20:22] = 1, 2
    labels = Stack(values, "ZYX", (1.0, 1.0, 1.0), "pixel", "labels")
    with pytest.raises(InputError, match="scribbles"):
        start(labels=labels)
    values[:, 20:40], values[:, 40:] = 1, 2
    with pytest.raises(InputError, match="know foreground and background"):
        start(labels=labels)


@pytest.mark.parametrize(("left_out", "dtype"), [(255, np.uint8), (-1, np.int16)])
def test_pixels_that_are_left_out_are_refused_and_no_background(start, left_out, dtype):
    values = np.zeros((6, 64, 64), dtype)
    values[:, 10:50], values[:, 50:52] = 1, left_out
    labels = Stack(values, "ZYX", (1.0, 1.0, 1.0), "pixel", "labels")
    sentence = f"hold {left_out} on 768 pixels, which reads as not annotated"
    with pytest.raises(InputError, match=sentence):
        start(labels=labels)


def test_labels_of_another_size_are_refused_also_where_both_would_be_made_smaller(
    start,
):
    labels = Stack(np.ones((6, 65, 64), np.uint8), "ZYX", (1.0,) * 3, "pixel", "cells")
    with pytest.raises(InputError, match="are 6 x 65 x 64 and the image is 6 x 64 x 6"):
        start(labels=labels, side=32)


def test_a_folder_of_another_run_is_refused(start):
    run_out(start(), steps=4)
    with pytest.raises(InputError, match=r"other settings.* another folder"):
        start(seed=1)
    with pytest.raises(InputError, match=r"annotations .* another folder"):
        start(split="0:3")
    (start().folder.path / "resume.pt").unlink()
    with pytest.raises(InputError, match="holds models of another run"):
        start()


WITHOUT_FIGURES = result(measured={}).model_dump_json()
UNKNOWN = json.dumps(result().model_dump(mode="json") | {"experiment": 11})


@pytest.mark.parametrize(
    "text", ["", "[]", '{"experiment": 3}', "{", WITHOUT_FIGURES, UNKNOWN]
)
def test_a_damaged_result_is_refused(tmp_path, text):
    with pytest.raises(InputError, match="holds no finished experiment"):
        read_result(tmp_path)
    (tmp_path / "result.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"result\.json"):
        read_result(tmp_path)


# -------------------------------------------------------------------------- the table


def test_the_table_sets_measured_under_printed():
    lines = markdown_table([result()]).splitlines()
    printed, measured = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:4]
    )
    assert printed[:3] == ["3", EXPERIMENTS[3].name, "printed, table III"]
    assert printed[3:9] == LINES[2][4:]
    assert measured[3:9] == [
        "0.5000",
        "0.5100",
        "0.5200",
        "0.2500",
        "0.2550",
        "0.2600",
    ]
    assert measured[9:] == ["em.tif, 30 slices; block", "1,440"]


def test_the_table_is_in_the_order_of_the_study_and_prints_its_figures_once():
    cut = result(seed=1, full=False, steps=25)
    runs = [result(experiment=7, split="every-fifth"), result(), cut]
    lines = markdown_table(runs).splitlines()
    assert len({line.count("|") for line in lines[:10]}) == 1
    firsts = [line.split("|")[1].strip() for line in lines[2:10]]
    assert firsts == ["3", "", "", "5", "", "", "7", ""]
    assert "seed 1 |" in lines[3]
    assert "| 25, cut |" in lines[3]
    assert "seed 0 |" in lines[4]


def test_the_table_has_the_seeds_of_an_experiment_in_one_row():
    runs = [result(), result(seed=1), result(seed=2, minutes=4.5)]
    runs[1].measured["iou"], runs[2].measured["iou"] = 0.4, 0.44
    lines = markdown_table(runs).splitlines()
    assert "measured, seeds 0, 1, 2 | 0.5000 (0.5000-0.5000) | 0.4500" in lines[3]
    assert "0.4500 (0.4000-0.5100)" in lines[3]
    notes = [line for line in lines if line.startswith("- 3")]
    assert len(notes) == 1
    assert notes[0].startswith("- 3, block, seeds 0, 1, 2: em.tif with cells.tif, 512")
    assert notes[0].endswith("60.0 epochs in 4.0, 4.0, 4.5 minutes on CPU.")


@pytest.mark.parametrize(("run", "read_off"), [(3, 5), (5, 3), (6, 10), (8, 9)])
def test_what_is_measured_otherwise_is_read_off_the_same_networks(run, read_off):
    runs = [result(experiment=run), result(experiment=run, seed=1)]
    lines = markdown_table(runs).splitlines()
    rows = {line.split("|")[1].strip(): line for line in lines if line.startswith("| ")}
    assert rows.keys() >= {str(run), str(read_off)}
    assert f"- {read_off}, block: read off the networks of {run}." in lines
    elsewhere = result(experiment=read_off, split="0:10", seed=1)
    assert f"- {read_off}, block: read off" in markdown_table([*runs, elsewhere])
    one_by_one = [result(experiment=read_off), result(experiment=read_off, seed=1)]
    assert "read off" not in markdown_table([*runs, *one_by_one])


def test_the_table_says_that_the_lungs_are_another_set():
    text = markdown_table([result(experiment=6, image="lungs.tif", slices=57)])
    assert "lungs.tif, 57 slices: another set than the study's 1,021 images" in text
    assert "study: 1,021 CT images" in text


def test_the_table_says_what_was_cut_short_and_made_smaller():
    text = markdown_table([result(full=False, steps=25, block=2, size=(256, 256))])
    assert "25, cut" in text
    assert "256 x 256 (means of 2 x 2 pixels)" in text
    assert "trained on 0:24, held out 24:30" in text


def test_an_experiment_without_printed_figures_leaves_them_open():
    rows = markdown_table([result(experiment=5)]).splitlines()[4:6]
    assert "not printed" in rows[0]
    assert "| – | – |  | – | – |  |" in rows[0]
    assert "| 0.5000 | 0.5500 |  | 0.2500 | 0.2750 |  |" in rows[1]


def test_a_figure_that_is_not_defined_comes_back_from_the_file(tmp_path):
    measured = {**result().measured, "val_iou": float("nan")}
    result(measured=measured).save(tmp_path)
    again = read_result(tmp_path)
    assert np.isnan(again.measured["val_iou"])
    assert "| – |" in markdown_table([again])
    assert json.loads((tmp_path / "result.json").read_text("utf-8"))["full"]
