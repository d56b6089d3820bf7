"""What the command `score` is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from napari_unet.cli.options import Overwrite, Volume, option
from napari_unet.config import AnnotationKind, Coverage, ImageConfig


@dataclass(frozen=True)
class ScoreRequest:
    """What is scored, and what is written: arguments and options of `score`."""

    prediction: Annotated[Path, typer.Argument(help="Predicted labels.")]
    truth: Annotated[Path, typer.Argument(help="Ground truth labels.")]
    slices: Annotated[
        str | None, typer.Option(help="Slices of the prediction, as start:stop.")
    ] = None
    truth_slices: Annotated[
        str | None, typer.Option(help="Slices of the ground truth, as start:stop.")
    ] = None
    kind: Annotated[AnnotationKind | None, option(ImageConfig, "kind")] = None
    ignore: Annotated[str | None, option(ImageConfig, "ignore")] = None
    complete: Annotated[str | None, option(ImageConfig, "complete")] = None
    volume: Volume = None
    image: Annotated[
        Path | None,
        typer.Option(help="The image: for pictures in the report, and for --model."),
    ] = None
    axes: Annotated[str | None, option(ImageConfig, "axes")] = None
    info_bar: Annotated[int | None, option(ImageConfig, "info_bar")] = None
    level: Annotated[int, option(ImageConfig, "level")] = 0
    model: Annotated[
        Path | None,
        typer.Option(
            help="The model: its settings go into the report; with --image, slices "
            "that it was trained on are marked."
        ),
    ] = None
    probabilities: Annotated[
        Path | None,
        typer.Option(help="TIFF of the probabilities: adds the soft IoU and Dice."),
    ] = None
    json: Annotated[Path | None, typer.Option(help="JSON file to write.")] = None
    csv: Annotated[Path | None, typer.Option(help="CSV file to write.")] = None
    report: Annotated[
        Path | None,
        typer.Option(help="Page to write, with pictures: .html, or .md and a folder."),
    ] = None
    error_map: Annotated[
        Path | None,
        typer.Option(
            help="TIFF to write: true and false positives, false negatives (1, 2, 3) "
            "in the first channel, numbered errors in the second; beside NAME.tif a "
            "list of these, NAME-errors.json."
        ),
    ] = None
    each: Annotated[
        bool,
        typer.Option(
            "--each",
            help="Score each file of a folder against the one of the same name in the "
            "folder of the truth; --csv gets a line for each.",
        ),
    ] = False
    overwrite: Overwrite = False

    @property
    def coverage(self) -> Coverage:
        """Which pixels of the ground truth say anything."""
        given = {"ignore": self.ignore, "complete": self.complete}
        return Coverage().changed("command line", **given)
