"""Processes of dask and jobs of a cluster do what this process does."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from napari_unet.config import EngineConfig
from napari_unet.errors import InputError, NapariUNetError
from napari_unet.predict import engines
from napari_unet.predict.blocks import Grid
from napari_unet.predict.engines import LocalEngine, Waiting, open_engine

GRID = Grid((4, 6, 6), (1, 3, 3))


@dataclass(frozen=True)
class Note:
    """Writes a file for each block, after some seconds, and returns a number."""

    folder: Path
    seconds: float = 0
    deadly: int = -1

    def read(self, block):
        return block.index

    def compute(self, block, read, stop):
        time.sleep(self.seconds)
        if read == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return None if stop.is_set() else 2 * read

    def write(self, block, made):
        (self.folder / f"{block.index}-{os.getpid()}").touch()
        return made


@dataclass(frozen=True)
class Pages:
    """Counts the pages that are cleared while arrays of 8 MB are made and freed."""

    def read(self, block):
        return block.index

    def compute(self, block, read, stop):
        from resource import RUSAGE_SELF, getrusage

        before = getrusage(RUSAGE_SELF).ru_minflt
        for _ in range(50):
            np.ones(1_000_000)
        return getrusage(RUSAGE_SELF).ru_minflt - before

    def write(self, block, made):
        return made


@dataclass(frozen=True)
class Room:
    """Returns the megabytes that a worker holds before it takes and frees 40."""

    def read(self, block):
        text = Path("/proc/self/status").read_text()
        return int(text.partition("RssAnon:")[2].split()[0]) / 1024

    def compute(self, block, read, stop):
        taken = [np.ones(2**17) for _ in range(40)]
        del taken
        return read

    def write(self, block, made):
        return made


@dataclass(frozen=True)
class Stacks:
    """Counts the call stacks that the worker has kept of this."""

    def read(self, block):
        return block.index

    def compute(self, block, read, stop):
        from distributed import get_worker

        time.sleep(0.2)
        return get_worker().profile_recent["count"]

    def write(self, block, made):
        return made


def pids(folder):
    return {int(path.name.partition("-")[2]) for path in folder.iterdir()}


def blocks_in(folder):
    return {int(path.name.partition("-")[0]) for path in folder.iterdir()}


@contextmanager
def started(what, *words):
    """A scheduler or worker of dask in a process of its own."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard"]
    root = str(Path(__file__).parents[2])
    program = subprocess.Popen(
        [*command, *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([root, *sys.path])},
    )
    try:
        yield program
    finally:
        program.kill()
        program.wait()


def end_workers(client):
    """Kill all workers of a cluster until none is started any more."""
    psutil = pytest.importorskip("psutil")
    quiet = 0
    while quiet < 10:
        own = psutil.Process().children(recursive=True)
        alive = [one for one in own if one.status() != psutil.STATUS_ZOMBIE]
        workers = [one for one in alive if "spawn_main" in " ".join(one.cmdline())]
        for worker in workers:
            worker.kill()
        quiet = 0 if workers or client.nthreads() else quiet + 1
        time.sleep(0.05)


@contextmanager
def scheduler_in(folder):
    """A scheduler without workers, with its address."""
    file = folder / "scheduler.json"
    with started("scheduler", "--port", "0", "--scheduler-file", file) as scheduler:
        while not file.exists() or not file.read_text(encoding="utf-8"):
            time.sleep(0.05)
        yield scheduler, json.loads(file.read_text(encoding="utf-8"))["address"]


@pytest.fixture(scope="module")
def dask():
    pytest.importorskip("distributed")
    with pytest.MonkeyPatch.context() as patch:
        # Workers import this file, too.
        patch.syspath_prepend(Path(__file__).parents[2])
        with open_engine(EngineConfig(engine="dask", workers=2)) as engine:
            yield engine


@pytest.fixture(params=["local", "dask"])
def engine(request):
    return (
        LocalEngine() if request.param == "local" else request.getfixturevalue("dask")
    )


def test_every_block_is_done_once(engine, tmp_path):
    found = list(engine.run(Note(tmp_path), GRID, Event()))
    assert sorted(one.block.index for one in found) == list(range(len(GRID)))
    assert all(one.result == 2 * one.block.index for one in found)
    assert len(list(tmp_path.iterdir())) == len(GRID)


def test_stop_ends_after_the_blocks_in_hand(engine, tmp_path):
    stop, found = Event(), []
    for one in engine.run(Note(tmp_path, 0.05), GRID, stop):
        found.append(one.block.index)
        stop.set()
    assert 1 <= len(found) < len(GRID)
    assert set(found) <= blocks_in(tmp_path)


def test_an_error_is_the_one_that_was_raised(engine, tmp_path):
    with pytest.raises(FileNotFoundError):
        list(engine.run(Note(tmp_path / "missing"), GRID, Event()))


def test_workers_that_are_slow_to_end_hide_no_error(monkeypatch):
    distributed = pytest.importorskip("distributed")
    close = distributed.LocalCluster.close

    def slowly(self, timeout=None):
        close(self, timeout)
        raise TimeoutError

    monkeypatch.setattr(distributed.LocalCluster, "close", slowly)
    config = EngineConfig(engine="dask", workers=1)
    with pytest.raises(NapariUNetError, match="cause"), open_engine(config):
        raise NapariUNetError("the cause")


def test_two_processes_share_the_blocks(dask, tmp_path):
    list(dask.run(Note(tmp_path, 0.05), GRID, Event()))
    assert len(pids(tmp_path)) == 2
    assert os.getpid() not in pids(tmp_path)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of the GNU C library")
