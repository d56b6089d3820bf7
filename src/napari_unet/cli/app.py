"""The commands of `napari-unet`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_unet.cli.baseline_command import baseline
from napari_unet.cli.experiment_command import app as experiment_app
from napari_unet.cli.export_command import export
from napari_unet.cli.measure_command import measure
from napari_unet.cli.options import (
    Given,
    Overwrite,
    check_formula,
    with_options,
    with_settings,
)
from napari_unet.cli.score_request import ScoreRequest
from napari_unet.cli.train_command import train
from napari_unet.config import UNetConfig, WeightMapConfig

app = typer.Typer(
    name="napari-unet",
    help="Train a U-Net on annotated EM stacks, predict, and score the result.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
app.add_typer(experiment_app, name="experiment")
app.command()(baseline)


@app.callback(invoke_without_command=True)
def _version(
    ctx: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.")
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            "--debug",
            help="Show the traceback of an error; works anywhere in the line.",
        ),
    ] = False,
) -> None:
    # `main` takes --debug out of the line; here it is only described.
    del debug
    if version:
        import napari_unet

        typer.echo(napari_unet.__version__)
        raise typer.Exit


@app.command()
@with_settings("train.device")
def check(given: Given) -> None:
    """Show what the U-Net will run on; copy it into a bug report."""
    from napari_unet.cli.check import report

    for line in report(given["train"].get("device", "auto")):
        typer.echo(line)


@app.command()
@with_settings(
    *("image.kind", "image.ignore", "image.complete", "weight_map.formula"),
    *("weight_map.w0", "weight_map.sigma", "weight_map.balance", "network.ndim"),
    *("image.axes", "image.level", "image.pixel_size", "image.unit"),
)
def weights(
    given: Given,
    labels: Annotated[Path, typer.Argument(help="Labels: file or folder of slices.")],
    out: Annotated[Path, typer.Argument(help="TIFF file to write.")],
    overwrite: Overwrite = False,
) -> None:
    """Write the weight map of a labels file (paper, equation 2)."""
    from napari_unet.cli.predict_command import write_weights

    check_formula(given["weight_map"])
    settings = WeightMapConfig().changed("command line", **given["weight_map"])
    ndim = UNetConfig().changed("command line", **given["network"]).ndim
    write_weights(labels, out, given["image"], settings, ndim, overwrite=overwrite)


app.command()(train)


@app.command()
@with_settings(
    *("predict.average", "predict.rescale", "predict.threshold", "finish.objects"),
    *("finish.follow_slices", "finish.min_size", "finish.fill_holes"),
    *("finish.thin_borders", "finish.neck", "finish.core", "finish.smooth"),
    *("predict.tile_size", "predict.tile_slices", "predict.batch_size", "half"),
    *("predict.device", "predict.backend"),
    *("image.axes", "image.info_bar", "image.level", "image.pixel_size", "image.unit"),
    *("blocks.engine", "blocks.scheduler", "blocks.workers", "blocks.block"),
    *("blocks.cpus", "blocks.memory", "blocks.walltime", "blocks.directives"),
)
def predict(  # noqa: PLR0913 (every option is one argument)
    given: Given,
    model: Annotated[
        Path,
        typer.Argument(
            help="Model file (.safetensors), starter network such as em-membranes, "
            "bioimage.io package (.zip or folder), or ONNX file of napari-unet."
        ),
    ],
    image: Annotated[
        Path, typer.Argument(help="Image file, folder of slices, or OME-Zarr.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="TIFF file for the labels or objects; a folder, where each image of a "
            "folder is predicted by itself; or OME-Zarr (NAME.ome.zarr) for a volume "
            "of any size, which is predicted block by block. Started again, the "
            "command goes on where it was."
        ),
    ],
    slices: Annotated[
        str | None, typer.Option(help="Slices to predict, as start:stop.")
    ] = None,
    probabilities: Annotated[
        Path | None,
        typer.Option(help="TIFF file, or OME-Zarr, for the probabilities."),
    ] = None,
    half: Annotated[
        bool,
        typer.Option(
            "--float16", help="Keep probabilities as float16, in half the memory."
        ),
    ] = False,
    trust_code: Annotated[
        bool,
        typer.Option(
            "--trust-code",
            help="Let a package run code of its own, which may do anything: only where "
            "you know whom it is from.",
        ),
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Predict a stack with a trained model."""
    from napari_unet.cli.predict_command import run_predict

    run_predict(
        *(given, model, image, out),
        slices=slices,
        probabilities=probabilities,
        half=half,
        trust_code=trust_code,
        overwrite=overwrite,
    )


@app.command("import")
def import_(
    package: Annotated[
        Path, typer.Argument(help="bioimage.io package (.zip or folder).")
    ],
    out: Annotated[
        Path | None, typer.Argument(help="Model file to write (.safetensors).")
    ] = None,
) -> None:
    """Make a model file from a bioimage.io package whose network is a U-Net."""
    from napari_unet.cli.import_command import run_import

    run_import(package, out)


app.command()(export)


@app.command()
@with_options(ScoreRequest)
def score(request: ScoreRequest) -> None:
    """Score a prediction against ground truth, slice by slice and overall."""
    if request.each:
        from napari_unet.cli.score_each import score_each

        score_each(request)
        return
    from napari_unet.cli.score_command import run_score

    run_score(request)


app.command()(measure)


@app.command("run")
def run_steps(
    recipe: Annotated[
        Path,
        typer.Argument(
            help="YAML file: a list of steps, each a command with its options by name."
        ),
    ],
    dry: Annotated[
        bool, typer.Option("--dry-run", help="Print the commands; run none.")
    ] = False,
) -> None:
    """Run several commands, declared in a file, one after the other."""
    from napari_unet.cli.workflow_command import run_recipe

    run_recipe(recipe, typer.main.get_command(app), dry=dry)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("demo-out"),
    minutes: Annotated[float, typer.Option(help="Time to train.", min=0.01)] = 2.0,
    seed: Annotated[int, typer.Option(help="Seed of stack and training.")] = 0,
    gui: Annotated[
        bool, typer.Option(help="Open the result in napari, with the dock.")
    ] = False,
) -> None:
    """Train on a synthetic EM stack, predict, score, and write pictures."""
    from napari_unet.cli.demo_command import run_demo

    run_demo(out, minutes=minutes, seed=seed, gui=gui)
