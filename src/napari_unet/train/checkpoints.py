"""The checkpoints of a run: its network at earlier moments, to go back to."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from napari_unet.data.files import atomic_write
from napari_unet.errors import ModelFileError, OutputError
from napari_unet.model.card import read_card
from napari_unet.starters import starter_at

MOST = 16
"""Checkpoints that are kept of a run, besides `best` and `last`.

They take at most 125 MB for the network of 1.9 million parameters, and 2 GB for that
of 31 million.
"""
_RUN = re.compile(r"\d{4}-(\d\d-\d\d)-(\d\d)(\d\d)\d\d-(.+)")
_NAME = re.compile(r"step-(\d+)\.safetensors")


def find_checkpoints(run: Path) -> dict[int, Path]:
    """Return the models of a run by their step, the first one first.

    `best` and `last` are among them; runs of older versions have no others.
    """
    found = _kept(run)
    for name in ("last", "best"):
        path = run / f"{name}.safetensors"
        # A file that is missing or damaged is a moment less to go back to.
        with suppress(ModelFileError):
            found[read_card(path).step] = path
    return dict(sorted(found.items()))


def keep_checkpoint(run: Path, model: Path, step: int) -> None:
    """Keep a model file that was just written as the checkpoint of its step.

    It is a second name of the same file, which costs neither time nor space until the
    first name is given to a newer model; a copy where the disk knows no such names.
    Nothing is raised: the model itself is safe, and a checkpoint is not worth the run.
    """
    path = run / "checkpoints" / f"step-{step:06d}.safetensors"
    with suppress(OSError, OutputError):
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        try:
            os.link(model, path)
        except OSError:
            with atomic_write(path) as temporary:
                shutil.copyfile(model, temporary)
        kept = _kept(run)
        for one in superfluous(kept):
            kept[one].unlink()


def forget_checkpoints(run: Path) -> None:
    """Remove the checkpoints of a run that was started before in the same folder."""
    for path in _kept(run).values():
        with suppress(OSError):
            path.unlink()


def superfluous(steps: Iterable[int]) -> list[int]:
    """Return which checkpoints to give up, so that `MOST` are left, spread evenly.

    The first and the last one are never among them.
    """
    kept, given_up = sorted(steps), []
    while len(kept) > MOST:
        # The one whose neighbours lie closest together is missed least.
        gaps = [after - before for before, after in zip(kept, kept[2:], strict=False)]
        given_up.append(kept.pop(1 + gaps.index(min(gaps))))
    return given_up


def nearest(moments: Iterable[float], moment: float) -> float | None:
    """Return which of `moments` lies closest to one; None where there are none."""
    return min(moments, key=lambda one: abs(one - moment), default=None)


def title(path: Path) -> str:
    """Name a model so that runs of one image differ even where the end is cut off.

    >>> title(Path("runs/2026-11-23-071020-em/best.safetensors"))
    '07:10 em, 11-23 (best)'
    >>> title(Path("2026-11-23-071020-em/checkpoints/step-000120.safetensors"))
    'step 120, 07:10 em, 11-23'
    """
    starter = starter_at(path)
    if starter is not None:
        return starter.title
    step = _NAME.fullmatch(path.name)
    folder = path.parent if step is None else path.parent.parent
    run = _RUN.fullmatch(folder.name)
    name = folder.name
    if run is not None:
        day, hour, minute, image = run.groups()
        name = f"{hour}:{minute} {image}, {day}"
    if step is not None:
        return f"step {int(step[1])}, {name}"
    return f"{path.stem}, {name}" if run is None else f"{name} ({path.stem})"


def model_name(model: str) -> str:
    """Write a model file by its title, and any other method as it is.

    >>> model_name("runs/2026-11-23-071020-em/best.safetensors")
    '07:10 em, 11-23 (best)'
    >>> model_name("Otsu threshold")
    'Otsu threshold'
    """
    return title(Path(model)) if model.endswith(".safetensors") else model


def _kept(run: Path) -> dict[int, Path]:
    paths = (run / "checkpoints").glob("step-*.safetensors")
    named = ((_NAME.fullmatch(path.name), path) for path in paths)
    return {int(name[1]): path for name, path in named if name is not None}