def test_a_worker_keeps_what_it_frees_while_it_computes(dask):
    cleared = [one.result for one in dask.run(Pages(), GRID, Event())]
    # Handed back each time, they take 20,000.
    assert max(cleared) < 5_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of the GNU C library")
def test_a_worker_hands_back_what_it_freed_after_a_block():
    blocks = Grid((12, 1, 1), (1, 1, 1))
    with open_engine(EngineConfig(engine="dask", workers=1)) as engine:
        held = [one.result for one in engine.run(Room(), blocks, Event())]
    # While one thread holds 40, the other may count them; kept, they stay for both.
    assert min(held[6:]) < min(held) + 20


def test_a_worker_keeps_no_call_stacks(dask):
    kept = [one.result for one in dask.run(Stacks(), GRID, Event())]
    assert kept == [0] * len(GRID)


def test_another_engine_beside_it_says_nothing(dask, tmp_path):
    with open_engine(EngineConfig(engine="dask", workers=1)) as other:
        assert len(list(other.run(Note(tmp_path), GRID, Event()))) == len(GRID)


def test_blocks_of_a_worker_that_is_killed_are_done_by_others(dask, tmp_path):
    steps = dask.run(Note(tmp_path, 0.1), GRID, Event())
    found = [next(steps)]
    os.kill(min(pids(tmp_path)), signal.SIGKILL)
    found += steps
    assert sorted(one.block.index for one in found) == list(range(len(GRID)))


def test_a_block_that_kills_its_workers_ends_in_a_sentence(dask, tmp_path, monkeypatch):
    # dask's own count of how often it tries again, each time with another worker.
    monkeypatch.setattr(dask._client.cluster.scheduler, "allowed_failures", 1)
    with pytest.raises(NapariUNetError, match="give the workers more memory"):
        list(dask.run(Note(tmp_path, deadly=5), GRID, Event()))


def test_when_all_workers_have_ended_new_ones_start_or_a_sentence_says_so(
    tmp_path, monkeypatch
):
    pytest.importorskip("distributed")
    import dask
    from distributed import wait

    monkeypatch.syspath_prepend(Path(__file__).parents[2])
    monkeypatch.setattr(engines, "_GONE", 1)
    config = EngineConfig(engine="dask", workers=1)
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "0.1s"}),
        open_engine(config) as engine,
        ThreadPoolExecutor(1) as other,
    ):

        def and_end(*words, **options):
            done = wait(*words, **options)
            monkeypatch.setattr("distributed.wait", wait)
            # The results that are done die with their worker.
            end_workers(engine._client)
            return done

        steps = engine.run(Note(tmp_path, 0.05), GRID, Event())
        found = [next(steps)]
        monkeypatch.setattr("distributed.wait", and_end)
        found += steps
        assert sorted(one.block.index for one in found) == list(range(len(GRID)))
        ending = other.submit(end_workers, engine._client)
        with pytest.raises(NapariUNetError, match="All workers have ended, probably"):
            list(engine.run(Note(tmp_path, 30), GRID, Event()))
        ending.result()


def test_a_scheduler_that_is_killed_is_told_and_what_is_done_stays(
    tmp_path, monkeypatch
):
    pytest.importorskip("distributed")
    monkeypatch.setattr(engines, "_SILENT", math.inf)
    done = tmp_path / "done"
    done.mkdir()
    with scheduler_in(tmp_path) as (scheduler, address):
        config = EngineConfig(engine="dask", scheduler=address)
        with (
            started("worker", address, "--no-nanny", "--death-timeout", "1"),
            open_engine(config) as engine,
        ):
            steps = engine.run(Note(done, 0.05), GRID, Event())
            first = next(steps)
            scheduler.kill()
            with pytest.raises(NapariUNetError, match="does not answer any more"):
                list(steps)
    assert first.block.index in blocks_in(done)


def test_a_scheduler_without_workers_is_told_and_waited_for_until_a_stop(
    tmp_path, monkeypatch
):
    pytest.importorskip("distributed")
    monkeypatch.setattr(engines, "_SILENT", 0.2)
    done = tmp_path / "done"
    done.mkdir()
    with (
        scheduler_in(tmp_path) as (_, address),
        open_engine(EngineConfig(engine="dask", scheduler=address)) as engine,
    ):
        stop = Event()
        for one in engine.run(Note(done), GRID, stop):
            assert isinstance(one, Waiting)
            stop.set()
        steps = engine.run(Note(done), GRID, Event())
        words = next(steps).words
        assert f"{address} has no workers: start one" in words
        with started("worker", address, "--no-nanny", "--death-timeout", "1"):
            assert len([*steps]) == len(GRID), "said once"
    assert blocks_in(done) == set(range(len(GRID)))


def test_a_script_that_its_own_processes_would_run_again_is_told(tmp_path):
    pytest.importorskip("distributed")
    script = tmp_path / "script.py"
    script.write_text(
        "from napari_unet.config import EngineConfig\n"
        "from napari_unet.predict.engines import open_engine\n"
        "open_engine(EngineConfig(engine='dask', workers=1)).__enter__()\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, check=False
    )
    assert "below if __name__" in done.stderr.splitlines()[-1]


def test_no_scheduler_is_told(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(engines, "_ANSWER", 0.5)
    config = EngineConfig(engine="dask", scheduler="tcp://127.0.0.1:9")
    (waiting,) = engines.opening(config)
    assert "Connecting to the dask scheduler at tcp://127.0.0.1:9" in waiting.words
    assert not [*engines.opening(EngineConfig(engine="dask"))]
    engine = open_engine(config)
    with pytest.raises(InputError, match="No dask scheduler answers"):
        engine.__enter__()
