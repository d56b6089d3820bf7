"""A prediction as the command that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_unet.config import PostprocessConfig, PredictConfig
    from napari_unet.config.base import Settings

_NOT_TYPED = ("probabilities",)
"""Of settings that the command line says in another way."""


def predict_command(
    model: Path,
    image: str | Path,
    config: PredictConfig,
    finish: PostprocessConfig,
    *,
    slices: str = "",
    probabilities: bool = False,
) -> str:
    """Return the line that predicts the same without a window.

    Parameters
    ----------
    model, image
        The files.
    config, finish
        Settings; what is as it is at first is left out.
    slices
        Those that are predicted, such as "3:4"; all when left out.
    probabilities
        Whether they are written, too.
    """
    stem = Path(image).name.split(".")[0]
    words = ["napari-unet", "predict", str(model), str(image)]
    words += ["--out", f"{stem}-prediction.tif", *_options(config), *_options(finish)]
    if slices:
        words += ["--slices", slices]
    if probabilities:
        words += ["--probabilities", f"{stem}-probabilities.tif"]
        words += ["--float16"] * (config.probabilities == "float16")
    return shlex.join(words)


def _options(settings: Settings) -> Sequence[str]:
    words: list[str] = []
    for name, field in type(settings).model_fields.items():
        value: Any = getattr(settings, name)
        if value == field.default or name in _NOT_TYPED:
            continue
        flag = name.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif value is not None:
            words += [f"--{flag}", str(value)]
    return words
