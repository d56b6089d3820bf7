"""A run that is stopped, killed or fails keeps what it had, and goes on exactly."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from napari_unet.config import RunConfig
from napari_unet.data.stack import Stack
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError, OutOfMemoryError, TrainingError
from napari_unet.model.checkpoint import load_model
from napari_unet.predict.predictor import Predictor
from napari_unet.train.checkpoints import find_checkpoints
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_image import prepare_image
from napari_unet.train.validation import Validation

# What a killed or starved process runs: the same run as in this process.
CHILD = """
import sys
from napari_unet.config import RunConfig
from napari_unet.data.read import read_stack
from napari_unet.errors import NapariUNetError
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.trainer import Trainer
from napari_unet.train.training_image import prepare_image

folder, limit = RunFolder(sys.argv[1]), int(sys.argv[2])
config = RunConfig.from_yaml(folder.path.parent / "settings.yaml")
stack = read_stack(folder.path.parent / "image.tif")
labels = read_stack(folder.path.parent / "labels.tif").as_zyx()
trainer = Trainer([prepare_image(stack, labels)], config, folder=folder)
if limit:
    import resource
    sys.dont_write_bytecode = True  # which would be cut off, and stay
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    for step in trainer.run():
        print(step.step, flush=True)
except NapariUNetError as error:
    print(type(error).__name__, error, flush=True)
