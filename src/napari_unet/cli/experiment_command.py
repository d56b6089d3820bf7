"""`napari-unet experiment`: the ten experiments of the study, run again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_unet.cli.options import Given, Overwrite, with_settings
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from napari_unet.experiments import Result
    from napari_unet.experiments.experiment_run import ExperimentRun

_CAPTION = (
    "Printed on validation data; first and second are iou and iou_thresh, in tables IV "
    "and VIII jaccard and dice_coef."
)

app = typer.Typer(
    help="Run the ten experiments of the 2021 study again, and compare.",
    no_args_is_help=True,
)


@app.command("list")
def list_experiments() -> None:
    """List the experiments, with what the study printed of them."""
    from rich.table import Table

    from napari_unet.cli.show import console
    from napari_unet.experiments import EXPERIMENTS

    table = Table(box=None, pad_edge=False, caption=_CAPTION, caption_justify="left")
    table.add_column("N", justify="right")
    table.add_column("experiment")
    table.add_column("parameters", justify="right")
    for name in ("table", "val_loss", "first", "second"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in EXPERIMENTS.values():
        printed = one.printed
        cells = ["none"]
        if printed is not None:
            cells = [printed.number, *printed.rows[-1][1:]]
        table.add_row(str(one.number), one.name, f"{one.parameters:,}", *cells)
    console.print(table)


@app.command()
@with_settings("train.device")
def run(
    given: Given,
    number: Annotated[
        int, typer.Argument(metavar="N", help="The experiment, 1 to 10.")
    ],
    image: Annotated[Path, typer.Option(help="Image file or folder of slices.")],
    labels: Annotated[
        Path,
        typer.Option(help="Its mask: 0 and one other value, the foreground."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run; made if missing.")],
    minutes: Annotated[
        float | None,
        typer.Option(
            help="Train for so long, instead of the steps of the preset.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="every-fifth: slices 3, 8, 13 ... are held out, which flatters; "
            "block: the last fifth is; 0:24: these are trained on, the others held "
            "out; 0:40/45:57: trained on and held out. Left out, block for ISBI 2012 "
            "and every-fifth for the lungs.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Start of the random numbers.", min=0)] = 0,
) -> None:
    """Train an experiment, measure it as the study did, and show both.

    Ctrl+C keeps what was learnt: the same command goes on with it. A run that is
    finished is only shown again.
    """
    from napari_unet.cli.show import console, read_and_tell, say
    from napari_unet.experiments import find_experiment
    from napari_unet.experiments.experiment_run import ExperimentRun
    from napari_unet.experiments.result import FILE
    from napari_unet.experiments.table import data_words

    experiment = find_experiment(number)
    wanted = {
        "experiment": number,
        "image": image.name,
        "labels": labels.name,
        "split": experiment.split if split is None else split,
        "seed": seed,
    }
    result = _finished(out, wanted, whole=minutes is None)
    stacks = read_and_tell(image), read_and_tell(labels)
    if result is None:
        result = _train(
            ExperimentRun(
                *(experiment, *stacks, out),
                split=split,
                minutes=minutes,
                seed=seed,
                device=given["train"].get("device"),
            )
        )
    elif result.is_of(*stacks):
        say(f"the experiment in {out} is finished; choose another --out for a new one")
    else:
        raise InputError(
            f"{out} holds the figures of another image or of other labels by these "
            "names: choose another --out."
        )
    if result is not None:
        console.print(_comparison(result))
        say(f"measured on {data_words(result)}")
        say(f"the figures are in {out / FILE}")


@app.command()
def table(
    folders: Annotated[list[Path], typer.Argument(help="Folders of finished runs.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Markdown file to write; printed when left out."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Collect finished experiments into one table, printed beside measured."""
    from napari_unet.cli.outputs import check_outputs, check_replaced
    from napari_unet.cli.show import say
    from napari_unet.data.files import write_text
    from napari_unet.experiments import markdown_table, read_result
    from napari_unet.experiments.result import FILE

    check_outputs([folder / FILE for folder in folders], out)
    heads = (markdown_table([]).partition("\n")[0],)
    check_replaced("experiment table", out, overwrite=overwrite, heads=heads)
    results = [read_result(folder) for folder in _finished_among(folders)]
    text = markdown_table(results)
    if out is None:
        typer.echo(text, nl=False)
        return
    write_text(out, text)
    say(f"wrote {out}")


def _finished(out: Path, wanted: dict[str, object], *, whole: bool) -> Result | None:
    """Return the result in a folder, if there is one, and it is the one asked for."""
    from napari_unet.experiments import read_result
    from napari_unet.experiments.result import FILE

    if not (out / FILE).exists():
        return None
    result = read_result(out)
    has = {name: getattr(result, name) for name in wanted}
    if has != wanted:
        words = ", ".join(f"{name} {value}" for name, value in has.items())
        raise InputError(f"{out} holds {words}: choose another --out.")
    if whole and not result.full:
        raise InputError(
            f"The experiment in {out} was cut short by --minutes: choose another --out "
            "for the whole, or give --minutes to see it again."
        )
    return result


def _finished_among(folders: list[Path]) -> list[Path]:
    """Leave out, and name, what holds no finished experiment, unless nothing does.

    A folder that is named twice counts once.
    """
    from napari_unet.experiments.result import FILE

    folders = [*{os.path.realpath(folder): folder for folder in folders}.values()]
    finished = [folder for folder in folders if (folder / FILE).exists()]
    if not finished:
        return folders
    for folder in (one for one in folders if one not in finished):
        typer.echo(f"{folder} holds no finished experiment: left out", err=True)
    return finished


def _train(run: ExperimentRun) -> Result | None:
    """Train with progress, and measure; None where it was told to end first."""
    from napari_unet.cli.show import follow, say
    from napari_unet.cli.signals import stop_on_signals

    for line in run.words:
        say(line)
    with stop_on_signals() as stop:
        follow(run.trainer.run(stop))
    if not run.trainer.is_over:
        say("stopped before the end: the same command goes on from here")
        return None
    say("measuring ...")
    return run.finish()


def _comparison(result: Result) -> Table:
    """Return the row that the study printed, and under it the measured one."""
    from rich.table import Table

    from napari_unet.experiments.table import figures, written

    preset = result.preset
    table = Table(box=None, pad_edge=False)
    table.add_column("", no_wrap=True)
    for name in preset.columns:
        table.add_column(name, justify="right")
    if preset.printed is not None:
        cells = [written(value) for value in preset.printed.figures.values()]
        table.add_row(f"printed ({preset.printed.number})", *cells)
    cells = [written(value) for value in figures(result).values()]
    table.add_row("measured", *cells)
    return table
