"""`napari-unet experiment`: every experiment by its command, and the table of all."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pytest

from napari_unet.data.read import read_stack
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError
from napari_unet.experiments import EXPERIMENTS, read_result
from napari_unet.samples import em_stack


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Options that name a small stack and its mask."""
    folder = tmp_path_factory.mktemp("stack")
    stack, objects = em_stack((5, 64, 64), seed=0)
    write_stack(folder / "em.tif", stack.data, like=stack)
    mask = (objects > 0).astype(np.uint8) * 255
    write_stack(folder / "cells.tif", mask, like=stack)
    return "--image", folder / "em.tif", "--labels", folder / "cells.tif"


@pytest.fixture(autouse=True)
def quicker(monkeypatch):
    """Take 4 filters for 64: a network of 31 million numbers fills the disk of CI."""
    for number in (1, 2, 7):
        one = EXPERIMENTS[number]
        network = one.settings.network.model_copy(update={"base_channels": 4})
        settings = one.settings.model_copy(update={"network": network})
        smaller = dataclasses.replace(one, settings=settings)
        monkeypatch.setitem(EXPERIMENTS, number, smaller)


@pytest.mark.parametrize("number", range(1, 11))
def test_every_experiment_runs_to_its_figures(number, pair, run, tmp_path):
    out = tmp_path / "run"
    shown = run("experiment", "run", number, *pair, "--out", out, "--minutes", "0.01")
    experiment, result = EXPERIMENTS[number], read_result(out)
    header = next(line for line in shown.stdout.splitlines() if "val_loss" in line)
    assert header.split() == list(experiment.columns)
    assert result.experiment == number
    assert not result.full
    assert all(0 <= result.measured[name] <= 1 for name in experiment.measures)
    if experiment.printed is not None:
        assert f"printed ({experiment.printed.number})" in shown.stdout
    assert "measured on em.tif, 5 slices" in shown.stdout
    assert ("another set" in shown.stdout) == (experiment.data == "lungs")


def test_the_list_names_all_ten_with_their_tables(run):
    lines = run("experiment", "list").stdout.splitlines()
    numbers = [line.split()[0] for line in lines[1:] if line[:2].strip().isdigit()]
    assert numbers == [str(number) for number in range(1, 11)]
    text = "\n".join(lines)
    assert all(word in text for word in ("VIII", "0.9882", "31,054,145", "none"))


def test_finished_runs_are_collected_in_one_table(pair, run, tmp_path):
    short = ("--minutes", "0.005", "--split", "0:4")
    for number in (3, 9):
        run("experiment", "run", number, *pair, "--out", tmp_path / str(number), *short)
    folders = [tmp_path / "9", tmp_path / "3"]
    printed = run("experiment", "table", *folders).stdout
    twice = [*folders, folders[0] / ".." / folders[0].name]
    assert run("experiment", "table", *twice).stdout == printed
    assert "printed, table III" in printed
    assert "| 9 | lungs: 16 filters, SGD, accuracy | not printed |" in printed
    assert "trained on 0:4, held out 4;" in printed
    run("experiment", "table", *folders, "--out", tmp_path / "table.md")
    assert (tmp_path / "table.md").read_text("utf-8") == printed
    again = run("experiment", "table", *folders, tmp_path / "table.md")
    assert again.stdout == printed
    assert "table.md holds no finished experiment: left out" in again.stderr


def test_a_finished_run_is_shown_again_and_not_trained(pair, run, tmp_path):
    command = ("experiment", "run", 3, *pair, "--out", tmp_path, "--minutes", "0.005")
    run(*command)
    before = (tmp_path / "last.safetensors").stat().st_mtime_ns
    assert "is finished" in run(*command).stdout
    assert (tmp_path / "last.safetensors").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="was cut short by --minutes"):
        run("experiment", "run", 3, *pair, "--out", tmp_path)


@pytest.mark.parametrize(
    ("number", "options"),
    [
        (4, ()),
        (3, ("--labels", "other.tif")),
        (3, ("--split", "0:3")),
        (3, ("--seed", 1)),
    ],
    ids=["another experiment", "other labels", "another split", "another seed"],
)
def test_a_finished_run_answers_no_other_question(pair, run, tmp_path, number, options):
    short = ("--out", tmp_path, "--minutes", "0.005")
    run("experiment", "run", 3, *pair, *short)
    held = (
        r"holds experiment 3, image em\.tif, labels cells\.tif, split block, seed 0: "
        "choose another"
    )
    with pytest.raises(InputError, match=held):
        run("experiment", "run", number, *pair, *short, *options)


def test_a_finished_run_is_not_shown_for_other_files_of_the_same_names(
    pair, run, tmp_path
):
    short = ("--out", tmp_path / "run", "--minutes", "0.005")
    run("experiment", "run", 3, *pair, *short)
    copies = list(pair)
    for place in (1, 3):
        copies[place] = tmp_path / pair[place].name
        shutil.copy(pair[place], copies[place])
    assert "is finished" in run("experiment", "run", 3, *copies, *short).stdout
    stack = read_stack(copies[3])
    write_stack(copies[3], np.flip(stack.data, 1), like=stack)
    with pytest.raises(InputError, match="another image or of other labels"):
        run("experiment", "run", 3, *copies, *short)


def test_a_finished_run_of_an_older_version_is_still_shown(pair, run, tmp_path):
    command = ("experiment", "run", 3, *pair, "--out", tmp_path, "--minutes", "0.005")
    run(*command)
    path = tmp_path / "result.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    del data["fingerprints"]
    path.write_text(json.dumps(data), encoding="utf-8")
    assert "is finished" in run(*command).stdout


def test_a_table_never_takes_the_place_of_a_result(pair, run, tmp_path):
    run("experiment", "run", 3, *pair, "--out", tmp_path, "--minutes", "0.005")
    before = (tmp_path / "result.json").read_bytes()
    with pytest.raises(InputError, match="choose another name"):
        run("experiment", "table", tmp_path, "--out", tmp_path / "result.json")
    assert (tmp_path / "result.json").read_bytes() == before
    notes = tmp_path / "notes.md"
    notes.write_text("my notes", encoding="utf-8")
    with pytest.raises(InputError, match="not what napari-unet experiment table made"):
        run("experiment", "table", tmp_path, "--out", notes)
    run("experiment", "table", tmp_path, "--out", notes, "--overwrite")
    run("experiment", "table", tmp_path, "--out", notes)


def test_a_table_of_nothing_finished_is_refused(run, tmp_path):
    with pytest.raises(InputError, match="holds no finished experiment"):
        run("experiment", "table", tmp_path)


def test_a_budget_below_zero_is_refused(pair, run, tmp_path):
    with pytest.raises(InputError, match="minutes"):
        run("experiment", "run", 3, *pair, "--out", tmp_path, "--minutes", "-1")
