"""The demonstration: from a synthetic EM stack to scored labels in two minutes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.io import imsave

from napari_unet.cli.predict_command import segment_behind_bar
from napari_unet.cli.score_command import score_table
from napari_unet.cli.show import console, say
from napari_unet.cli.train_command import train_and_report
from napari_unet.config import AnnotationKind, RunConfig, TrainConfig
from napari_unet.data.annotation import connected_objects
from napari_unet.data.files import atomic_write, write_text
from napari_unet.data.stack import Stack
from napari_unet.data.write import write_stack
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import save_model
from napari_unet.samples import em_stack
from napari_unet.score.report.overlay import side_by_side
from napari_unet.score.scoring import score_labels
from napari_unet.train.session import open_run
from napari_unet.train.training_source import TrainingSource

_SHAPE = (20, 512, 512)
_TRAIN, _VALIDATION, _HELD_OUT = "0:14", "14:16", "16:20"
_FIRST = 16
_MARK = "napari-unet-demo.txt"
_MARK_TEXT = (
    "`napari-unet demo` made this folder, and writes over what it made when it is run "
    "here again.\n"
)
_MADE = (
    *("image.tif", "truth.tif", "run", "model.safetensors", "prediction.tif"),
    *("scores.json", "overlay.png"),
)


def run_demo(out: Path, *, minutes: float, seed: int, gui: bool) -> None:
    """Make a stack, train, predict slices never seen, score them, and show it all.

    Raises
    ------
    OutputError
        When `out` cannot be written.
    InputError
        When `gui` is asked for where there is no display, or `out` holds files of such
        names that no demonstration made.
    """
    if gui:
        _check_display()
    _claim(out)
    say(f"making a synthetic EM stack of {' x '.join(map(str, _SHAPE))} pixels")
    stack, objects = em_stack(_SHAPE, seed)
    cells = (objects > 0).astype(np.uint8)
    write_stack(out / "image.tif", stack.data, like=stack)
    write_stack(out / "truth.tif", cells, like=stack)
    model = _train(out, stack, cells, TrainConfig(minutes=minutes, seed=seed))
    held_out = stack.slices(_HELD_OUT)
    prediction = segment_behind_bar(model, held_out).labels
    truth = cells[_FIRST:]
    scores = score_labels(prediction, truth, AnnotationKind.CLASSES, first_slice=_FIRST)
    say(f"scores of slices {_HELD_OUT}, which were never trained on:")
    console.print(score_table(scores))
    write_stack(out / "prediction.tif", prediction, like=held_out)
    scores.save(out / "scores.json")
    _write_overlay(out / "overlay.png", held_out, truth, prediction)
    names = "model.safetensors, prediction.tif, scores.json and overlay.png"
    say(f"{out} holds {names}")
    if gui:
        _open_napari(out)


def _claim(out: Path) -> None:
    """Mark a folder as that of a demonstration, unless it holds files of the user."""
    mark = out / _MARK
    if mark.exists():
        return
    found = [name for name in _MADE if (out / name).exists()]
    if found:
        raise InputError(
            f"{out} holds {found[0]}, which the demo would write over: choose another "
            "folder with --out."
        )
    write_text(mark, _MARK_TEXT)


def _train(
    out: Path,
    stack: Stack,
    cells: NDArray[np.uint8],
    config: TrainConfig,
) -> Path:
    kind = AnnotationKind.CLASSES
    source = TrainingSource(stack, cells, kind, train=_TRAIN, validation=_VALIDATION)
    run = open_run([source], RunConfig(train=config), folder=out / "run")
    train_and_report(run)
    save_model(out / "model.safetensors", run.trainer.model())
    return out / "model.safetensors"


def _write_overlay(
    path: Path,
    stack: Stack,
    truth: NDArray[np.uint8],
    prediction: NDArray[np.unsignedinteger],
) -> None:
    image = np.asarray(stack.as_zyx())[0]
    panels = [connected_objects(mask[:1] > 0)[0] for mask in (truth, prediction)]
    with atomic_write(path) as temporary:
        imsave(temporary, side_by_side(image, *panels), check_contrast=False)


def _check_display() -> None:
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        raise InputError("There is no display to open napari on: leave out --gui.")


def _open_napari(out: Path) -> None:
    say("opening napari; close its window to end")
    command = [sys.executable, "-m", "napari_unet.widgets.demo", str(out)]
    subprocess.run(command, check=False)
