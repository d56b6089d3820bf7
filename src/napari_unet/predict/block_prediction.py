"""The work of predicting a block of a volume, in whichever process it is done."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import PostprocessConfig, PredictConfig
from napari_unet.data.colours import with_colours
from napari_unet.errors import InputError
from napari_unet.model.loading import open_package
from napari_unet.predict.block_plan import digest_of
from napari_unet.predict.blocks import Block, HeldBox, Written
from napari_unet.predict.finishing import FinishedSlices
from napari_unet.predict.predictor import Predictor
from napari_unet.predict.volume_image import VolumeImage, write_block

if TYPE_CHECKING:
    from napari_unet.data.volume import Volume
    from napari_unet.predict.block_plan import KeptPlan


@dataclass(frozen=True)
class OpenedModel:
    """A model by its file, which every process opens once.

    Attributes
    ----------
    path, trust_code
        As `open_package` takes them.
    digest
        SHA-256 of the file: another one of that name is opened anew.
    """

    path: Path
    digest: str
    trust_code: bool = False

    def predictor(self, config: PredictConfig) -> Predictor:
        """Return what predicts with the model.

        Raises
        ------
        InputError
            When the file is another model by now, as where a training goes on.
        """
        return _predictor(self, config)


@lru_cache(maxsize=1)
def _predictor(model: OpenedModel, config: PredictConfig) -> Predictor:
    opened = open_package(model.path, trust_code=model.trust_code)
    if digest_of(model.path) != model.digest:
        raise InputError(
            f"{model.path} is another model than the one that the prediction began "
            "with: put that one back, or begin anew (--overwrite) with a copy of the "
            "model that no training writes to."
        )
    return Predictor(opened, config)


@dataclass(frozen=True, eq=False)
class Predicted:
    """What is written of a block.

    Attributes
    ----------
    labels
        (Z, Y, X): classes, or the objects of its slices.
    probabilities
        (num_classes, Z, Y, X), or None where they are not wanted.
    message, device
        As `Written` has them.
    """

    labels: NDArray[np.unsignedinteger]
    probabilities: NDArray[np.floating] | None
    message: str
    device: str


@dataclass(frozen=True)
class PredictionWork:
    """Predicts the classes of a block.

    Attributes
    ----------
    model
        What predicts.
    plan
        Settings and moments.
    image
        What is predicted.
    labels, probabilities
        Where it is written; probabilities only where they are wanted.
    finish
        What is made of each slice of a block that holds it whole, if anything.
    """

    model: OpenedModel
    plan: KeptPlan
    image: VolumeImage
    labels: Volume
    probabilities: Volume | None = None
    finish: PostprocessConfig | None = None

    def read(self, block: Block) -> NDArray[Any]:
        """Read the (C, Z, Y, X) grey values of a block and its surroundings."""
        return self.image[(slice(None), *block.halo)]

    def compute(
        self, block: Block, read: NDArray[Any], stop: Event
    ) -> Predicted | None:
        """Predict a block; None once `stop` is set."""
        plan = self.plan.read()
        predictor = self.model.predictor(plan.predict)
        colours = with_colours(read, predictor.footprint.in_channels)
        held = HeldBox(self.image, block.halo, colours)
        normalization = predictor.model.card.normalization
        image = normalization.applied(held, *plan.moments())
        found = predictor.empty(block.shape, keep=self.probabilities is not None)
        each, threshold, messages = None, predictor.threshold, list[str]()
        if self.finish is not None:
            rows = block.shape[1]
            each = FinishedSlices(block.shape, rows, self.finish, threshold)
        of = self.image.shape[1:]
        for tile in predictor.normalised_tiles(image, block.core, stop, of=of):
            inside = replace(tile, core=_within(tile.core, block.core))
            found.add(inside)
            messages += filter(None, [tile.message])
            if each is not None:
                each.add(inside)
        if stop.is_set():
            return None
        labels = found.labels if each is None else each.labels
        device = predictor.device_for(of).words
        return Predicted(labels, found.probabilities, "\n".join(messages), device)

    def write(self, block: Block, made: Predicted) -> Written:
        """Write a block, and return the highest of its labels."""
        if self.probabilities is not None and made.probabilities is not None:
            box = slice(None), *block.core
            write_block(self.probabilities, box, made.probabilities)
        write_block(self.labels, block.core, made.labels)
        return Written(int(made.labels.max(initial=0)), made.message, made.device)


def _within(core: tuple[slice, ...], box: tuple[slice, ...]) -> tuple[slice, ...]:
    return tuple(
        slice(part.start - outer.start, part.stop - outer.start)
        for part, outer in zip(core, box, strict=True)
    )
