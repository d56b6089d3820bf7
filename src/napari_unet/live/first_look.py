"""What a model that is started from makes of the view, before anything is prepared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

from napari_unet.config import PredictConfig
from napari_unet.config.run import NOISE
from napari_unet.data.stack import Stack
from napari_unet.live.requests import LiveRequests
from napari_unet.model.checkpoint import Model
from napari_unet.model.device import Device
from napari_unet.model.threads import Threads
from napari_unet.predict.onlooker import TILE, Preview
from napari_unet.predict.predictor import Predictor
from napari_unet.starters.model_file import model_file
from napari_unet.train.checkpoints import title


def name_of(start: str | Path | Model) -> str:
    """Return what is started from in words: without the size or date of its title."""
    if isinstance(start, Model) or start == NOISE:
        return "the model"
    return title(model_file(start)).partition(",")[0]


def first_look(
    model: Model,
    stack: Stack,
    requests: LiveRequests,
    device: Device,
    threads: Threads,
    drawn_by: str,
    stop: Event,
) -> Iterator[Preview]:
    """Predict what is looked at, from its middle on, until another part is.

    Only the slice in view is read and normalised, where a model of two dimensions takes
    every slice by itself; of other models, nothing comes before the stack is prepared.

    Parameters
    ----------
    model
        What is started from.
    stack
        The image.
    requests
        What is looked at.
    device, threads
        Where it is predicted.
    drawn_by
        What the model is called in words to the user.
    stop
        Ends it after the tile in hand once it is set.
    """
    card, network = model.card, model.network.config
    of_slice = card.normalization.per == "slice" and network.ndim == 2
    image, wanted = stack.picture.as_czyx(), requests.view
    if wanted is None or not of_slice or image.shape[0] != network.in_channels:
        return
    view = wanted.within(image.shape[1:])
    if view is None:
        return
    plane = card.normalization.lazily(image[:, view.box[0]])
    config = PredictConfig(tile_size=TILE, batch_size=1)
    predictor = Predictor(model, config, device, threads)
    box = (slice(0, 1), *view.box[1:])
    for tile in predictor.normalised_tiles(plane, box, middle_first=True):
        core = (view.box[0], *tile.core[1:])
        yield Preview(core, tile.labels, tile.probabilities, 0, 0, drawn_by)
        if stop.is_set() or requests.view != wanted:
            return
