"""How a prediction was made."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import PostprocessConfig
from napari_unet.errors import NapariUNetError
from napari_unet.model.loading import card_of
from napari_unet.predict.postprocessing import classify, postprocess


@dataclass(frozen=True)
class MadeBy:
    """What a prediction was made with.

    Attributes
    ----------
    model
        The model file.
    of
        Name of the image layer.
    threshold
        Of the foreground; None for the most probable class.
    finish
        What was made of the pixels' classes; nothing is left open.
    image
        Fingerprint of the image, "" where it is unknown.
    slices
        Indices of the slices that are predicted.
    """

    model: Path
    of: str = ""
    threshold: float | None = None
    finish: PostprocessConfig = field(default_factory=PostprocessConfig().settled)
    image: str = ""
    slices: tuple[int, ...] = ()

    def goes_with(self, other: MadeBy) -> bool:
        """Return whether slices of both may lie in one layer, to be scored as one."""
        mine = self.model, self.threshold, self.finish
        return mine == (other.model, other.threshold, other.finish)

    def mask_at(
        self, threshold: float, probabilities: NDArray[np.float32]
    ) -> NDArray[np.unsignedinteger]:
        """Return the mask of another threshold, cleaned and numbered as this was.

        `probabilities` are (num_classes, Z, Y, X), the mask (Z, Y, X).
        """
        try:
            ndim = card_of(self.model).network.ndim
        except NapariUNetError:
            ndim = 2  # the file has gone; its prediction is still there
        return postprocess(
            classify(probabilities, threshold),
            self.finish,
            probabilities=probabilities,
            threshold=threshold,
            ndim=ndim,
        )
