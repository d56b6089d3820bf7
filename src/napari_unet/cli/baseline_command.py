"""`napari-unet baseline`: what was done before networks, from files to a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_unet.cli.options import Given, with_settings
from napari_unet.config import AnnotationKind, BaselineConfig
from napari_unet.errors import InputError, NapariUNetError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


LIST = "list"


@dataclass(frozen=True)
class Lesson:
    """Annotations as the user named them."""

    labels: Path | None
    kind: AnnotationKind | None
    train: str | None


@with_settings(
    *("image.kind", "train", "baseline.scale", "baseline.side", "baseline.trees"),
    "baseline.seed",
)
def baseline(
    given: Given,
    name: Annotated[
        str, typer.Argument(help="Which method; list shows all of them.")
    ] = LIST,
    image: Annotated[
        Path | None, typer.Argument(help="TIFF file or folder of slices.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="TIFF file for the mask: 1 is foreground.")
    ] = None,
    slices: Annotated[
        str | None, typer.Option(help="Slices to segment, as start:stop.")
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            help="Annotations of the image. The random forest learns from them; for "
            "the others they tell whether the foreground is bright or dark."
        ),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(help="Slices whose annotations are used, as start:stop."),
    ] = None,
) -> None:
    """Segment a stack by a classical method, to see whether the U-Net was worth it."""
    from napari_unet.baselines import find_baseline
    from napari_unet.cli.outputs import check_outputs, check_tiff

    if name == LIST:
        _show_all()
        return
    known = find_baseline(name)
    if image is None or out is None:
        raise InputError(
            f"Give an image and a file to write: napari-unet baseline {name} IMAGE "
            "--out MASK.tif."
        )
    if known.learns and labels is None:
        raise InputError(f"{known.title} learns from annotations: give --labels.")
    check_outputs([image] if labels is None else [image, labels], out)
    check_tiff(out)
    settings = BaselineConfig().changed("command line", **given["baseline"])
    lesson = Lesson(labels, given["image"].get("kind"), train)
    write_mask(name, image, out, slices, lesson, settings)


def write_mask(
    name: str,
    image: Path,
    out: Path,
    slices: str | None,
    lesson: Lesson,
    config: BaselineConfig,
) -> None:
    """Segment an image file behind a bar and write the mask, 8 bits, 1 is foreground.

    Raises
    ------
    InputError
        When a file cannot be used as it is.
    NapariUNetError
        When it is told to end early: half a stack would look like a whole one.
    """
    import numpy as np

    from napari_unet.baselines import find_baseline, segment
    from napari_unet.baselines.planes import annotated_slices
    from napari_unet.cli.show import bar, read_and_tell, say
    from napari_unet.cli.signals import stop_on_signals
    from napari_unet.data.stack import parse_slices
    from napari_unet.data.write import write_stack

    known = find_baseline(name)
    stack = read_and_tell(image)
    chosen = stack.slices(slices)
    wanted = range(stack.num_slices)
    if slices is not None:
        wanted = wanted[parse_slices(slices, stack.num_slices)]
    classes = None if lesson.labels is None else read_classes(lesson)
    masks = []
    with stop_on_signals() as stop, bar("segmenting") as show:
        for step in segment(
            name, stack.as_czyx(), classes, slices=wanted, config=config, stop=stop
        ):
            show(step.done, step.total)
            if step.mask is not None:
                masks.append(step.mask)
    if len(masks) < len(wanted):
        raise NapariUNetError("Stopped before the end: no mask was written.")
    mask = np.stack(masks)
    seen = 0 if classes is None else len(set(annotated_slices(classes)) & set(wanted))
    if known.learns and seen:
        say(
            f"learnt from {seen} of these {len(wanted)} slices: their scores say "
            "nothing of other images"
        )
    result = chosen.single_channel(mask)
    write_stack(out, result.data, like=result)
    say(f"{known.title}: foreground on {mask.mean():.0%} of the pixels")
    say(f"wrote {out}")


def read_classes(lesson: Lesson) -> NDArray[np.uint8]:
    """Read annotations as class indices, those of other slices left out.

    Raises
    ------
    InputError
        When they cannot be read, or no slice with annotations is left.
    """
    import numpy as np

    from napari_unet.cli.show import say
    from napari_unet.data.annotation import describe, guess_kind, to_target
    from napari_unet.data.read import read_stack
    from napari_unet.data.stack import parse_slices

    labels = read_stack(str(lesson.labels))
    values = np.asarray(labels.as_zyx())
    kind = lesson.kind
    if kind is None:
        guess = guess_kind(values)
        kind = guess.kind
        say(f"annotations are {kind}: {guess.reason}")
    if lesson.train is not None:
        kept = np.zeros_like(values)
        chosen = np.asarray(labels.slices(lesson.train).as_zyx())
        kept[parse_slices(lesson.train, len(values))] = chosen
        values = kept
        if not values.any():
            raise InputError(
                f"{lesson.labels} holds no labels in slices {lesson.train}: choose "
                "slices that are annotated."
            )
    target = to_target(values, kind)
    for note in target.notes:
        say(note)
    say(f"uses {describe(target, kind)}")
    return target.classes


def _show_all() -> None:
    """Print the names, each with what it does."""
    from rich.table import Table

    from napari_unet.baselines import BASELINES
    from napari_unet.cli.show import console

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, one in BASELINES.items():
        table.add_row(name, one.description)
    console.print(table)
