"""Settings of where the blocks of a volume are worked on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt, field_validator

from napari_unet.config.base import Settings


class EngineConfig(Settings):
    """Who works on the blocks of a volume that is predicted to disk."""

    engine: Literal["local", "dask", "slurm"] = Field("local", title="Engine")
    """local: this process, one block after the other; dask: several processes of this
    machine, or those of --scheduler; slurm: jobs of a SLURM cluster."""
    scheduler: str | None = Field(None, title="Scheduler")
    """Address of a running dask scheduler, such as tcp://node7:8786, for the engine
    dask; without it processes are started on this machine."""
    workers: PositiveInt = Field(2, title="Workers")
    """Processes of this machine, or jobs of SLURM. As many as there are GPUs, each gets
    its own."""
    block: tuple[int, int, int] | None = Field(None, title="Block (Z Y X voxels)")
    """Sides of the blocks, rounded up to whole chunks; some 32 million voxels when left
    out. Larger: less is predicted twice, more memory, more is lost by a kill."""
    cpus: PositiveInt = Field(4, title="CPUs of a job")
    """Of each job of SLURM."""
    memory: str = Field("16GB", title="Memory of a job")
    """Of each job of SLURM."""
    walltime: str | None = Field(None, title="Time of a job")
    """Of each job of SLURM, as hours:minutes:seconds; blocks of a job that ends are
    done by the others."""
    directives: list[str] = Field([], title="More directives")
    """More lines of the job script, such as --partition=gpu or --gres=gpu:1."""

    @field_validator("block")
    @classmethod
    def _check_sides(
        cls, block: tuple[int, int, int] | None
    ) -> tuple[int, int, int] | None:
        if block is not None and min(block) < 1:
            raise ValueError("sides are at least 1")
        return block
