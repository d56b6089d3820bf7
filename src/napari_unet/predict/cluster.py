"""Processes of this machine or jobs of SLURM that wait for blocks to work on."""

from __future__ import annotations

import logging
from typing import Any

from napari_unet.config.engine import EngineConfig
from napari_unet.errors import InputError
from napari_unet.steps import usable_cores
from napari_unet.words import counted

_ANY_PORT = {"dashboard_address": ":0"}
"""Of a scheduler: it has a server of its own even without a dashboard."""
_ONE_ARENA = "MALLOC_ARENA_MAX"
"""Of workers: where the GNU C library has an arena for each thread, `malloc_trim`
leaves tens of megabytes of what is free in each; of one for all, next to nothing."""
_NO_PROFILE = {"distributed.worker.profile.enabled": False}
"""Of workers, which keep the call stacks of a thousand seconds for a dashboard that is
not there, some 100 MB."""
_IN_JOBS = (
    f"export {_ONE_ARENA}=1",
    "export DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False",
)
_NO_PROCESSES = (
    "The processes of the engine dask do not start: a script of your own has to do all "
    'it does below if __name__ == "__main__":, since they read it, too; or take the '
    "engine local."
)


def start_cluster(config: EngineConfig) -> tuple[Any, int]:
    """Start the workers of an engine that has its own.

    Returns
    -------
    A cluster of dask, and with how many threads each of its workers is to compute.

    Raises
    ------
    InputError
        When they do not start, or dask-jobqueue is missing.
    """
    # Of the two threads of a worker, one computes.
    if config.engine == "dask":
        import dask
        from distributed import LocalCluster

        before = {f"distributed.nanny.pre-spawn-environ.{_ONE_ARENA}": 1}
        try:
            with dask.config.set(before):
                local = LocalCluster(
                    n_workers=config.workers,
                    threads_per_worker=2,
                    dashboard_address=None,
                    scheduler_kwargs=_ANY_PORT,
                    config=_NO_PROFILE,
                    # What goes wrong is told in one sentence, not by every worker, too.
                    silence_logs=logging.CRITICAL,
                )
        except RuntimeError as error:
            raise InputError(_NO_PROCESSES) from error
        return local, max(1, usable_cores() // config.workers)
    try:
        import dask
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise InputError(missing_package(config.engine)) from error
    given: dict[str, Any] = (
        {} if config.walltime is None else {"walltime": config.walltime}
    )
    prologue = dask.config.get("jobqueue.slurm.job-script-prologue", None) or []
    jobs = SLURMCluster(
        cores=2,
        processes=1,
        job_cpu=config.cpus,
        memory=config.memory,
        job_extra_directives=list(config.directives),
        job_script_prologue=[*prologue, *_IN_JOBS],
        scheduler_options={"dashboard": False, **_ANY_PORT},
        **given,
    )
    jobs.scale(jobs=config.workers)
    return jobs, config.cpus


def missing_package(engine: str) -> str:
    """Return what to install for an engine of dask."""
    return (
        f"The engine {engine} needs dask.distributed and dask-jobqueue: "
        'pip install "napari-unet-em[cluster]", or take --engine local.'
    )


def jobs_in_queue(cluster: Any) -> str:
    """Return in words how many jobs of SLURM have not begun."""
    jobs = counted(len(cluster.plan - cluster.observed), "job")
    return (
        f"No job of SLURM works yet, {jobs} submitted: `squeue --me` tells what they "
        "wait for; the prediction goes on once the first begins."
    )
