"""A run as it is kept, and the moments of it that can be gone back to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from napari_unet.train.checkpoints import find_checkpoints
from napari_unet.train.curves import Curves
from napari_unet.train.history import read_history


@dataclass(frozen=True)
class Moment:
    """A moment of a run that can be gone back to."""

    step: int
    model: Path


@dataclass(frozen=True, eq=False)
class PastRun:
    """A run as it is kept: its curves, and what can be gone back to by its moment."""

    curves: Curves
    moments: dict[float, Moment] = field(default_factory=dict)


def read_run(run: Path) -> PastRun:
    """Read curves and checkpoints from the folder of a run."""
    history = read_history(run / "history.csv")
    known = dict(zip(history.steps.tolist(), history.moments().tolist(), strict=True))
    found = find_checkpoints(run).items()
    moments = {known[step]: Moment(step, path) for step, path in found if step in known}
    return PastRun(Curves.of(history), moments)
