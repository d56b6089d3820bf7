"""The held-out slices, scored with the predictor and the scores that users get."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.crop import cut_slices
from napari_unet.predict.predictor import Predictor
from napari_unet.score.pixels.overlap import Overlap, overlap
from napari_unet.train.training_image import TrainingImage


class Validation:
    """The held-out slices of a training set.

    Parameters
    ----------
    images
        The training set.
    """

    def __init__(self, images: Sequence[TrainingImage]) -> None:
        self._images = [image for image in images if image.validation.size]

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