"""


def curves(trainer: Trainer) -> list[dict[str, float | None]]:
    """Return the history without its times, which are those of the clock."""
    return [{**row, "seconds": None} for row in trainer.history]


def prepare_files(folder, config: RunConfig, image, labels):
    """Write what CHILD reads, and return the same image as a training set."""
    stack = Stack(image, "ZYX", (50.0, 4.0, 4.0), "nm", "image.tif")
    write_stack(folder / "image.tif", image, like=stack)
    write_stack(folder / "labels.tif", labels, like=stack)
    (folder / "settings.yaml").write_text(config.to_yaml(), encoding="utf-8")
    return [prepare_image(stack, labels)]


def start_child(run, limit=0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(run), str(limit)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_an_interrupted_run_goes_on_exactly(
    blobs, small, tmp_path, play, assert_same_weights
):
    images, config = [blobs((5, 64, 64))], small(steps=14, dropout=0.3)
    whole = Trainer(images, config)
    play(whole)
    folder = RunFolder(tmp_path / "run")
    play(Trainer(images, config, folder=folder), stop_after=5)
    resumed = Trainer(images, config, folder=folder, resume=True)
    assert resumed.step == 5
    play(resumed)
    assert_same_weights(whole.network, resumed.network)
    assert curves(resumed) == curves(whole)
    assert [row["step"] for row in resumed.history] == [*range(1, 15)]


def test_the_score_of_a_stop_is_not_that_of_the_run_that_goes_on(
    blobs, small, tmp_path, play, monkeypatch, assert_same_weights
):
    # It falls with every step, so that a score of the stop would stay the best.
    images, config = [blobs((5, 64, 64))], small(steps=14, validations=2)
    monkeypatch.setattr(
        Validation, "score", lambda _, predictor: 1 / predictor.model.card.step
    )
    whole = Trainer(images, config)
    play(whole)
    assert whole.best_step == 10
    folder = RunFolder(tmp_path / "run")
    stopped = Trainer(images, config, folder=folder)
    play(stopped, stop_after=2)
    assert stopped.best_step == load_model(folder.best).card.step == 2
    resumed = Trainer(images, config, folder=folder, resume=True)
    play(resumed)
    assert (resumed.best, resumed.best_step) == (whole.best, 10)
    assert_same_weights(whole.model().network, load_model(folder.best).network)


def test_a_killed_run_goes_on_exactly(
    small, tmp_path, block, play, assert_same_weights
):
    config = small(steps=30, save_seconds=1e-6)
    images = prepare_files(tmp_path, config, *block)
    folder = RunFolder(tmp_path / "run")
    with start_child(folder.path) as child:
        for line in child.stdout:
            if int(line) == 12:
                child.kill()
                break
    resumed = Trainer(images, config, folder=folder, resume=True)
    assert 12 <= resumed.step < 30, "it was killed in mid-run"
    for path in (folder.best, folder.last):
        assert load_model(path).card.step >= 10
    play(resumed)
    whole = Trainer(images, config)
    play(whole)
    assert_same_weights(whole.network, resumed.network)
    assert_same_weights(whole.model().network, resumed.model().network)
    assert curves(resumed) == curves(whole)
    assert (resumed.best, resumed.best_step) == (whole.best, whole.best_step)


def test_a_run_that_is_over_has_nothing_to_go_on_with(blobs, small, tmp_path, play):
    folder = RunFolder(tmp_path)
    play(Trainer([blobs()], small(), folder=folder))
    assert play(Trainer([blobs()], small(), folder=folder, resume=True)) == []


@pytest.mark.parametrize("stop_after", [None, 1, 3])
def test_a_stopped_run_leaves_a_model_that_can_be_used(
    blobs, small, tmp_path, stop_after, play
):
    folder = RunFolder(tmp_path)
    trainer = Trainer([blobs((5, 64, 64))], small(), folder=folder)
    play(trainer, 0 if stop_after is None else stop_after)
    assert trainer.step == (stop_after or 0)
    model = load_model(folder.last)
    assert model.card.step == trainer.step
    assert Predictor(model).predict(np.zeros((1, 1, 32, 32))).labels.shape[0] == 1
    assert folder.best.exists() == (trainer.best is not None) == bool(stop_after)
    assert "stopped after step" in (tmp_path / "log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"learning_rate": 0.1}, "other settings"),
        ({"base_channels": 8}, "other settings"),
        ({"steps": 99}, "other settings"),
        # Was left open, and would have no effect any more.
        ({"old_rate": 0.5}, "other settings"),
    ],
)
def test_a_run_does_not_go_on_with_other_settings(
    blobs, small, tmp_path, options, words, play
):
    folder = RunFolder(tmp_path)
    play(Trainer([blobs()], small(), folder=folder), stop_after=2)
    with pytest.raises(InputError, match=words):
        Trainer([blobs()], small(**options), folder=folder, resume=True)


def test_a_run_does_not_go_on_with_other_annotations(blobs, small, tmp_path, play):
    folder = RunFolder(tmp_path)
    play(Trainer([blobs()], small(), folder=folder), stop_after=2)
    with pytest.raises(InputError, match="other images or annotations"):
        Trainer([blobs(seed=1)], small(), folder=folder, resume=True)


def test_a_new_run_leaves_nothing_of_the_one_before(blobs, small, tmp_path, play):
    folder = RunFolder(tmp_path)
    play(Trainer([blobs((5, 64, 64))], small(), folder=folder))
    assert folder.best.exists()
    trainer = Trainer([blobs(validation="none")], small(steps=2), folder=folder)
    play(trainer)
    assert not folder.best.exists()
    assert load_model(folder.last).card.step == 2
    assert folder.load_state()["step"] == 2
    assert list(find_checkpoints(folder.path)) == [2]


def test_a_run_can_take_the_place_of_the_one_it_starts_from(
    blobs, small, tmp_path, play
):
    folder = RunFolder(tmp_path)
    play(Trainer([blobs((5, 64, 64))], small(), folder=folder))
    start = load_model(folder.best)
    play(Trainer([blobs((5, 64, 64))], small(steps=2), folder=folder, start=start))
    assert load_model(folder.last).card.step == 2


def test_going_on_needs_a_folder(blobs, small):
    with pytest.raises(InputError, match="no run folder"):
        Trainer([blobs()], small(), resume=True)


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_models(
    blobs, small, tmp_path
):
    folder = RunFolder(tmp_path)
    config = small(steps=20, save_seconds=1e-6)
    trainer = Trainer([blobs((5, 64, 64))], config, folder=folder)
    run = trainer.run()
    for _ in range(10):
        next(run)
    with torch.no_grad():
        trainer.network.head.weight.fill_(torch.nan)
    with pytest.raises(TrainingError, match=r"step 11: lower the learning rate"):
        next(run)
    for path in (folder.best, folder.last):
        weights = load_model(path).network.state_dict()
        assert all(tensor.isfinite().all() for tensor in weights.values())


def test_an_infinite_gradient_does_not_reach_the_weights(blobs, small):
    trainer = Trainer([blobs()], small())
    run = trainer.run()
    next(run)
    before = {n: t.clone() for n, t in trainer.network.named_parameters()}
    trainer.network.head.weight.register_hook(lambda grad: grad * torch.inf)
    with pytest.raises(TrainingError, match="gradient is no finite number"):
        next(run)
    for name, tensor in trainer.network.named_parameters():
        assert torch.equal(tensor, before[name])


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_full_memory_is_told_with_what_to_do(blobs, small, monkeypatch, error, play):
    trainer = Trainer([blobs()], small())

    def fail(image):
        raise error

    monkeypatch.setattr(trainer.network, "forward", fail)
    with pytest.raises(OutOfMemoryError, match="Lower the patches per step"):
        play(trainer)


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on file sizes")
def test_a_full_disk_ends_in_one_sentence_and_leaves_older_files_whole(
    small, tmp_path, block, play
):
    config = small(save_seconds=1e-6)
    images = prepare_files(tmp_path, config, *block)
    folder = RunFolder(tmp_path / "run")
    play(Trainer(images, config, folder=folder))
    before = {path: path.read_bytes() for path in folder.path.glob("*.[sp]*")}
    with start_child(folder.path, limit=10_000) as child:
        lines = child.stdout.read().splitlines()
    assert lines[-1].startswith("OutputError ")
    assert "cannot be written: File too large; free some space" in lines[-1]
    assert len(before) == 3
    assert {path: path.read_bytes() for path in before} == before
    assert {path.name for path in folder.path.glob(".*")} == {".lock"}
