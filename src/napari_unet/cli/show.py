"""What the command line prints."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from napari_unet.words import clock

if TYPE_CHECKING:
    from pathlib import Path

    from napari_unet.data.stack import Stack
    from napari_unet.predict.volume_prediction import BlockDone
    from napari_unet.train.progress import TrainStep

console = Console(highlight=False, soft_wrap=True)
_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print a line as it is."""
    console.print(text, markup=False)


def hush() -> None:
    """Print nothing more but errors: another process tells how it goes."""
    console.quiet = True


def complain(text: str) -> None:
    """Print an error, one line, on standard error."""
    _errors.print(f"Error: {text}", markup=False, style="red")


def spell_out(stream: object) -> None:
    """Let a stream write letters that its encoding lacks by their numbers.

    On Windows a log file knows some two hundred letters, and file names have others.
    """
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")


def read_and_tell(path: Path, given: Mapping[str, Any] | None = None) -> Stack:
    """Read a stack, and print what had to be assumed of it.

    Its axes, info bar, level and pixel size may be among what was `given` of
    `ImageConfig`.
    """
    from napari_unet.data.calibration import Calibration
    from napari_unet.data.read import read_stack

    known = given or {}
    stack = read_stack(
        path,
        Calibration.given(known.get("pixel_size"), known.get("unit")),
        axes=known.get("axes"),
        info_bar=known.get("info_bar"),
        level=known.get("level", 0),
    )
    for note in stack.notes:
        say(f"{path}: {note}")
    return stack


def follow(steps: Iterable[TrainStep]) -> None:
    """Show a training run while it goes.

    A terminal gets a bar with loss, validation IoU and time left; a log file gets a
    line for each validation, and for each tenth of the run.
    """
    with _training_bar() if console.is_terminal else _training_lines() as show:
        for step in steps:
            if step.message:
                say(f"step {step.step}: {step.message}")
            show(step)


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar; call what is yielded with the number done and the total."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(title)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def block_bar() -> Iterator[Callable[[BlockDone], None]]:
    """Show blocks of a volume, with the time left; a log file gets a line a tenth."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,}/{task.total:,} blocks"),
        TextColumn("{task.fields[left]} left"),
    )
    shown: dict[str, int] = {}
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("reading the image", total=None, left="-:--")

        def show(step: BlockDone) -> None:
            left = clock(step.seconds_left)
            progress.update(
                task,
                description=step.stage,
                completed=step.done,
                total=step.total,
                left=left,
            )
            tenth = 10 * step.done // step.total
            if not console.is_terminal and tenth > shown.get(step.stage, -1):
                say(f"{step.stage}: {step.done:,} of {step.total:,}, {left} left")
            shown[step.stage] = tenth

        yield show


@contextmanager
def _training_bar() -> Iterator[Callable[[TrainStep], None]]:
    columns = (
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:3.0f} %  {task.fields[words]}"),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("training", total=1.0, words="starting")
        yield lambda step: progress.update(
            task, completed=step.progress, words=_words(step)
        )


@contextmanager
def _training_lines() -> Iterator[Callable[[TrainStep], None]]:
    tenths = 0

    def show(step: TrainStep) -> None:
        nonlocal tenths
        if step.validation is not None or int(10 * step.progress) > tenths:
            say(f"step {step.step}: {_words(step)}")
        tenths = int(10 * step.progress)

    yield show


def _words(step: TrainStep) -> str:
    parts = [f"loss {step.loss:.3f}"]
    if step.best is not None:
        parts.append(f"best validation IoU {step.best:.3f}")
    parts.append(f"{clock(step.seconds_left)} left")
    return "  ".join(parts)
