"""A run can be gone back to: its checkpoints lie spread over it and stay few."""

from __future__ import annotations

import os
import random
from itertools import pairwise

import pytest
import torch

from napari_unet.config import UNetConfig
from napari_unet.model.checkpoint import Model, ModelCard, load_model
from napari_unet.model.networks.unet import UNet
from napari_unet.train.checkpoints import (
    MOST,
    find_checkpoints,
    forget_checkpoints,
    keep_checkpoint,
    nearest,
    superfluous,
)
from napari_unet.train.run_folder import RunFolder
from napari_unet.train.trainer import Trainer

NETWORK = UNetConfig(base_channels=2, depth=1)


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder(tmp_path / "run")


def model(step: int, value: float = 0.0) -> Model:
    network = UNet(NETWORK).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.fill_(value)
    return Model(network, ModelCard(network=NETWORK, step=step))


def names(folder: RunFolder) -> list[str]:
    return sorted(path.name for path in (folder.path / "checkpoints").iterdir())


def value(path) -> float:
    return float(next(load_model(path).network.parameters()).flatten()[0].item())


def test_what_was_saved_before_can_be_loaded_after_newer_models(folder):
    for step in (10, 20, 30):
        folder.save_model(model(step, step / 100))
    found = find_checkpoints(folder.path)
    assert list(found) == [10, 20, 30]
    assert [value(path) for path in found.values()] == pytest.approx([0.1, 0.2, 0.3])
    assert found[30] == folder.last


def test_best_is_a_moment_too(folder):
    folder.save_best(model(5, 0.5))
    folder.save_model(model(9, 0.9))
    found = find_checkpoints(folder.path)
    assert found == {5: folder.best, 9: folder.last}
    assert value(found[5]) == pytest.approx(0.5)


def test_a_run_of_an_older_version_has_its_best_and_last(folder):
    folder.save_best(model(5))
    folder.save_model(model(9))
    forget_checkpoints(folder.path)
    assert list(find_checkpoints(folder.path)) == [5, 9]


def test_damaged_and_foreign_files_are_left_out(folder):
    folder.save_model(model(9))
    folder.best.write_bytes(b"no model")
    (folder.path / "checkpoints" / "step-x.safetensors").write_bytes(b"")
    assert list(find_checkpoints(folder.path)) == [9]


def test_a_folder_without_a_run_has_none(tmp_path):
    assert find_checkpoints(tmp_path / "nowhere") == {}


def test_their_number_stays_bounded(folder):
    for step in range(1, 60):
        folder.save_model(model(step))
    assert len(names(folder)) == MOST
    assert {"step-000001.safetensors", "step-000059.safetensors"} <= set(names(folder))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_kept_lies_spread_over_the_run_with_both_ends(seed):
    random.seed(seed)
    kept, step = [], 0
    for _ in range(300):
        step += random.randint(20, 40)
        kept.append(step)
        for one in superfluous(kept):
            kept.remove(one)
    gaps = [after - before for before, after in pairwise(kept)]
    assert len(kept) == MOST
    assert (kept[0] <= 40, kept[-1]) == (True, step)
    assert max(gaps) < 4 * step / MOST


def test_nothing_is_given_up_while_there_is_room():
    assert superfluous(range(MOST)) == []


def test_a_disk_without_second_names_gets_copies(folder, monkeypatch):
    def refuse(*_paths):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    folder.save_model(model(1, 0.1))
    folder.save_model(model(2, 0.2))
    assert value(find_checkpoints(folder.path)[1]) == pytest.approx(0.1)


def test_a_checkpoint_that_cannot_be_kept_does_not_end_the_run(folder):
    folder.path.mkdir()
    (folder.path / "checkpoints").write_text("in the way", encoding="utf-8")
    folder.save_model(model(3))
    assert list(find_checkpoints(folder.path)) == [3]


def test_the_same_step_saved_twice_is_kept_once(folder):
    folder.save_best(model(4, 0.1))
    keep_checkpoint(folder.path, folder.best, 4)
    assert names(folder) == ["step-000004.safetensors"]


def test_training_leaves_checkpoints_that_its_history_knows(blobs, small, folder):
    config = small(steps=6, validations=3, save_seconds=1e-6)
    trainer = Trainer([blobs(validation="2")], config, folder=folder)
    for _ in trainer.run():
        pass
    found = find_checkpoints(folder.path)
    assert list(found) == [1, 2, 3, 4, 5, 6]
    assert [load_model(path).card.step for path in found.values()] == list(found)
    seconds = [row["seconds"] for row in trainer.history]
    assert seconds == sorted(seconds)
    assert seconds[-1] == trainer.elapsed


def test_a_new_run_in_the_same_folder_forgets_those_of_the_one_before(
    blobs, small, folder
):
    folder.save_model(model(1000))
    trainer = Trainer([blobs()], small(steps=2), folder=folder)
    for _ in trainer.run():
        pass
    assert max(find_checkpoints(folder.path)) == 2


def test_the_nearest_moment_is_found():
    assert nearest([1.0, 5.0, 9.0], 6.5) == 5.0
    assert nearest([], 3.0) is None
