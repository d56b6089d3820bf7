"""The command `measure`: a table of the objects of labels."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_unet.cli.options import Given, Overwrite, Volume, coverage_of, with_settings
from napari_unet.config import AnnotationKind
from napari_unet.errors import NapariUNetError, StoppedError

if TYPE_CHECKING:
    from threading import Event

    import numpy as np
    from numpy.typing import NDArray
    from rich.table import Table

    from napari_unet.measure.object_measures import ObjectMeasures

# Stands in the first line of every table.
_HEADS = ("equivalent diameter (",)


@with_settings(
    *("image.kind", "image.axes", "image.info_bar", "image.level"),
    *("image.pixel_size", "image.unit", "image.ignore"),
)
def measure(  # noqa: PLR0913 (every option is one argument)
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
    volume: Volume = None,
    distances: Annotated[
        bool,
        typer.Option(help="Count neighbours, and measure how far the nearest is."),
    ] = True,
    each: Annotated[
        bool,
        typer.Option(
            "--each",
            help="Measure each file of a folder by itself, all into one table; --image "
            "and --other are then folders with files of the same names.",
        ),
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Measure the objects of labels: size, shape, grey values, neighbours."""
    from napari_unet.cli.batch import alike, images_of, one_by_one, tell_failed
    from napari_unet.cli.outputs import check_outputs, check_replaced
    from napari_unet.cli.show import console, say
    from napari_unet.data.files import write_text

    given["image"]["ignore"] = coverage_of(given["image"]).ignore
    beside = {"image": image, "other": other}
    check_outputs([labels, *filter(None, beside.values())], csv)
    check_replaced("measure", csv, overwrite=overwrite, heads=_HEADS)
    options = (given["image"], slices, volume, distances)
    if not each:
        found = _measure(labels, image, other, *options)
        console.print(totals_table(found))
        if csv is not None:
            found.save_csv(csv)
            say(f"wrote {csv}: {len(found):,} objects")
        return
    tables: dict[str, ObjectMeasures] = {}
    files = images_of(labels)
    values = _values_of(files, given["image"])
    if "kind" not in given["image"] and _are_objects(values.values()):
        given["image"]["kind"] = AnnotationKind.OBJECTS
        say("labels are objects, by the values of all files: every value is one object")

    def work(path: Path) -> None:
        if path in values and not values[path].size:
            say(f"{path.name} holds no object")
            return
        named = {
            role: folder and alike(folder, path) for role, folder in beside.items()
        }
        tables[path.name] = _measure(path, named["image"], named["other"], *options)

    failed = one_by_one(files, work)
    if csv is not None and tables:
        write_text(csv, joined_csv(tables))
        say(f"wrote {csv}: {sum(map(len, tables.values())):,} objects")
    tell_failed(failed, len(files))


def _values_of(
    files: Sequence[Path], given: Mapping[str, Any]
) -> dict[Path, NDArray[np.int64]]:
    """Return the values above 0 in each of the files that can be read."""
    from napari_unet.cli.score_inputs import Labels
    from napari_unet.data.dimensions import of_labels
    from napari_unet.data.read import read_stack

    found = {}
    for path in files:
        # What cannot be read is told when its turn comes.
        with suppress(NapariUNetError):
            stack = read_stack(path, axes=of_labels(given.get("axes")))
            found[path] = Labels(stack).survey(given.get("info_bar") or 0).values
    return found


def _are_objects(values: Iterable[NDArray[np.int64]]) -> bool:
    """Return whether values are numbers of objects; those of one file may be few."""
    import numpy as np

    from napari_unet.data.annotation import guess_kind

    every = np.unique(np.concatenate([np.zeros(1, np.int64), *values]))
    if every.size < 2:
        return False
    return guess_kind(every[None, None]).kind is AnnotationKind.OBJECTS


def _measure(
    labels: Path,
    image: Path | None,
    other: Path | None,
    given: Mapping[str, Any],
    slices: str | None,
    volume: bool | None,
    distances: bool,
) -> ObjectMeasures:
    """Measure the objects of one file behind a bar."""
    import numpy as np

    from napari_unet.cli.show import bar, read_and_tell, say
    from napari_unet.cli.signals import stop_on_signals
    from napari_unet.data.addresses import level_in
    from napari_unet.data.dimensions import of_labels
    from napari_unet.data.lazy import memory_limit
    from napari_unet.data.ome_zarr import labels_in
    from napari_unet.data.stack import parse_slices
    from napari_unet.measure.by_blocks import (
        BlockSource,
        bytes_as_a_whole,
        measure_by_blocks,
    )
    from napari_unet.measure.measuring import MeasureSource, measure_steps
    from napari_unet.measure.numbered import number_objects
    from napari_unet.steps import result_of

    level = given.get("level", 0)
    picture = None if image is None else read_and_tell(image, given)
    known = {name: given.get(name) for name in ("pixel_size", "unit", "info_bar")}
    labels, axes = Path(labels_in(labels)), of_labels(given.get("axes"))
    own = {"level": level_in(labels, level), "axes": axes}
    stack = read_and_tell(labels, known | own)
    sized = picture if picture is not None and stack.unit == "pixel" else stack
    whole = picture or stack
    beside = None
    if other is not None:
        theirs = {"level": level_in(other, level), "axes": axes}
        beside = read_and_tell(other, theirs).picture_like(whole).slices(slices)
    stack = stack.picture_like(whole)
    chosen = stack.slices(slices).as_zyx()
    grey = None if picture is None else picture.picture.slices(slices).as_czyx()
    kind, memory, ignore = given.get("kind"), memory_limit(), given.get("ignore")
    measured = sized.slices(slices)
    steps: Callable[[Event], Generator[tuple[int, int], None, ObjectMeasures | None]]
    if beside is None and bytes_as_a_whole(chosen, grey) > memory:
        blocks = (chosen, grey, measured.size_for, sized.unit, kind, volume, memory)
        steps = partial(measure_by_blocks, BlockSource(*blocks, ignore))
    else:
        objects = number_objects(np.asarray(chosen), kind, volume, ignore)
        source = MeasureSource(
            objects,
            None if grey is None else np.asarray(grey),
            measured.size_for(objects.ndim),
            sized.unit,
            None if beside is None else np.asarray(beside.as_zyx()),
            distances,
        )
        steps = partial(measure_steps, source)
    with stop_on_signals() as stop, bar("measuring") as show:
        found = result_of(steps(stop), lambda step: show(*step))
    if found is None:
        raise StoppedError("Stopped before the end: nothing was written.")
    for note in found.notes:
        say(note)
    part = parse_slices(slices or ":", stack.num_slices)
    return found.numbered_from(part.start, part.step or 1, sized.zyx_size[0])


def joined_csv(tables: Mapping[str, ObjectMeasures]) -> str:
    """Return the tables of several files as one, with the names in front.

    Columns that a file does not have stay empty.
    """
    from napari_unet.data.files import csv_text

    columns = {
        found.header(name): None for found in tables.values() for name in found.values
    }
    rows: list[list[object]] = [["file", *columns]]
    for file, found in tables.items():
        cells = dict(zip(map(found.header, found.values), found.cells(), strict=True))
        empty = [""] * len(found)
        columns_of = [cells.get(title, empty) for title in columns]
        rows += [[file, *row] for row in zip(*columns_of, strict=True)]
    return csv_text(rows)


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
