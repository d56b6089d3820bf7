"""Looks at a timed training: now and then a part of what somebody looks at."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

from napari_unet.config import PredictConfig
from napari_unet.model.checkpoint import Model, ModelCard
from napari_unet.predict.onlooker import TILE, Onlooker, Preview, View
from napari_unet.predict.predictor import Predictor

if TYPE_CHECKING:
    from napari_unet.train.progress import TrainStep
    from napari_unet.train.trainer import Trainer

SHARE = 0.03
"""Of the time of a training that its previews may take."""

_Box = tuple[slice, ...]


class Previews:
    """Predicts what is looked at, a tile at a time, as often as it costs little.

    The network that learns is asked as it is, and learns the same with and without.

    Parameters
    ----------
    trainer
        Whose network it is.
    onlooker
        Who looks at the first of its images.

    Attributes
    ----------
    seconds
        Time spent on previews so far.
    """

    def __init__(self, trainer: Trainer, onlooker: Onlooker) -> None:
        self._trainer, self._onlooker = trainer, onlooker
        self._image = trainer.images[0]
        self._view: View | None = None
        self._waiting: deque[_Box] = deque()
        self._due = -math.inf
        self.seconds = 0.0

    def among(
        self, steps: Iterator[TrainStep | Preview]
    ) -> Iterator[TrainStep | Preview]:
        """Yield the steps of the trainer, and previews between them."""
        for step in steps:
            yield step
            if time.perf_counter() >= self._due:
                yield from self._next()

    def _next(self) -> list[Preview]:
        """Return the next tile of the view; the time until the one after is long."""
        began, view = time.perf_counter(), self._onlooker.view
        if view is not None:
            view = view.within(self._image.weight_map.shape)
        if view is None:
            return []
        if view != self._view or not self._waiting:
            self._view, self._waiting = view, deque(_tiles(view))
        previews = list(self._predict(view, self._waiting.popleft()))
        spent = time.perf_counter() - began
        self.seconds += spent
        self._due = began + spent / SHARE
        return previews

    def _predict(self, view: View, box: _Box) -> Iterator[Preview]:
        config = PredictConfig(tile_size=TILE, batch_size=1)
        network = self._trainer.network
        model = Model(network, ModelCard(network=network.config))
        predictor = Predictor(model, config, self._trainer.device)
        for tile in predictor.normalised_tiles(self._image.image, box):
            yield Preview(
                tile.core, tile.labels, tile.probabilities, self._trainer.step
            )


def _tiles(view: View) -> list[_Box]:
    """Cut a view with a region into tiles, those in its middle first."""
    slices, *region = view.box
    middle = [(part.start + part.stop) / 2 for part in region]

    def distance(box: _Box) -> float:
        centres = [(part.start + part.stop) / 2 for part in box[1:]]
        return math.dist(centres, middle)

    starts = (range(part.start, part.stop, TILE) for part in region)
    corners = product(*starts)
    boxes = [
        (
            slices,
            *(
                slice(start, min(start + TILE, part.stop))
                for start, part in zip(corner, region, strict=True)
            ),
        )
        for corner in corners
    ]
    return sorted(boxes, key=distance)
