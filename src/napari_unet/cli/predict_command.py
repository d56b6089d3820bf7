"""Weights, prediction and scores from files to files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.cli.outputs import check_outputs, check_tiff
from napari_unet.cli.show import bar, say, stop_on_interrupt
from napari_unet.config import (
    AnnotationKind,
    PostprocessConfig,
    PredictConfig,
    WeightMapConfig,
)
from napari_unet.data.annotation import describe, guess_kind, to_target
from napari_unet.data.read import read_stack
from napari_unet.data.stack import (
    Stack,
)
from napari_unet.data.weight_map import weight_map
from napari_unet.data.write import write_stack
from napari_unet.errors import NapariUNetError
from napari_unet.predict.pixel_size import difference

if TYPE_CHECKING:
    from napari_unet.predict.predictor import Prediction, Predictor

_RESCALED = "it is rescaled, and the prediction brought back to its own pixels."
_UNSCALED = "the mask will be poor; --rescale brings it to the model's pixel size."


def write_weights(
    labels: Path,
    out: Path,
    kind: AnnotationKind | None,
    config: WeightMapConfig,
    ndim: int,
) -> None:
    """Write the weight map of a labels file as 32-bit TIFF."""
    check_outputs([labels], out)
    check_tiff(out)
    stack = read_stack(labels)
    values = np.asarray(stack.as_zyx())
    if kind is None:
        guess = guess_kind(values)
        kind = guess.kind
        say(f"read as {kind}: {guess.reason}")
    target = to_target(values, kind, ndim=ndim)
    for note in target.notes:
        say(note)
    mapped = weight_map(target, config, ndim=ndim, pixel_size=stack.zyx_size)
    result = stack.single_channel(mapped)
    write_stack(out, result.data, like=result)
    say(f"{describe(target, kind)}; weights {mapped.min():.3g} to {mapped.max():.3g}")
    say(f"wrote {out}")


def write_prediction(
    model: Path,
    stack: Stack,
    out: Path,
    probabilities: Path | None,
    config: PredictConfig,
    finish: PostprocessConfig | None = None,
) -> None:
    """Predict a stack and write labels or objects and, if wanted, probabilities."""
    from napari_unet.model.checkpoint import load_model
    from napari_unet.predict.postprocessing import needs_probabilities, postprocess
    from napari_unet.predict.rescale import predictor_for

    finish = finish or PostprocessConfig()
    loaded = load_model(model)
    predictor = predictor_for(loaded, stack, config)
    if words := difference(loaded.card, stack.zyx_size, stack.unit):
        say(f"{words}: {_RESCALED if config.rescale else _UNSCALED}")
    say(f"predicting on {predictor.device.words}")
    keep = probabilities is not None or needs_probabilities(finish)
    result = predict_stack(predictor, stack, keep=keep)
    found = postprocess(
        result.labels,
        finish,
        probabilities=result.probabilities,
        threshold=predictor.threshold,
        ndim=predictor.model.network.config.ndim,
    )
    labels = stack.single_channel(found)
    write_stack(out, labels.data, like=labels)
    objects = "" if finish.objects == "no" else f", {int(found.max()):,} objects"
    say(f"wrote {out}{objects}")
    if probabilities is not None and result.probabilities is not None:
        channels = result.probabilities.reshape(-1, *labels.shape)
        write_stack(probabilities, channels, like=labels, axes=f"C{labels.axes}")
        say(f"wrote {probabilities}")


def predict_stack(
    predictor: Predictor, stack: Stack, *, keep: bool = False
) -> Prediction:
    """Predict a stack behind a bar; `keep` also returns the probabilities.

    Raises
    ------
    NapariUNetError
        When Ctrl+C ends it early: half a stack would look like a whole one.
    """
    image = stack.as_czyx()
    result = predictor.empty(image.shape[1:], keep=keep)
    unfinished = True
    with stop_on_interrupt() as stop, bar("predicting") as show:
        for tile in predictor.tiles(image, stop):
            if tile.message:
                say(tile.message)
            result.add(tile)
            show(tile.done, tile.total)
            unfinished = tile.done < tile.total
    if unfinished:
        raise NapariUNetError("Stopped before the end: no prediction was written.")
    return result
