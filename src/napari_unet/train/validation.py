"""The held-out slices, scored with the predictor and the scores that users get."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.annotation import IGNORE
from napari_unet.data.crop import cut_slices
from napari_unet.predict.predictor import Predictor
from napari_unet.score.pixels.overlap import Overlap, overlap
from napari_unet.train.training_image import TrainingImage

_LAST = "the last state of the network is kept"
_NOTHING = f"nothing is held out: {_LAST}"
_BACKGROUND = (
    f"only background is held out, which cannot show which network is best: {_LAST}"
)


def held_out(images: Sequence[TrainingImage]) -> list[TrainingImage]:
    """Return the images with held-out slices.

    Return none where these show background alone: their IoU is 0 whatever a network
    answers, and the first one would be the best for ever.
    """
    held = [image for image in images if image.validation.size]
    return held if any(map(shows_foreground, held)) else []


def shows_foreground(image: TrainingImage) -> bool:
    """Whether something other than background is held out of an image."""
    return bool(((image.truth > 0) & (image.truth != IGNORE)).any())


class Validation:
    """The held-out slices of a training set.

    Parameters
    ----------
    images
        The training set.

    Attributes
    ----------
    note
        Words to the user where they cannot choose the best network; else "".
    """

    def __init__(self, images: Sequence[TrainingImage]) -> None:
        self._images = held_out(images)
        some = any(image.validation.size for image in images)
        self.note = "" if self._images else _BACKGROUND if some else _NOTHING

    def __bool__(self) -> bool:
        return bool(self._images)

    def score(self, predictor: Predictor) -> float:
        """Return the IoU over all held-out pixels; 0 where no class occurs."""
        iou = reduce(add, (_score(predictor, image) for image in self._images)).iou
        return 0.0 if math.isnan(iou) else iou


def _score(predictor: Predictor, image: TrainingImage) -> Overlap:
    chosen = image.validation
    block: NDArray[np.intp] = chosen
    if predictor.footprint.ndim == 3:
        block = np.arange(chosen.min(), chosen.max() + 1)
    labels = predictor.predict(cut_slices(image.image, block), normalised=True).labels
    return overlap(labels[np.isin(block, chosen)], image.truth, predictor.num_classes)
