"""The memory of containers, as Linux tells it in files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import dask.array as da
import numpy as np
import psutil
import pytest

import napari_unet
from napari_unet.baselines.apply import make_mask
from napari_unet.config import BaselineConfig, UNetConfig, WeightMapConfig
from napari_unet.data import machine_memory as module
from napari_unet.data.machine_memory import (
    MachineMemory,
    machine_memory,
    require_memory,
)
from napari_unet.data.read import as_stack
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.sparse_target import sparse_target
from napari_unet.data.weight_map import stack_steps
from napari_unet.errors import OutOfMemoryError
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.model.networks.unet import UNet
from napari_unet.predict.segment import segment
from napari_unet.steps import result_of

MB = 10**6
STAT = "anon 5\nactive_file 30000000\ninactive_file 70000000\nfile 100000000"


def write(root: Path, own: str, groups: Mapping[str, Mapping[str, object]]) -> Path:
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(own)
    for group, files in groups.items():
        (root / "sys/fs/cgroup" / group).mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (root / "sys/fs/cgroup" / group / name).write_text(f"{content}\n")
    return root


def v2(limit: object, used: int) -> dict[str, object]:
    return {"memory.max": limit, "memory.current": used, "memory.stat": STAT}


def v1(limit: int, used: int) -> dict[str, object]:
    return {
        "memory.limit_in_bytes": limit,
        "memory.usage_in_bytes": used,
        "memory.stat": "\n".join(
            ["active_file 9", *(f"total_{line}" for line in STAT.splitlines())]
        ),
    }


def test_a_container_has_its_limit_and_what_files_take_is_free(tmp_path):
    write(tmp_path, "0::/\n", {"": v2(800 * MB, 500 * MB)})
    found = machine_memory(tmp_path)
    assert (found.total, found.available) == (800 * MB, 400 * MB)


def test_the_tightest_of_nested_groups_counts(tmp_path):
    groups = {
        "slurm": v2(900 * MB, 850 * MB),
        "slurm/job": v2("max", 300 * MB),
        "slurm/job/step": v2(600 * MB, 300 * MB),
        "other": v2(MB, MB),
    }
    write(tmp_path, "0::/slurm/job/step\n", groups)
    found = machine_memory(tmp_path)
    assert (found.total, found.available) == (600 * MB, 150 * MB)


def test_groups_of_version_1_are_known(tmp_path):
    own = "9:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n"
    nothing = 0x7FFFFFFFFFFFF000
    groups = {
        "memory": v1(nothing, 1),
        "memory/a": v1(800 * MB, 200 * MB),
        "memory/a/b": v1(nothing, 1),
    }
    found = machine_memory(write(tmp_path, own, groups))
    assert (found.total, found.available) == (800 * MB, 700 * MB)


def test_a_path_of_the_machine_is_not_there_within_a_container(tmp_path):
    own = "4:memory:/docker/f00\n"
    write(tmp_path, own, {"memory": v1(800 * MB, 900 * MB)})
    found = machine_memory(tmp_path)
    assert (found.total, found.available) == (800 * MB, 0)


@pytest.mark.parametrize("content", ["0::/\n", "0::/../a\n", ""])
def test_without_a_limit_it_is_the_machine_s(tmp_path, content):
    write(tmp_path, content, {"": {"memory.stat": STAT}})
    assert machine_memory(tmp_path).total == psutil.virtual_memory().total
    assert machine_memory(tmp_path / "none").total == psutil.virtual_memory().total


def test_nobody_asks_for_the_memory_of_the_machine_alone():
    sources = Path(napari_unet.__file__).parent.rglob("*.py")
    asking = [p.name for p in sources if "virtual_memory" in p.read_text("utf-8")]
    assert asking == ["machine_memory.py"]


NO_SWAP = {"memory.swap.max": 0, "memory.swap.current": 0}
SOME_SWAP = {"memory.swap.max": 300 * MB, "memory.swap.current": 200 * MB}


@pytest.mark.parametrize(
    ("folder", "files", "free"),
    [
        ("", v2(800 * MB, MB), 900 * MB),
        ("", v2(800 * MB, MB) | {"memory.swap.max": "max"}, 900 * MB),
        ("", v2(800 * MB, MB) | SOME_SWAP, 100 * MB),
        ("", v2(800 * MB, MB) | NO_SWAP, 0),
        ("memory", v1(800 * MB, MB), 900 * MB),
        ("memory", v1(800 * MB, MB) | {"memory.memsw.limit_in_bytes": 800 * MB}, 0),
    ],
)
def test_a_container_has_the_swap_that_its_group_may_use(
    tmp_path, monkeypatch, folder, files, free
):
    swap = SimpleNamespace(free=900 * MB)
    monkeypatch.setattr(module.psutil, "swap_memory", lambda: swap)
    write(tmp_path, "4:memory:/\n0::/\n", {folder: files})
    assert machine_memory(tmp_path).swap == free


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine have 800 MB, of which 200 are free, on Linux and without swap."""
    free = MachineMemory(800 * MB, 200 * MB)
    monkeypatch.setattr(module, "machine_memory", lambda: free)
    monkeypatch.setattr(module.sys, "platform", "linux")


@pytest.mark.usefixtures("little")
def test_what_finds_no_room_is_told_before_linux_ends_the_program():
    require_memory(150 * MB, "little")
    with pytest.raises(OutOfMemoryError, match="does not hold much: that takes about"):
        require_memory(300 * MB, "much")


def weigh(labels: da.Array) -> object:
    return result_of(stack_steps(labels, None, WeightMapConfig(), Event()))


def mask(image: da.Array) -> object:
    return result_of(
        make_mask("otsu", as_stack(image), None, BaselineConfig(), Event())
    )


def predict(image: da.Array) -> object:
    config = UNetConfig(base_channels=1, depth=1)
    return segment(Model(UNet(config).eval(), ModelCard(network=config)), image)


def annotate(labels: da.Array) -> object:
    painted = {z: np.ones((1024, 1024), np.uint8) for z in range(20)}
    return sparse_target(SparseSlices(labels.shape, np.uint8, 0, painted))


@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("work", [weigh, mask, predict, SparseSlices.of, annotate])
def test_work_that_finds_no_room_is_not_begun(work: Callable[[da.Array], object]):
    # They take no memory before they are read.
    large = da.ones((300, 1024, 1024), "u1", chunks=(1, 1024, 1024))
    with pytest.raises(OutOfMemoryError, match="The memory does not hold"):
        work(large)
