"""Prediction as a worker's generator: an array in, tiles and objects out, no Qt."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_unet.config import PostprocessConfig, PredictConfig
from napari_unet.data.fingerprint import fingerprint
from napari_unet.data.stack import Stack
from napari_unet.model.started import Started

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet.predict.prediction import TileDone

# Reading all of a larger image takes longer than predicting one slice of it.
_LARGE = 2**30


@dataclass(frozen=True)
class Finishing:
    """All tiles are done; what is made of them takes a moment."""


@dataclass(frozen=True, eq=False)
class Finished:
    """The end, in words, and (Z, Y, X) labels where they differ from the tiles'.

    With the fingerprint of the image, "" where it would take too long.
    """

    words: str
    labels: NDArray[np.unsignedinteger] | None = None
    image: str = ""


@dataclass(eq=False)
class PredictionWork:
    """A prediction of a copy of a layer, for a worker thread.

    Attributes
    ----------
    model
        The model file.
    stack
        The image.
    settings
        How it is predicted.
    finish
        What is made of the prediction once all tiles are there.
    whole
        The image that `stack` is a part of.
    """

    model: Path
    stack: Stack
    settings: PredictConfig
    finish: PostprocessConfig
    whole: Stack | None = None

    def run(
        self, stop: threading.Event
    ) -> Generator[Started | TileDone | Finishing, None, Finished]:
        """Predict, yielding device and tiles, and finish the whole where wanted."""
        from napari_unet.model.checkpoint import load_model
        from napari_unet.predict.postprocessing import needs_probabilities, postprocess
        from napari_unet.predict.rescale import predictor_for

        predictor = predictor_for(load_model(self.model), self.stack, self.settings)
        yield Started(predictor.device.words, (), predictor.device.memory_words)
        image = self.stack.as_czyx()
        keep = needs_probabilities(self.finish)
        whole = predictor.empty(image.shape[1:], keep=keep)
        began = time.monotonic()
        for tile in predictor.tiles(image):
            whole.add(tile)
            yield tile
            if stop.is_set():
                words = f"Stopped after tile {tile.done} of {tile.total}"
                return Finished(words, image=self._fingerprint())
        labels, objects = None, ""
        if self.finish != PostprocessConfig():
            yield Finishing()
            labels = postprocess(
                whole.labels,
                self.finish,
                probabilities=whole.probabilities,
                threshold=predictor.threshold,
                ndim=predictor.model.network.config.ndim,
            )
            if self.finish.objects != "no":
                objects = f": {int(labels.max()):,} objects"
        seconds = time.monotonic() - began
        words = f"Done in {seconds:.1f} s on {predictor.device.words}{objects}"
        return Finished(words, labels, self._fingerprint())

    def _fingerprint(self) -> str:
        """Return that of the whole image, after all that the user waits for."""
        image = (self.whole or self.stack).as_czyx()
        size = math.prod(image.shape) * image.dtype.itemsize
        part = self.whole is not None and self.whole.num_slices > self.stack.num_slices
        return "" if part and size > _LARGE else fingerprint(image)
