"""What the network will see in training, to look at before it starts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from napari_unet.config import RunConfig
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import Model
from napari_unet.train.batches import Batches
from napari_unet.train.patches import Batch
from napari_unet.train.start import fit_config
from napari_unet.train.training_image import TrainingImage


def preview(
    images: Sequence[TrainingImage],
    config: RunConfig | None = None,
    count: int = 4,
    seed: int | None = None,
    *,
    start: Model | None = None,
) -> Batch:
    """Draw and augment the first patches of a run, just as its trainer does.

    Parameters
    ----------
    images
        The training set, as `prepare_image` makes it.
    config
        All settings of the run.
    count
        Number of patches: those of the first step, then of the next.
    seed
        Another seed than the run's, to see other patches.
    start
        The model to fine-tune, where there is one: its shape decides on the patches.

    Returns
    -------
    Patches on the CPU: image (count, C, Z, Y, X), normalised; target, with `IGNORE`
    where nothing is learnt, and weights (count, Z, Y, X).

    Raises
    ------
    InputError
        When the images do not fit each other or the settings, or count is below 1.
    """
    if count < 1:
        raise InputError(f"{count} patches cannot be shown: ask for 1 or more.")
    config = fit_config(config or RunConfig(), images, start)
    if seed is not None:
        train = config.train.model_copy(update={"seed": seed})
        config = config.model_copy(update={"train": train})
    batches = Batches(images, config, torch.device("cpu"))
    drawn = map(batches.draw, range(math.ceil(count / config.train.batch_size)))
    parts = zip(*((b.image, b.target, b.weight_map) for b in drawn), strict=True)
    return Batch(*(torch.cat(part)[:count] for part in parts))
