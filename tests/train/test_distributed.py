"""Two processes that `torchrun` starts learn what one learns from the same batches."""

from __future__ import annotations

import csv
import subprocess
import sys

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from napari_unet.cli.app import app
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import load_model
from napari_unet.train.distributed import joined

from .conftest import make_blobs, make_stack

# Says how many threads it has besides those that it had before the processes joined.
SPY = """
import runpy, sys
import psutil, torch.distributed as dist

threads, join = psutil.Process().num_threads, dist.init_process_group
before = threads()
def spy(*args, **kwargs):
    global before
    before = threads()
    join(*args, **kwargs)

dist.init_process_group = spy
try:
    runpy.run_module("napari_unet", run_name="__main__")
finally:
    print("threads left:", threads() - before, file=sys.stderr)
"""
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


@pytest.fixture
def train(tmp_path, small, monkeypatch):
    """The words that train, but for the folder of the run."""
    monkeypatch.setenv("NAPARI_UNET_PRECISION", "float32")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    image, labels = make_blobs()
    for name, data in (("image", image), ("labels", labels)):
        write_stack(tmp_path / f"{name}.tif", data, like=make_stack(image))
    # Of three patches the first process learns from two, the other from one.
    # Of its gradients, adamw would see little more than the signs.
    sgd = {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.5, "warm_up": 0}
    config = small(steps=6, batch_size=3, loss="cross_entropy_dice", **sgd)
    (tmp_path / "run.yaml").write_text(config.to_yaml(), encoding="utf-8")

    monkeypatch.chdir(tmp_path)
    words = ["--image", "image.tif", "--labels", "labels.tif", "--validation", "2"]
    return ["train", *words, "--config", "run.yaml", "--out"]


def rows(run):
    with (run / "history.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_two_processes_learn_what_one_learns(train, tmp_path):
    CliRunner().invoke(app, [*train, "one"], catch_exceptions=False)
    (tmp_path / "spy.py").write_text(SPY, encoding="utf-8")
    command = [sys.executable, *TORCHRUN, "spy.py", *train, "two"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("trained 6 steps") == 1
    # A thread of theirs could abort a process while it ends.
    assert done.stderr.count("threads left: 0") == 2, done.stderr
    one, two = (rows(tmp_path / name) for name in ("one", "two"))
    assert len(two) == 6
    for name in ("loss", "validation_iou"):
        pairs = [(a[name], b[name]) for a, b in zip(two, one, strict=True) if b[name]]
        np.testing.assert_allclose(*np.array(pairs, float).T, rtol=1e-3)
    one, two = (
        load_model(tmp_path / name / "last.safetensors") for name in ("one", "two")
    )
    expected, found = (model.network.state_dict() for model in (one, two))
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-3, atol=1e-4, msg=name)


def test_more_processes_than_patches_are_refused(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "8")
    monkeypatch.setenv("LOCAL_RANK", "0")
    with pytest.raises(InputError, match="8 processes cannot share 4 patches"):
        joined("auto", 4).__enter__()
    with pytest.raises(InputError, match="a GPU of its own, and not cuda:1"):
        joined("cuda:1", 8).__enter__()


def test_a_number_of_processes_without_torchrun_is_one_process(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "8")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with joined("cpu", 1) as ranks:
        assert ranks.count == 1
