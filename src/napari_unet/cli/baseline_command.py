"""`napari-unet baseline`: what was done before networks, from files to a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_unet.cli.options import Given, Overwrite, coverage_of, with_settings
from napari_unet.config import BaselineConfig
from napari_unet.errors import InputError, StoppedError
from napari_unet.steps import result_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet.data.stack import Stack

LIST = "list"


@with_settings(
    *("image.kind", "image.ignore", "image.complete", "train", "baseline.scale"),
    *("baseline.side", "baseline.trees", "baseline.seed", "image.axes"),
    *("image.info_bar", "image.level", "image.pixel_size", "image.unit"),
)
def baseline(
    given: Given,
    name: Annotated[
        str, typer.Argument(help="Which method; list shows all of them.")
    ] = LIST,
    image: Annotated[
        Path | None, typer.Argument(help="Image file or folder of slices.")
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
            help="Annotations of the image. What learns needs them: the random forest, "
            "the shape model, and what starts from seeds. The others ask them whether "
            "the foreground is bright or dark."
        ),
    ] = None,
    train: Annotated[
        str | None,
        typer.Option(help="Slices whose annotations are used, as start:stop."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Segment a stack by a classical method, to see whether the U-Net was worth it."""
    from napari_unet.baselines import find_baseline
    from napari_unet.cli.outputs import check_outputs, check_replaced, check_tiff
    from napari_unet.cli.show import read_and_tell

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
    check_replaced("baseline", out, overwrite=overwrite)
    settings = BaselineConfig().changed("command line", **given["baseline"])
    stack, classes = read_and_tell(image, given["image"]), None
    if labels is not None:
        classes = read_classes(labels, stack, given["image"], train)
    write_mask(name, stack, out, slices, classes, settings)


def write_mask(
    name: str,
    stack: Stack,
    out: Path,
    slices: str | None,
    classes: NDArray[np.uint8] | None,
    config: BaselineConfig,
) -> None:
    """Segment an image behind a bar and write the mask, 8 bits, 1 is foreground.

    Raises
    ------
    InputError
        When a file cannot be used as it is.
    NapariUNetError
        When it is told to end early: half a stack would look like a whole one.
    """
    from napari_unet.baselines.apply import make_mask
    from napari_unet.cli.show import bar, say
    from napari_unet.cli.signals import stop_on_signals
    from napari_unet.data.stack import parse_slices
    from napari_unet.data.write import write_stack

    chosen, every = stack.slices(slices), range(stack.num_slices)
    part = parse_slices(slices or ":", len(every))
    wanted = every[part]
    with stop_on_signals() as stop, bar("segmenting") as show:
        found = result_of(
            make_mask(name, stack, classes, config, stop, slices=wanted),
            lambda step: show(step.done, step.total),
        )
    if len(found.slices) < len(wanted):
        raise StoppedError("Stopped before the end: no mask was written.")
    if seen := len(set(found.made_by.learnt_from) & set(wanted)):
        say(
            f"learnt from {seen} of these {len(wanted)} slices: their scores say "
            "nothing of other images"
        )
    mask = found.mask[part]
    result = chosen.single_channel(mask)
    write_stack(out, result.data, like=result, made_by="baseline")
    say(f"{found.made_by.title}: foreground on {mask.mean():.0%} of the pixels")
    say(f"wrote {out}")


def read_classes(
    path: Path,
    image: Stack,
    given: Mapping[str, Any],
    train: str | None,
) -> NDArray[np.uint8]:
    """Read annotations of an image as class indices, those of other slices left out.

    Kind, axes and coverage may be among what was `given` of `ImageConfig`.

    Raises
    ------
    InputError
        When they cannot be read, or no slice with annotations is left.
    """
    import numpy as np

    from napari_unet.cli.show import say
    from napari_unet.data.annotation import IGNORE, describe, to_target
    from napari_unet.data.dimensions import of_labels
    from napari_unet.data.read import read_labels
    from napari_unet.data.stack import parse_slices

    labels = read_labels(path, image, axes=of_labels(given.get("axes")))
    kind, coverage = given.get("kind"), coverage_of(given)
    target = to_target(np.asarray(labels.as_zyx()), kind, coverage=coverage)
    if train is not None:
        labels.slices(train)  # names the file where they are not there
        others = np.ones(len(target.classes), bool)
        others[parse_slices(train, len(others))] = False
        target.classes[others] = IGNORE
        if not target.annotated.any():
            raise InputError(
                f"{path} holds no labels in slices {train}: choose slices that are "
                "annotated."
            )
    for note in target.notes:
        say(note)
    say(f"uses {describe(target)}")
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
