"""The command `measure`: a table of the objects of labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_unet.cli.options import Given, with_settings
from napari_unet.errors import NapariUNetError

if TYPE_CHECKING:
    from rich.table import Table

    from napari_unet.measure.object_measures import ObjectMeasures


@with_settings(
    *("image.kind", "image.axes", "image.level", "image.pixel_size", "image.unit")
)
def measure(
    given: Given,
    labels: Annotated[Path, typer.Argument(help="Labels: file or folder of slices.")],
    csv: Annotated[
        Path | None, typer.Option(help="CSV file to write: one row for each object.")
    ] = None,
    image: Annotated[
        Path | None, typer.Option(help="The image: adds the grey values.")
    ] = None,
    other: Annotated[
        Path | None,
        typer.Option(help="Other labels: adds how far each object is from them."),
    ] = None,
    slices: Annotated[
        str | None, typer.Option(help="Slices to measure, as start:stop.")
    ] = None,
    volume: Annotated[
        bool | None,
        typer.Option(
            "--volume/--planes",
            help="Whether objects go on through the slices; guessed when left out.",
            show_default=False,
        ),
    ] = None,
    distances: Annotated[
        bool,
        typer.Option(help="Count neighbours, and measure how far the nearest is."),
    ] = True,
) -> None:
    """Measure the objects of labels: size, shape, grey values, neighbours."""
    import numpy as np

    from napari_unet.cli.outputs import check_outputs
    from napari_unet.cli.show import bar, console, read_and_tell, say
    from napari_unet.cli.signals import stop_on_signals
    from napari_unet.data.addresses import level_in
    from napari_unet.data.stack import parse_slices
    from napari_unet.measure.measuring import MeasureSource, measure_steps
    from napari_unet.measure.numbered import number_objects
    from napari_unet.steps import result_of

    check_outputs([path for path in (labels, image, other) if path is not None], csv)
    own, level = given["image"], given["image"].get("level", 0)
    picture = None if image is None else read_and_tell(image, own)
    size = {name: own.get(name) for name in ("pixel_size", "unit")}
    stack = read_and_tell(labels, size | {"level": level_in(labels, level)})
    sized = picture if picture is not None and stack.unit == "pixel" else stack
    beside = None
    if other is not None:
        theirs = {"level": level_in(other, level)}
        beside = read_and_tell(other, theirs).slices(slices)
    objects = number_objects(
        np.asarray(stack.slices(slices).as_zyx()), own.get("kind"), volume
    )
    for note in objects.notes:
        say(note)
    source = MeasureSource(
        objects,
        None if picture is None else np.asarray(picture.slices(slices).as_czyx()),
        sized.size_for(objects.ndim),
        sized.unit,
        None if beside is None else np.asarray(beside.as_zyx()),
        distances,
    )
    with stop_on_signals() as stop, bar("measuring") as show:
        found = result_of(measure_steps(source, stop), lambda step: show(*step))
    if found is None:
        raise NapariUNetError("Stopped before the end: nothing was written.")
    console.print(totals_table(found))
    if csv is not None:
        first = parse_slices(slices or ":", stack.num_slices).start
        found.numbered_from(first).save_csv(csv)
        say(f"wrote {csv}: {len(found):,} objects")


def totals_table(found: ObjectMeasures) -> Table:
    """Return what the classes add up to, as a table."""
    from rich.table import Table

    size = found.header(found.size)
    table = Table(box=None, pad_edge=False)
    for title in ("class", "objects", size, "of the image", "mean", "median"):
        table.add_column(title, justify="right")
    for one in found.totals():
        numbers = (f"{value:.4g}" for value in (one.mean, one.median))
        share = f"{one.fraction:.2%}"
        table.add_row(one.name, f"{one.count:,}", f"{one.total:.6g}", share, *numbers)
    return table
