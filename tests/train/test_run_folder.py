"""The folder of a run: every file is whole at any moment, nothing in it executes."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys

import pytest
import torch

from napari_unet.config import RunConfig, UNetConfig
from napari_unet.errors import InputError, OutputError
from napari_unet.model.checkpoint import Model, ModelCard, load_model
from napari_unet.model.networks.unet import UNet
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.trainer import Trainer

STATE = {
    "origin": {},
    "step": 3,
    "elapsed": 1.5,
    "history": [{"step": 1, "loss": 0.5, "validation_iou": None}],
    "schedule": {},
    "network": {"weight": torch.arange(3.0)},
    "optimizer": {},
}


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "runs" / "first")


@pytest.fixture
def model() -> Model:
    config = UNetConfig(base_channels=2, depth=1)
    return Model(UNet(config).eval(), ModelCard(network=config))


def test_nothing_is_written_before_the_first_file(folder):
    assert not folder.path.exists()


def test_settings_come_back_equal(folder, small):
    config = small(seed=7, learning_rate=0.02)
    folder.write_settings(config)
    assert RunConfig.from_yaml(folder.settings) == config


def test_models_and_state_come_back_equal(folder, model):
    folder.save_best(model)
    folder.save_last(model, STATE)
    state = folder.load_state()
    assert state["step"] == 3
    assert state["history"] == STATE["history"]
    assert torch.equal(state["network"]["weight"], torch.arange(3.0))
    for path in (folder.best, folder.last):
        assert load_model(path).card.network == model.card.network


def test_a_folder_holds_a_run_once_it_is_saved(folder, model, small):
    folder.write_settings(small())
    assert not folder.holds_run
    folder.save_last(model, STATE)
    assert folder.holds_run


def test_a_folder_is_taken_by_models_that_cannot_go_on_exactly_too(
    folder, model, small
):
    folder.write_settings(small())
    assert not folder.is_taken
    folder.save_model(model)
    assert folder.is_taken
    assert not folder.holds_run


def test_an_earlier_run_stays_until_the_next_one_has_a_model_of_its_own(folder, model):
    folder.save_best(model)
    folder.save_last(model, STATE)
    folder.write_history([])
    new = RunFolder(folder.path)
    before = {path.name for path in folder.path.iterdir()}
    new.forget_run()
    assert {path.name for path in folder.path.iterdir()} == before
    new.save_best(model)
    names = {path.name for path in folder.path.iterdir()}
    assert names == {"best.safetensors", "checkpoints"}
    new.save_last(model, STATE)
    assert new.best.exists()
    assert new.holds_run


def test_the_log_keeps_old_lines_and_dates_each(folder):
    folder.log("first, σ = 5")
    RunFolder(folder.path).log("second")
    lines = (folder.path / "log.txt").read_text(encoding="utf-8").splitlines()
    assert [line.partition("  ")[2] for line in lines] == ["first, σ = 5", "second"]
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]", line) for line in lines)


def test_no_temporary_file_stays_behind(folder, model):
    folder.save_last(model, STATE)
    folder.write_history([])
    folder.log("done")
    names = {path.name for path in folder.path.iterdir()}
    files = {"last.safetensors", "resume.pt", "history.csv", "log.txt"}
    assert names == {*files, "checkpoints"}
    kept = [path.name for path in (folder.path / "checkpoints").iterdir()]
    assert kept == ["step-000000.safetensors"]


def test_a_folder_without_a_run_cannot_be_gone_on_with(folder):
    with pytest.raises(InputError, match=r"no resume\.pt"):
        folder.load_state()


@pytest.mark.parametrize("content", [b"", b"not a zip", "half", "other"])
def test_a_damaged_state_is_told_in_one_sentence(folder, model, content):
    folder.save_last(model, STATE)
    path = folder.path / "resume.pt"
    whole = path.read_bytes()
    if content == "half":
        path.write_bytes(whole[: len(whole) // 2])
    elif content == "other":
        torch.save([1, 2, 3], path)
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match="damaged: start a new run from"):
        folder.load_state()


def test_a_strangers_state_is_never_executed(folder, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    folder.path.mkdir(parents=True)
    torch.save({**STATE, "origin": Bomb()}, folder.path / "resume.pt")
    with pytest.raises(InputError, match="damaged"):
        folder.load_state()
    with (folder.path / "resume.pt").open("wb") as file:
        pickle.dump(Bomb(), file)
    with pytest.raises(InputError, match="damaged"):
        folder.load_state()
    assert not (tmp_path / "executed").exists()


def test_a_folder_that_cannot_be_made_is_told_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        RunFolder(tmp_path / "file" / "run").log("line")


HOLDER = """
import sys
from napari_unet.train.run_folder import RunFolder

with RunFolder(sys.argv[1]).alone():
    print("in", flush=True)
    sys.stdin.read()
"""


def test_two_trainings_never_write_into_one_folder(folder, blobs, small):
    """Nor does one that was killed keep others out."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder.path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline()
    trainer = Trainer([blobs()], small(steps=1), folder=folder)
    before = sorted(folder.path.iterdir())
    with pytest.raises(InputError, match=f"Another training.*{folder.path.name}"):
        next(trainer.run())
    assert sorted(folder.path.iterdir()) == before
    holder.kill()
    holder.communicate()
    assert len(list(trainer.run())) == 1


def test_a_training_that_is_given_up_frees_its_folder(folder, blobs, small):
    for _ in Trainer([blobs()], small(), folder=folder).run():
        break
    with folder.alone():
        pass


@pytest.mark.parametrize(
    "odd",
    [
        {"step": -1},
        {"step": "3"},
        {"elapsed": float("nan")},
        {"history": "none"},
        {"history": [1]},
        {"origin": []},
        {"schedule": {"no": "such"}},
        {"plateau": 3},
        {"network": {}},
        {"optimizer": {"state": 1}},
        {"best_weights": {"weight": torch.zeros(1)}},
        {"best": None, "best_step": None, "best_weights": 7},
    ],
    ids=str,
)
def test_a_state_of_odd_content_is_told_as_damaged(folder, blobs, small, odd):
    images, config = [blobs()], small(steps=2)
    for _ in Trainer(images, config, folder=folder).run():
        pass
    state = folder.load_state()
    folder.save_last(load_model(folder.last), {**state, **odd})
    with pytest.raises(InputError, match=r"resume\.pt is damaged"):
        Trainer(images, config, folder=folder, resume=True)
