"""`napari-unet train`: from files to a run folder, and on from there."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import tifffile
import torch
import yaml

from napari_unet.cli.signals import stop_on_signals
from napari_unet.config import RunConfig
from napari_unet.data.stack import Stack
from napari_unet.data.write import write_stack
from napari_unet.errors import DoubtfulLabelsError, InputError, ModelFileError
from napari_unet.model.checkpoint import load_model
from napari_unet.samples import em_stack
from napari_unet.starters import find_starter

RUN_FILES = {
    "run.yaml",
    "best.safetensors",
    "last.safetensors",
    "resume.pt",
    "history.csv",
    "checkpoints",
    "log.txt",
    ".lock",
}


def weights(path):
    return load_model(path).network.state_dict()


def assert_same_model(first, second):
    first, second = weights(first), weights(second)
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def history(folder):
    with (folder / "history.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        # What the machine took, which no run repeats.
        assert float(row.pop("seconds")) > 0
    return rows


def test_a_run_leaves_settings_models_history_and_log(train):
    folder = train()
    assert {path.name for path in folder.iterdir()} == RUN_FILES
    assert len(history(folder)) == 12
    assert "finished after step 12" in (folder / "log.txt").read_text(encoding="utf-8")
    card = load_model(folder / "best.safetensors").card
    assert card.pixel_size == pytest.approx((0.05, 0.004, 0.004))
    assert card.unit == "um"
    assert card.network.base_channels == 4


def test_progress_is_told_in_lines_where_there_is_no_terminal(files, run):
    settings, image, labels = (
        files / name for name in ("settings.yaml", "image.tif", "labels.tif")
    )
    result = run(
        *("train", "--config", settings, "--out", files / "run"),
        *("--image", image, "--labels", labels),
    )
    lines = result.stdout.splitlines()
    assert all(line.strip() for line in lines), "no line is empty"
    assert "image.tif: slice 4 is held out to score the network" in lines
    assert any(line.startswith("training a 2D U-Net, base 4 (") for line in lines)
    printed = [line for line in lines if line.startswith("step ")]
    assert 10 <= len(printed) <= 12
    assert "best validation IoU" in printed[-1]
    assert printed[-1].endswith("0:00 left")
    assert lines[-1] == f"wrote {files / 'run' / 'best.safetensors'}"


def test_options_win_over_the_settings_file(files, train):
    folder = train("run", "--steps", "3", "--seed", "9", "--w0", "0", "--validate", "2")
    config = RunConfig.from_yaml(folder / "run.yaml")
    assert (config.train.steps, config.train.seed, config.weight_map.w0) == (3, 9, 0)
    assert config.train.batch_size == 2
    assert config.images[0].validation == "2"
    assert len(history(folder)) == 3


def test_another_network_is_trained_by_its_name(files, train, run):
    folder = train("run", "--network", "segnet", "--steps", "1")
    network = RunConfig.from_yaml(folder / "run.yaml").network
    # The settings file has a U-Net of 4 channels.
    assert (network.name, network.base_channels) == ("segnet", 4)
    result = run("train", "--resume", folder)
    assert "is finished after 1 steps" in result.stdout
    with pytest.raises(InputError, match="There is no network 'resnet': choose unet"):
        train("other", "--network", "resnet")


def test_a_budget_that_is_given_replaces_that_of_the_file(train):
    folder = train("run", "--epochs", "1")
    config = RunConfig.from_yaml(folder / "run.yaml").train
    assert (config.epochs, config.steps, config.minutes) == (1, None, None)


def test_run_yaml_repeats_a_run_exactly_from_any_folder(
    files, train, run, monkeypatch, tmp_path_factory
):
    monkeypatch.chdir(files)
    run(
        *("train", "--config", "settings.yaml", "--out", "first"),
        *("--image", "image.tif", "--labels", "labels.tif"),
    )
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    run("train", "--config", files / "first" / "run.yaml", "--out", "again")
    assert_same_model(files / "first" / "last.safetensors", "again/last.safetensors")


@pytest.fixture
def hangups_heard():
    """Let what is started hear SIGHUP, also where these tests run under nohup."""
    if not hasattr(signal, "SIGHUP"):
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def learning(whole, folder):
    """Return the command of a run like another, in a process of its own."""
    command = [sys.executable, "-m", "napari_unet", "train", "--out", str(folder)]
    return [*command, "--config", str(whole / "run.yaml")]


def assert_goes_on(whole, stopped, run):
    assert 1 <= len(history(stopped)) < 12
    run("train", "--resume", stopped)
    assert_same_model(whole / "last.safetensors", stopped / "last.safetensors")
    assert history(stopped) == history(whole)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SIGINT", "Stopping; press Ctrl+C again to leave at once."),
        ("SIGTERM", "Told to end (SIGTERM): stopping."),
        ("SIGHUP", "The terminal closes (SIGHUP): stopping."),
    ],
)
@pytest.mark.usefixtures("hangups_heard")
def test_a_run_that_is_told_to_end_goes_on_with_resume(files, train, run, name, words):
    """A cluster that ends its job sends SIGTERM, often twice."""
    whole, number = train("whole"), getattr(signal, name, None)
    if number is None:
        pytest.skip(f"this system knows no {name}")
    quiet = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        learning(whole, files / "run"), stdout=subprocess.PIPE, text=True, env=quiet
    ) as child:
        for line in child.stdout:
            if line.startswith("step "):
                for _ in range(1 if name == "SIGINT" else 2):
                    child.send_signal(number)
                break
        rest = child.stdout.read()
    assert child.returncode == 0
    assert words in rest
    assert_goes_on(whole, files / "run", run)


@pytest.mark.skipif(sys.platform == "win32", reason="terminals of Unix")
@pytest.mark.usefixtures("hangups_heard")
def test_a_terminal_that_closes_costs_no_step(files, train, run):
    whole = train("whole")
    master, slave = os.openpty()
    # The first terminal that the leader of a session opens is its own.
    line = f'exec "$@" < {os.ttyname(slave)} > {os.ttyname(slave)} 2>&1'
    command = ["sh", "-c", line, "sh", *learning(whole, files / "run")]
    child = subprocess.Popen(command, start_new_session=True)
    shown = b""
    while b"loss" not in shown:
        shown += os.read(master, 4096)
    os.close(slave)
    os.close(master)
    assert child.wait(60) == 0
    assert_goes_on(whole, files / "run", run)


@pytest.mark.skipif(sys.platform == "win32", reason="nohup is of Unix")
def test_what_is_ignored_under_nohup_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as stop:
            signal.raise_signal(signal.SIGHUP)
        assert not stop.is_set()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_resume_takes_no_other_settings(files, train, run):
    folder = train()
    with pytest.raises(InputError, match="leave out --image and --steps"):
        run("train", "--resume", folder, "--steps", "99", "--image", "x.tif")


def test_resume_may_change_the_device(train, run):
    folder = train()
    result = run("train", "--resume", folder, "--device", "auto")
    assert "finished after 12 steps" in result.stdout


def test_several_images_are_given_with_their_labels(files, train):
    again = ("--image", files / "image.tif", "--labels", files / "labels.tif")
    folder = train("run", *again, "--validation", "4", "--validation", "0:2")
    images = RunConfig.from_yaml(folder / "run.yaml").images
    assert [one.validation for one in images] == ["4", "0:2"]
    assert len(load_model(folder / "best.safetensors").card.data) == 2


def write_regions(files, text):
    (files / "regions.yaml").write_text(text, encoding="utf-8")
    return "--regions", files / "regions.yaml"


def test_regions_come_from_a_file_and_stay_with_the_run(files, train, run):
    corners = "[[0, 0], [0, 31], [47, 31], [47, 0]]"
    text = f"- {{role: validate, slices: '2', polygon: {corners}}}\n"
    text += "- {role: ignore, slices: '4'}\n"
    folder = train("run", *write_regions(files, text))
    (image,) = RunConfig.from_yaml(folder / "run.yaml").images
    assert [(one.role, one.slices) for one in image.regions] == [
        ("validation", "2"),
        ("ignore", "4"),
    ]
    (files / "regions.yaml").unlink()
    run("train", "--config", folder / "run.yaml", "--out", files / "again")
    assert_same_model(folder / "last.safetensors", files / "again" / "last.safetensors")


def test_a_leak_is_told_before_training(files, run):
    text = "- {role: validate, slices: '2:4'}"
    result = run(
        *("train", "--config", files / "settings.yaml", "--out", files / "run"),
        *("--image", files / "image.tif", "--labels", files / "labels.tif"),
        *write_regions(files, text),
    )
    (printed,) = [one for one in result.stdout.splitlines() if "lie within" in one]
    assert printed.startswith(
        "image.tif: all 6,144 validation pixels lie within 21 pix"
    )


def test_fine_tuning_starts_from_a_model(files, train):
    first = train("first")
    folder = train("tuned", "--fine-tune", first / "best.safetensors", "--steps", "1")
    old, new = weights(first / "best.safetensors"), weights(folder / "last.safetensors")
    name = "encoder.0.0.weight"
    assert 0 < (old[name] - new[name]).abs().max() < 0.01


def test_levels_can_be_frozen_on_the_command_line(files, train):
    first = train("first") / "best.safetensors"
    frozen = ("--frozen-levels", "1", "--old-rate", "0.5", "--steps", "1")
    folder = train("tuned", "--fine-tune", first, *frozen)
    old, new = weights(first), weights(folder / "last.safetensors")
    name = "encoder.{}.0.weight"
    assert torch.equal(old[name.format(0)], new[name.format(0)])
    assert not torch.equal(old[name.format(1)], new[name.format(1)])


def test_a_3d_model_is_fine_tuned_in_3d_without_being_told(files, train):
    first = train("first", "--ndim", "3", "--steps", "1") / "last.safetensors"
    folder = train("tuned", "--fine-tune", first, "--steps", "1", "--patch-size", "32")
    config = RunConfig.from_yaml(folder / "run.yaml")
    assert config.network.ndim == 3
    # The file's patches are those of a network of two dimensions.
    assert (config.train.patch_slices, config.train.batch_size) == (64, 1)
    assert config.train.patch_size == 32


def train_with_preset(run, files, preset, *options):
    result = run(
        *("train", "--preset", preset, "--out", files / preset, "--device", "cpu"),
        *("--image", files / "image.tif", "--labels", files / "labels.tif"),
        *options,
    )
    return result.stdout, RunConfig.from_yaml(files / preset / "run.yaml")


def test_a_preset_gives_the_settings_that_options_change(files, run):
    options = ("--steps", "1", "--base-channels", "4", "--patch-size", "188")
    _, config = train_with_preset(run, files, "paper", *options)
    assert config.train.optimizer == "sgd"
    assert config.network.padding == "valid"
    assert config.network.base_channels == 4
    assert (config.train.steps, config.train.minutes) == (1, None)


def test_auto_says_in_a_line_what_was_chosen_and_why(files, run):
    printed, config = train_with_preset(run, files, "auto", "--steps", "1")
    (why,) = [line for line in printed.splitlines() if line.startswith("chosen: ")]
    assert "base 8, 64 patches of 48 x 48 pixels, about 1 steps on CPU" in why
    assert "base 16 needs 150 steps and would get 1" in why
    assert config.train.patch_size == 48


def test_without_held_out_slices_the_last_model_is_named(train, files, run):
    result = run(
        *("train", "--config", files / "settings.yaml", "--out", files / "run"),
        *("--image", files / "image.tif", "--labels", files / "labels.tif"),
        *("--train", ":"),
    )
    assert result.stdout.splitlines()[-1].endswith("last.safetensors")
    assert not (files / "run" / "best.safetensors").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "r"], "Give at least one --image"),
        (["--out", "r", "--image", "a.tif"], "holds no labels: give their file"),
        (["--image", "a.tif", "--labels", "b.tif"], "--out RUN"),
        (["--out", "r", "--steps", "3", "--minutes", "1"], "only one of --steps and"),
        (["--out", "r", "--learning-rate", "0"], "learning_rate = 0"),
        (["--resume", "nowhere"], "no run.yaml"),
        (["--out", "r", "--config", "nowhere.yaml"], "cannot be read as settings"),
        (["--out", "r", "--preset", "auto", "--batch-size", "2"], "auto chooses"),
        (["--out", "r", "--preset", "fast", "--config", "c.yaml"], "or --config"),
        (["--resume", "r", "--preset", "fast"], "leave out --preset"),
        (["--resume", "r", "--regions", "r.yaml"], "leave out --regions"),
        (["--out", "r", "--formula", "fiji", "--w0", "3"], "its own constants"),
    ],
)
def test_what_is_missing_is_told(files, run, monkeypatch, arguments, words):
    monkeypatch.chdir(files)
    with pytest.raises(InputError, match=words):
        run("train", *arguments)
    assert not (files / "r").exists()


def test_each_image_has_one_value_or_all_have_the_same(files, run):
    pair = ("--image", "i.tif", "--labels", "l.tif")
    slices = ("--validation", "0", "--validation", "1")
    with pytest.raises(InputError, match="--validation was given 2 times for 3 images"):
        run("train", "--out", files / "r", *pair, *pair, *pair, *slices)


def test_unknown_settings_are_named(files, train):
    path = files / "settings.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["train"]["lerning_rate"] = 1
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    with pytest.raises(InputError, match=r"train\.lerning_rate"):
        train()


def test_images_of_another_pixel_size_are_rescaled_and_resumed(files, run):
    labels = tifffile.imread(files / "labels.tif")
    for name, data in (("coarse", 60 + 120 * labels), ("cells", labels)):
        small = Stack(data[:, ::2, ::2], "ZYX", (0.05, 0.008, 0.008), "um", name)
        write_stack(files / f"{name}.tif", small.data, like=small)
    common = (
        *("train", "--config", files / "settings.yaml"),
        *("--image", files / "image.tif", "--labels", files / "labels.tif"),
        *("--image", files / "coarse.tif", "--labels", files / "cells.tif"),
    )
    printed = run(*common, "--out", files / "mixed", "--steps", 2).stdout
    words = "coarse.tif: its pixels are 0.008 um, those of the first image 0.004 um"
    assert f"{words}: rescale to the first image" in printed
    printed = run(*common, "--out", files / "one", "--steps", 2, "--rescale").stdout
    assert f"{words}: rescaled to these" in printed
    assert RunConfig.from_yaml(files / "one" / "run.yaml").train.rescale
    again = run("train", "--resume", files / "one").stdout
    assert "is finished after 2 steps" in again


# ------------------------------------------------------------ labels for what they are


def mark(files, *marks):
    """Change labels: a slice index and a value for its upper half."""
    labels = tifffile.imread(files / "labels.tif").astype(np.int16)
    for z, value in marks:
        labels[z, :24] = value
    tifffile.imwrite(files / "labels.tif", labels)
    return labels


def start(files, run, *arguments):
    return run(
        *("train", "--config", files / "settings.yaml", "--out", files / "run"),
        *("--image", files / "image.tif", "--labels", files / "labels.tif"),
        *arguments,
    )


def test_a_guessed_value_to_ignore_is_said_and_kept(files, run):
    labels = mark(files, (0, 255), (1, 255))
    lines = start(files, run).stdout.splitlines()
    count = np.count_nonzero(labels == 255)
    assert f"image.tif: 255 is ignored: {count:,} pixels neither train nor score" in (
        lines
    )
    config = RunConfig.from_yaml(files / "run" / "run.yaml")
    assert config.images[0].ignore == 255
    card = load_model(files / "run" / "last.safetensors").card
    assert card.coverage.ignore == 255
    assert card.network.num_classes == 2
    assert "finished" in run("train", "--resume", files / "run").stdout


@pytest.mark.parametrize("chosen", ["7", "-3", "none"])
def test_the_value_to_ignore_can_be_chosen(files, run, chosen):
    value = 255 if chosen == "none" else int(chosen)
    mark(files, (0, value), (1, value))
    printed = start(files, run, "--ignore", chosen).stdout
    assert (f"{chosen} is ignored" in printed) == (chosen != "none")
    kept = RunConfig.from_yaml(files / "run" / "run.yaml").images[0].ignore
    assert str(kept) == chosen
    with pytest.raises(InputError, match="ignore = 'some'"):
        start(files, run, "--ignore", "some")


def test_a_model_tells_the_scores_what_is_ignored(files, run):
    labels = mark(files, (0, 7), (1, 7))
    start(files, run, "--ignore", "7")
    tifffile.imwrite(files / "p.tif", (labels == 1).astype(np.uint8))
    score = ("score", files / "p.tif", files / "labels.tif", "--kind", "classes")
    own = ("--model", files / "run" / "last.safetensors")
    assert "7 is ignored" in run(*score, *own).stdout
    assert "is ignored" not in run(*score, *own, "--ignore", "none").stdout


def test_complete_slices_train_as_background(files, run):
    labels = mark(files)
    labels[3:] = 0
    tifffile.imwrite(files / "labels.tif", labels)
    start(files, run, "--complete", "3", "--validation", "none")
    (data,) = load_model(files / "run" / "last.safetensors").card.data
    assert data["train"] == "0:4"
    assert RunConfig.from_yaml(files / "run" / "run.yaml").images[0].complete == "3"


def test_doubtful_labels_are_refused_with_a_way_to_go_on(files, shell):
    command = ("train", "--config", files / "settings.yaml", "--out", files / "run")
    swapped = ("--image", files / "labels.tif", "--labels", files / "image.tif")
    result = shell(*command, *swapped)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "swapped" in result.stderr
    assert "--trust-labels" in result.stderr
    assert not (files / "run").exists()


def test_trusted_labels_train_whatever_they_look_like(files, run):
    settings = ("--config", files / "settings.yaml", "--out", files / "run")
    image = files / "image.tif"
    pair = ("--image", image, "--labels", image, "--kind", "objects")
    with pytest.raises(DoubtfulLabelsError, match="the image itself"):
        run("train", *settings, *pair)
    run("train", *settings, *pair, "--trust-labels")
    assert RunConfig.from_yaml(files / "run" / "run.yaml").images[0].trust_labels


def test_folders_whose_files_do_not_match_are_refused(files, run):
    for name, first in (("em", 0), ("cells", 1)):
        (files / name).mkdir()
        source = "image" if name == "em" else "labels"
        for z, plane in enumerate(tifffile.imread(files / f"{source}.tif"), first):
            tifffile.imwrite(files / name / f"{z:03}.tif", plane)
    command = ("train", "--config", files / "settings.yaml", "--out", files / "run")
    pair = ("--image", files / "em", "--labels", files / "cells")
    with pytest.raises(DoubtfulLabelsError, match=r"000\.tif .* 001\.tif"):
        run(*command, *pair)
    run(*command, *pair, "--trust-labels")


# --------------------------------------------------------------- what a run starts from


def start_of(folder):
    return RunConfig.from_yaml(folder / "run.yaml").start


QUICK = ("--steps", "1", "--patch-size", "32", "--device", "cpu")


def test_a_starter_network_is_started_from_by_its_name(train):
    folder = train("run", "--start", "em-membranes", "--learning-rate", "1e-6")
    assert start_of(folder) == "em-membranes"
    assert RunConfig.from_yaml(folder / "run.yaml").weight_map.w0 == 2
    old = weights(find_starter("em-membranes").path)
    new = weights(folder / "last.safetensors")
    for name, tensor in new.items():
        if name.endswith("weight"):
            torch.testing.assert_close(tensor, old[name], rtol=0, atol=1e-3)


def test_a_border_weight_that_is_given_wins_over_that_of_the_model(train):
    first = train("first", *QUICK, "--w0", "3")
    for options, w0 in (((), 3), (("--w0", "5"), 5)):
        name = f"tuned {w0}"
        start = ("--start", first / "last.safetensors", *options)
        folder = train(name, *QUICK, *start)
        assert RunConfig.from_yaml(folder / "run.yaml").weight_map.w0 == w0
    folder = train("starter", *QUICK, "--start", "em-membranes", "--w0", "5")
    assert RunConfig.from_yaml(folder / "run.yaml").weight_map.w0 == 5


def test_settings_of_a_run_name_the_model_in_full(files, train, monkeypatch):
    first = train("first", "--steps", "1")
    monkeypatch.chdir(first)
    folder = train("tuned", "--start", "last.safetensors", "--steps", "1")
    assert start_of(folder) == str(first / "last.safetensors")
    assert start_of(first) == "noise"


def test_settings_in_a_file_start_from_what_they_name(files, train, run):
    first = train("first", "--start", "em-membranes", "--steps", "1")
    settings = ("train", "--config", first / "run.yaml", "--out")
    run(*settings, files / "again")
    assert_same_model(first / "last.safetensors", files / "again" / "last.safetensors")
    run(*settings, files / "new", "--start", "noise", "--base-channels", "4")
    assert start_of(files / "new") == "noise"
    assert (
        load_model(files / "new" / "last.safetensors").network.config.base_channels == 4
    )


def test_a_run_goes_on_although_what_it_started_from_is_gone(files, train, run):
    first = train("first", "--steps", "1") / "last.safetensors"
    folder = train("tuned", "--start", first, "--steps", "2")
    first.unlink()
    result = run("train", "--resume", folder)
    assert "is finished after 2 steps" in result.stdout
    with pytest.raises(InputError, match="leave out --start"):
        run("train", "--resume", folder, "--start", "em-membranes")


def test_a_start_that_is_neither_a_file_nor_a_starter_is_refused(train):
    with pytest.raises(ModelFileError, match=r"em-membrane, nor.*em-membranes"):
        train("run", "--start", "em-membrane")


def test_a_2d_starter_is_not_made_3d(train):
    with pytest.raises(InputError, match="leave out --network, --base-channels"):
        train("run", "--start", "em-membranes", "--ndim", "3")


def test_a_third_class_is_learnt_beside_those_of_the_starter(files, train, run):
    labels = tifffile.imread(files / "labels.tif")
    labels[:, :8] = 2
    tifffile.imwrite(files / "labels.tif", labels)
    folder = train(
        "run", "--start", "em-membranes", "--kind", "classes", "--steps", "1"
    )
    assert load_model(folder / "last.safetensors").network.config.num_classes == 3


def test_a_starter_learns_from_several_channels(files, run):
    image = tifffile.imread(files / "image.tif")
    tifffile.imwrite(files / "two.tif", np.stack([image, image], 1), imagej=True)
    result = run(
        *("train", "--image", files / "two.tif", "--labels", files / "labels.tif"),
        *("--start", "em-membranes", "--out", files / "run", *QUICK),
    )
    words = (
        "starts from em-membranes (40 of 41 layers fit; new: the first one, for the "
        "channels)"
    )
    assert words in result.stdout.splitlines()


def test_images_that_look_like_em_are_told_of_the_starter(files, run):
    stack, objects = em_stack((2, 64, 64))
    write_stack(files / "em.tif", stack.data, like=stack)
    tifffile.imwrite(files / "cells.tif", objects.astype(np.uint16))
    words = "--start em-membranes begins with a network"

    def told(image, labels, *more):
        pair = ("--image", files / image, "--labels", files / labels)
        out = files / f"run{len(list(files.iterdir()))}"
        return words in run("train", *pair, "--out", out, *QUICK, *more).stdout

    assert told("em.tif", "cells.tif")
    assert not told("em.tif", "cells.tif", "--start", "noise")
    smooth = np.add(*np.ogrid[:64, :64]).astype(np.uint8)
    tifffile.imwrite(files / "smooth.tif", np.stack([smooth, smooth]))
    assert not told("smooth.tif", "cells.tif")
