"""The commands of `napari-unet`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_unet.cli.baseline_command import baseline
from napari_unet.cli.experiment_command import app as experiment_app
from napari_unet.cli.options import check_formula, option, override
from napari_unet.config import (
    AnnotationKind,
    ImageConfig,
    PostprocessConfig,
    PredictConfig,
    Preset,
    TrainConfig,
    UNetConfig,
    WeightMapConfig,
)

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

Kind = Annotated[AnnotationKind | None, option(ImageConfig, "kind")]
Device = Annotated[str | None, option(TrainConfig, "device")]


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
def check(device: Device = None) -> None:
    """Show what the U-Net will run on; copy it into a bug report."""
    from napari_unet.cli.check import report

    for line in report(device or "auto"):
        typer.echo(line)


@app.command()
def weights(
    labels: Annotated[Path, typer.Argument(help="TIFF file or folder of labels.")],
    out: Annotated[Path, typer.Argument(help="TIFF file to write.")],
    kind: Kind = None,
    formula: Annotated[str | None, option(WeightMapConfig, "formula")] = None,
    w0: Annotated[float | None, option(WeightMapConfig, "w0")] = None,
    sigma: Annotated[float | None, option(WeightMapConfig, "sigma")] = None,
    balance: Annotated[bool | None, option(WeightMapConfig, "balance")] = None,
    ndim: Annotated[int | None, option(UNetConfig, "ndim", "--ndim")] = None,
) -> None:
    """Write the weight map of a labels file (paper, equation 2)."""
    from napari_unet.cli.predict_command import write_weights

    given = {"formula": formula, "w0": w0, "sigma": sigma, "balance": balance}
    check_formula(given)
    settings = override(WeightMapConfig(), "command line", **given)
    write_weights(labels, out, kind, settings, ndim or 2)


@app.command()
def train(  # noqa: PLR0913 (every option is one argument)
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run; made if missing.")
    ] = None,
    image: Annotated[list[str] | None, option(ImageConfig, "image", "--image")] = None,
    labels: Annotated[
        list[str] | None, option(ImageConfig, "labels", "--labels")
    ] = None,
    kind: Annotated[
        list[AnnotationKind] | None, option(ImageConfig, "kind", "--kind")
    ] = None,
    train_slices: Annotated[
        list[str] | None, option(ImageConfig, "train", "--train")
    ] = None,
    validate: Annotated[
        list[str] | None, option(ImageConfig, "validate_", "--validate")
    ] = None,
    regions: Annotated[
        list[Path] | None,
        typer.Option(
            help="Boxes, polygons or slices to train on, hold out, keep for a test or "
            "ignore: a YAML or JSON file, saved in the Train dock or written by hand.",
            show_default=False,
        ),
    ] = None,
    preset: Annotated[
        Preset | None,
        typer.Option(
            help="Settings to start from: fast (default) reaches a good mask soonest; "
            "thorough takes an hour for a larger network; paper is the U-Net of 2015; "
            "auto chooses the size of network, patches and batch for the data, the "
            "device and the minutes. Every other option changes them; not together "
            "with --config.",
            show_default=False,
        ),
    ] = None,
    minutes: Annotated[float | None, option(TrainConfig, "minutes")] = None,
    epochs: Annotated[int | None, option(TrainConfig, "epochs")] = None,
    steps: Annotated[int | None, option(TrainConfig, "steps")] = None,
    base_channels: Annotated[int | None, option(UNetConfig, "base_channels")] = None,
    ndim: Annotated[int | None, option(UNetConfig, "ndim", "--ndim")] = None,
    formula: Annotated[str | None, option(WeightMapConfig, "formula")] = None,
    w0: Annotated[float | None, option(WeightMapConfig, "w0")] = None,
    sigma: Annotated[float | None, option(WeightMapConfig, "sigma")] = None,
    balance: Annotated[bool | None, option(WeightMapConfig, "balance")] = None,
    loss: Annotated[str | None, option(TrainConfig, "loss")] = None,
    optimizer: Annotated[str | None, option(TrainConfig, "optimizer")] = None,
    learning_rate: Annotated[float | None, option(TrainConfig, "learning_rate")] = None,
    schedule: Annotated[str | None, option(TrainConfig, "schedule")] = None,
    clip: Annotated[float | None, option(TrainConfig, "clip")] = None,
    batch_size: Annotated[int | None, option(TrainConfig, "batch_size")] = None,
    patch_size: Annotated[int | None, option(TrainConfig, "patch_size")] = None,
    device: Device = None,
    seed: Annotated[int | None, option(TrainConfig, "seed")] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            help="Settings as YAML, such as the run.yaml of another run. What it "
            "leaves out keeps its default; options win over it."
        ),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a run that was stopped: go on with it, with its own "
            "images and settings."
        ),
    ] = None,
    fine_tune: Annotated[
        Path | None, typer.Option(help="Model to start from instead of a new network.")
    ] = None,
    frozen_levels: Annotated[int | None, option(TrainConfig, "frozen_levels")] = None,
    old_rate: Annotated[float | None, option(TrainConfig, "old_rate")] = None,
) -> None:
    """Train a network on one or several images with annotations.

    Give --image and --labels once for each image. --kind, --train, --validate and
    --regions hold for all images when given once, or belong to the images in their
    order.
    Ctrl+C ends the run in good order, with a model that can be used.
    """
    from napari_unet.cli.train_command import Request, run_training

    settings: dict[str, dict[str, Any]] = {
        "network": {"base_channels": base_channels, "ndim": ndim},
        "weights": {"formula": formula, "w0": w0, "sigma": sigma, "balance": balance},
        "train": {
            "minutes": minutes,
            "epochs": epochs,
            "steps": steps,
            "loss": loss,
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "schedule": schedule,
            "clip": clip,
            "batch_size": batch_size,
            "patch_size": patch_size,
            "frozen_levels": frozen_levels,
            "old_rate": old_rate,
            "device": device,
            "seed": seed,
        },
    }
    run_training(
        Request(
            images=image or [],
            labels=labels or [],
            kinds=kind or [],
            train=train_slices or [],
            validate=validate or [],
            regions=regions or [],
            settings=settings,
            out=out,
            preset=preset,
            config=config,
            resume=resume,
            fine_tune=fine_tune,
        )
    )


@app.command()
def predict(  # noqa: PLR0913 (every option is one argument)
    model: Annotated[Path, typer.Argument(help="Model file (.safetensors).")],
    image: Annotated[Path, typer.Argument(help="TIFF file or folder of slices.")],
    out: Annotated[Path, typer.Option(help="TIFF file for the labels or objects.")],
    slices: Annotated[
        str | None, typer.Option(help="Slices to predict, as start:stop.")
    ] = None,
    probabilities: Annotated[
        Path | None, typer.Option(help="TIFF file for the probabilities.")
    ] = None,
    average: Annotated[bool | None, option(PredictConfig, "average")] = None,
    rescale: Annotated[bool | None, option(PredictConfig, "rescale")] = None,
    threshold: Annotated[float | None, option(PredictConfig, "threshold")] = None,
    objects: Annotated[str | None, option(PostprocessConfig, "objects")] = None,
    follow_slices: Annotated[
        bool | None, option(PostprocessConfig, "follow_slices")
    ] = None,
    min_size: Annotated[int | None, option(PostprocessConfig, "min_size")] = None,
    fill_holes: Annotated[int | None, option(PostprocessConfig, "fill_holes")] = None,
    thin_borders: Annotated[
        int | None, option(PostprocessConfig, "thin_borders")
    ] = None,
    neck: Annotated[float | None, option(PostprocessConfig, "neck")] = None,
    smooth: Annotated[float | None, option(PostprocessConfig, "smooth")] = None,
    tile_size: Annotated[int | None, option(PredictConfig, "tile_size")] = None,
    tile_slices: Annotated[int | None, option(PredictConfig, "tile_slices")] = None,
    batch_size: Annotated[int | None, option(PredictConfig, "batch_size")] = None,
    half: Annotated[
        bool,
        typer.Option(
            "--float16", help="Keep probabilities as float16, in half the memory."
        ),
    ] = False,
    device: Device = None,
) -> None:
    """Predict a stack with a trained model."""
    from napari_unet.cli.outputs import check_outputs, check_tiff
    from napari_unet.cli.predict_command import write_prediction
    from napari_unet.cli.show import read_and_tell

    check_outputs([model, image], out, probabilities)
    check_tiff(out, probabilities)
    settings = override(
        PredictConfig(),
        average=average,
        rescale=rescale,
        threshold=threshold,
        tile_size=tile_size,
        tile_slices=tile_slices,
        batch_size=batch_size,
        probabilities="float16" if half else None,
        device=device,
    )
    finish = override(
        PostprocessConfig(),
        objects=objects,
        follow_slices=follow_slices,
        min_size=min_size,
        fill_holes=fill_holes,
        thin_borders=thin_borders,
        neck=neck,
        smooth=smooth,
    )
    stack = read_and_tell(image).slices(slices)
    write_prediction(model, stack, out, probabilities, settings, finish)


@app.command()
def score(  # noqa: PLR0913 (every option is one argument)
    prediction: Annotated[Path, typer.Argument(help="Predicted labels.")],
    truth: Annotated[Path, typer.Argument(help="Ground truth labels.")],
    slices: Annotated[
        str | None, typer.Option(help="Slices of the prediction, as start:stop.")
    ] = None,
    truth_slices: Annotated[
        str | None, typer.Option(help="Slices of the ground truth, as start:stop.")
    ] = None,
    kind: Kind = None,
    volume: Annotated[
        bool | None,
        typer.Option(
            "--volume/--planes",
            help="Whether objects go on through the slices; guessed when left out.",
            show_default=False,
        ),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(help="The image: for pictures in the report, and for --model."),
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(
            help="The model: its settings go into the report; with --image, slices "
            "that it was trained on are marked."
        ),
    ] = None,
    probabilities: Annotated[
        Path | None,
        typer.Option(help="TIFF of the probabilities: adds the soft IoU and Dice."),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None,
    csv: Annotated[Path | None, typer.Option(help="CSV file to write.")] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Page to write, with pictures: .html, or .md and a folder."),
    ] = None,
    error_map: Annotated[
        Path | None,
        typer.Option(
            help="TIFF to write: true and false positives, false negatives (1, 2, 3) "
            "in the first channel, numbered errors in the second; beside NAME.tif a "
            "list of these, NAME-errors.json."
        ),
    ] = None,
) -> None:
    """Score a prediction against ground truth, slice by slice and overall."""
    from napari_unet.cli.score_command import ScoreRequest, run_score

    run_score(
        ScoreRequest(
            prediction=prediction,
            truth=truth,
            slices=slices,
            truth_slices=truth_slices,
            kind=kind,
            volume=volume,
            image=image,
            model=model,
            probabilities=probabilities,
            json=json,
            csv=csv,
            report=report,
            error_map=error_map,
        )
    )


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
