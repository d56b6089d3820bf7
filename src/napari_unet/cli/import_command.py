"""A bioimage.io package made into a model file."""

from __future__ import annotations

import os
from pathlib import Path

from napari_unet.cli.outputs import check_outputs
from napari_unet.cli.show import say
from napari_unet.errors import InputError
from napari_unet.share.imported import check_package, import_model


def run_import(package: Path, out: Path | None) -> None:
    """Import a package, beside which the model lies where no name is given."""
    check_package(package)
    out = out or Path(os.path.realpath(package)).with_suffix(".safetensors")
    if out.suffix != ".safetensors":
        raise InputError(f"{out}: models are .safetensors files, end the name in that.")
    check_outputs([package], out)
    if out.exists():
        raise InputError(f"{out} is there already: choose another name for the model.")
    imported = import_model(package, out)
    say(imported.words)
    say(f"wrote {out}")
