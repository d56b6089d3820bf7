"""Jobs of SLURM do the blocks, through dask-jobqueue's own code and a small sbatch."""

from __future__ import annotations

import math
import os
import signal
import stat
import sys
from pathlib import Path
from threading import Event

import pytest

pytest.importorskip("dask_jobqueue")

from napari_unet.config import EngineConfig
from napari_unet.predict import engines
from napari_unet.predict.engines import open_engine

from .test_engines import GRID, Note, blocks_in, pids

SBATCH = """#!{python}
import pathlib, shutil, subprocess, sys
jobs = pathlib.Path({jobs!r})
number = 1 + len(list(jobs.glob("*.sh")))
script = jobs / f"{{number}}.sh"
shutil.copy(sys.argv[-1], script)
log = open(jobs / f"{{number}}.log", "wb")
queue = f"while [ -e {{jobs}}/queue ]; do sleep 0.05; done; exec sh {{script}}"
command = ["sh", "-c", queue]
job = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
(jobs / f"{{number}}.pid").write_text(str(job.pid))
print("Submitted batch job", number)
"""
SCANCEL = """#!{python}
import os, pathlib, signal, sys
for number in sys.argv[1:]:
    file = pathlib.Path({jobs!r}) / f"{{number}}.pid"
    try:
        os.killpg(int(file.read_text()), signal.SIGTERM)
    except ProcessLookupError:
        pass
"""


@pytest.fixture
def jobs(tmp_path, monkeypatch) -> Path:
    """A folder with the scripts of the jobs that are submitted, which run here."""
    bin_, jobs = tmp_path / "bin", tmp_path / "jobs"
    bin_.mkdir()
    jobs.mkdir()
    for name, text in {"sbatch": SBATCH, "scancel": SCANCEL}.items():
        program = bin_ / name
        program.write_text(text.format(python=sys.executable, jobs=str(jobs)))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{bin_}{os.pathsep}{os.environ['PATH']}")
    root = Path(__file__).parents[2]
    places = [str(root), *sys.path]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(places))
    monkeypatch.chdir(tmp_path)
    # A job may take long to start where many tests run.
    monkeypatch.setattr(engines, "_SILENT", math.inf)
    return jobs


def test_jobs_do_the_blocks_and_end(jobs, tmp_path):
    import dask

    done = tmp_path / "done"
    done.mkdir()
    config = EngineConfig(
        engine="slurm",
        workers=2,
        cpus=3,
        memory="2GB",
        walltime="01:02:03",
        directives=["--partition=gpu", "--gres=gpu:1"],
    )
    mine = {"jobqueue.slurm.job-script-prologue": ["export OF_THIS_CLUSTER=1"]}
    with dask.config.set(mine), open_engine(config) as engine:
        found = list(engine.run(Note(done, 0.2), GRID, Event()))
    assert len(found) == len(GRID)
    assert blocks_in(done) == set(range(len(GRID)))
    assert os.getpid() not in pids(done)
    script = (jobs / "1.sh").read_text()
    for line in ("-n 1", "--cpus-per-task=3", "--mem=2G", "-t 01:02:03"):
        assert f"#SBATCH {line}" in script
    assert "#SBATCH --partition=gpu" in script
    assert "#SBATCH --gres=gpu:1" in script
    for line in (
        "OF_THIS_CLUSTER=1",
        "MALLOC_ARENA_MAX=1",
        "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False",
    ):
        assert f"\nexport {line}\n" in script
    assert len(list(jobs.glob("*.sh"))) == 2


def test_jobs_that_wait_in_the_queue_are_told_and_waited_for(
    jobs, tmp_path, monkeypatch
):
    monkeypatch.setattr(engines, "_SILENT", 0.2)
    queue, done = jobs / "queue", tmp_path / "done"
    queue.touch()
    done.mkdir()
    with open_engine(EngineConfig(engine="slurm", workers=2, memory="2GB")) as engine:
        steps = engine.run(Note(done), GRID, Event())
        assert next(steps).words.startswith("No job of SLURM works yet, 2 jobs")
        queue.unlink()
        finished = [one.block.index for one in steps]
    assert sorted(finished) == list(range(len(GRID)))


def test_jobs_whose_time_is_over_are_submitted_again(jobs, tmp_path, monkeypatch):
    import dask

    monkeypatch.setattr(engines, "_GONE", 1)
    done = tmp_path / "done"
    done.mkdir()
    config = EngineConfig(engine="slurm", workers=1, memory="2GB")
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "0.1s"}),
        open_engine(config) as engine,
    ):
        steps = engine.run(Note(done, 0.1), GRID, Event())
        found = [next(steps)]
        os.killpg(int((jobs / "1.pid").read_text()), signal.SIGKILL)
        found += steps
    assert sorted(one.block.index for one in found) == list(range(len(GRID)))
    assert len(list(jobs.glob("*.sh"))) == 2
