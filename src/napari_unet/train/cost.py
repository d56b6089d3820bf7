"""What a training will take, as far as it can be told before it starts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from napari_unet.config import RunConfig
from napari_unet.data.sparse_target import BYTES_OF_VOXEL
from napari_unet.model.footprint import footprint_of
from napari_unet.model.geometry import output_size, patch_size
from napari_unet.model.size import size_of
from napari_unet.words import counted, duration

_COPIES, _PASSING = {"adamw": 4, "adam": 4, "sgd": 3}, 2
"""Numbers kept for each weight: itself, what the optimiser remembers, and the best one
so far. Its gradient, and one that is being written, come when values have gone."""
_ANNOTATED = 10
"""Bytes for each voxel of an annotated slice once it is prepared."""
_MOVED = 760
"""Bytes for each pixel of the patches of a step, seen from above: whence it is moved,
and gaps between what was freed and is kept for the next step (`model.allocator`)."""
_VALIDATED = 5
"""Annotated slices, or images, of which some are held out unless somebody says."""
_LIBRARIES = 130_000_000
"""Bytes that torch's libraries take for themselves once a network has run."""
_PREVIEW = 512
"""Side of the tiles of what is looked at meanwhile."""


@dataclass(frozen=True)
class Extent:
    """An image of a training set, as far as its cost depends on it.

    Attributes
    ----------
    shape
        (Z, Y, X), or (Y, X) for a single slice.
    slices, pixels
        How many are annotated.
    """

    shape: tuple[int, ...]
    slices: int = 0
    pixels: int = 0

    @property
    def plane(self) -> int:
        """Pixels of a slice."""
        return math.prod(self.shape[-2:])


@dataclass(frozen=True)
class TrainingCost:
    """What a training takes.

    Attributes
    ----------
    slices
        That are annotated.
    memory
        Bytes that it adds at its peak; None where it is not known.
    steps, seconds
        None where they are not known, or where there is no end.
    """

    slices: int
    memory: int | None
    steps: int | None = None
    seconds: float | None = None

    @property
    def words(self) -> str:
        """One line, such as "30 slices, 708 steps, about 0.6 GB, about 4 min"."""
        words = [counted(self.slices, "slice")] if self.slices else []
        if self.steps is not None:
            words.append(counted(self.steps, "step"))
        if self.memory is not None:
            words.append(f"about {self.memory / 1e9:.1f} GB")
        if self.seconds is not None:
            words.append(duration(self.seconds))
        return ", ".join(words)


def cost_of_training(
    config: RunConfig,
    images: Sequence[Extent],
    *,
    held_out: bool | None = None,
    step_seconds: float | None = None,
    bfloat16: bool = False,
) -> TrainingCost:
    """Estimate what a timed training takes.

    Parameters
    ----------
    config
        All settings, with the network that is trained.
    images
        The training set.
    held_out
        Whether anything is held out, and predicted; None where nobody said.
    step_seconds
        What a step of these settings took before; None where none was taken yet.
    bfloat16
        Whether the network computes with numbers of two bytes.
    """
    train = config.train
    steps, seconds = train.steps, None
    if steps is None and train.epochs is not None:
        pixels = sum(image.pixels for image in images)
        seen = _pixels_of_step(config, answered=True)
        steps = train.epochs * max(1, math.ceil(pixels / seen))
    if steps is None and train.minutes is not None:
        seconds = 60 * train.minutes
        if step_seconds:
            steps = max(1, round(seconds / step_seconds))
    elif steps is not None and step_seconds:
        seconds = steps * step_seconds
    slices = sum(one.slices for one in images)
    shown = max((image.plane for image in images), default=0)
    if held_out is None:
        held_out = max(slices, len(images)) >= _VALIDATED
    if not held_out:
        shown = min(shown, _PREVIEW**2)
    memory = _memory(config, images, shown, bfloat16=bfloat16)
    return TrainingCost(slices, memory, steps, seconds)


def cost_of_live(
    config: RunConfig, image: Extent, *, bfloat16: bool = False
) -> TrainingCost:
    """Estimate what live training takes, which goes on until it is stopped.

    Parameters
    ----------
    config
        All settings, with patches as they are in live training.
    image
        What is painted on.
    bfloat16
        Whether the network computes with numbers of two bytes.
    """
    shown = min(image.plane, _PREVIEW**2)
    memory = _memory(config, [image], shown, bfloat16=bfloat16)
    return TrainingCost(image.slices, memory)


def _memory(
    config: RunConfig, images: Sequence[Extent], shown: int, *, bfloat16: bool
) -> int:
    """Estimate the bytes at the peak, with `shown` pixels predicted at once."""
    network, train = config.network, config.train
    width = 2 if bfloat16 else 4
    size = size_of(network)
    flat = train.batch_size * patch_size(network, train.patch_size) ** 2
    step = int(_pixels_of_step(config) * size.kept * width) + _MOVED * flat
    footprint = footprint_of(network)
    seen = min(shown, footprint.largest_window)
    look = seen * footprint.bytes_of_pixel(bfloat16=bfloat16)
    weights = 4 * size.parameters
    kept = _COPIES[train.optimizer] * weights
    annotated = sum(image.slices * image.plane for image in images)
    passing = max(step, look, _PASSING * weights)
    training = passing + kept + _ANNOTATED * annotated + _LIBRARIES
    return max(training, BYTES_OF_VOXEL * annotated)


def _pixels_of_step(config: RunConfig, *, answered: bool = False) -> int:
    """Return the pixels of the patches of a step, or of what is answered for them."""
    network, train = config.network, config.train
    side, slices = patch_size(network, train.patch_size), 1
    if network.ndim == 3:
        slices = patch_size(network, train.patch_slices, -3)
    if answered:
        side = output_size(network, side)
        slices = output_size(network, slices, -3) if network.ndim == 3 else 1
    return train.batch_size * slices * side**2
