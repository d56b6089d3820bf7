"""The command `export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_unet.cli.options import Overwrite, option
from napari_unet.config import ExportConfig


def export(  # noqa: PLR0913 (every option is one argument)
    model: Annotated[
        Path,
        typer.Argument(
            help="Model file (.safetensors), or starter network such as em-membranes."
        ),
    ],
    out: Annotated[
        Path,
        typer.Argument(
            help="File to write: a package of bioimage.io (.zip), or the network alone "
            "as TorchScript (.pt) or ONNX (.onnx)."
        ),
    ],
    file_format: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="bioimageio, torchscript or onnx; the end of OUT tells when left out.",
        ),
    ] = None,
    name: Annotated[str | None, option(ExportConfig, "name")] = None,
    description: Annotated[str | None, option(ExportConfig, "description")] = None,
    author: Annotated[
        list[str] | None, typer.Option(help="Who made the model; can be repeated.")
    ] = None,
    license: Annotated[str | None, option(ExportConfig, "license")] = None,
    cite: Annotated[
        list[str] | None,
        typer.Option(
            help="What to cite beside the U-Net's paper: text with a DOI or an "
            "address; can be repeated."
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a model so that other programs can use it."""
    from napari_unet.cli.outputs import check_outputs, check_replaced
    from napari_unet.cli.show import say
    from napari_unet.share.package import export_model, was_exported
    from napari_unet.starters.model_file import model_file

    given = {
        "name": name,
        "description": description,
        "authors": author,
        "license": license,
        "cite": cite,
    }
    known = {field: value for field, value in given.items() if value}
    config = ExportConfig.read(known, "command line")
    model = model_file(model)
    check_outputs([model], out)
    check_replaced("export", out, overwrite=overwrite, is_own=was_exported)
    exported = export_model(model, out, config, file_format)
    for kind, difference in exported.differences.items():
        say(f"{kind}: probabilities differ by {difference:.1g} from the model's")
    if exported.moments:
        say(
            f"mean and deviation as other programs take them: {exported.moments:.1g} "
            "more, on an image without filling and hot pixels"
        )
    for note in exported.notes:
        say(note)
    say(f"wrote {out}")
