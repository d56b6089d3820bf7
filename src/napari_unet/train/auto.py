"""Size of network, patches and batch, chosen for the data, the device and the time."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import torch

from napari_unet.config import NetworkConfig, RunConfig
from napari_unet.errors import OutOfMemoryError
from napari_unet.model import geometry
from napari_unet.model.checkpoint import Model
from napari_unet.model.device import Device, choose_device
from napari_unet.train.learner import ADVICE, Learner
from napari_unet.train.start import fit_config
from napari_unet.train.training_image import TrainingImage

# Pixels of a step: four squares of 256, or a cube of 64.
_PIXELS = 4 * 256**2
_LARGEST_SIDE = {2: 256, 3: 64}
# A larger network pays only where it is shown enough.
_ENOUGH_STEPS = {8: 0, 16: 150, 32: 4000, 64: 16_000}
_TRIAL_STEPS = 2


def choose(
    config: RunConfig, images: Sequence[TrainingImage], start: Model | None = None
) -> tuple[RunConfig, str]:
    """Choose base_channels, patch size and batch, and say why in one line.

    Networks from small to large take a few steps on the device; the largest that the
    budget lets learn long enough, and the memory holds, is taken.

    Parameters
    ----------
    config
        Settings; those chosen are replaced, all others kept.
    images
        The training set.
    start
        A model to fine-tune, which decides on the network.

    Raises
    ------
    InputError
        When the images do not fit each other or the settings.
    OutOfMemoryError
        When not even the smallest network fits into the memory.
    """
    config = fit_config(config, images, start)
    new = start is None and config.encoder_weights is None
    sizes = _ENOUGH_STEPS if new else {config.network.base_channels: 0}
    device = choose_device(config.train.device, config.network.ndim)
    config = _with_patch(config, images)
    chosen: tuple[RunConfig, int] | None = None
    given = "weights" if start is None else "model"
    limit = "the largest there is" if new else f"the network of the {given}"
    for base, enough in sizes.items():
        network = config.network.model_copy(update={"base_channels": base})
        trial = config.model_copy(update={"network": network})
        try:
            steps = _steps(trial, images, device)
        except OutOfMemoryError:
            limit = f"base {base} does not fit into the memory"
            break
        if chosen is not None and steps < enough:
            limit = f"base {base} needs {enough:,} steps and would get {steps:,}"
            break
        chosen = trial, steps
    if chosen is None:
        raise OutOfMemoryError(f"No network fits into the memory. {ADVICE}")
    return chosen[0], _why(*chosen, limit, device)


def _with_patch(config: RunConfig, images: Sequence[TrainingImage]) -> RunConfig:
    """Fit the patch into the smallest image, and the batch to the patch."""
    network = config.network
    depth, height, width = (
        min(one.weight_map.shape[axis] for one in images) for axis in range(3)
    )
    largest = _LARGEST_SIDE[network.ndim]
    side = _fitting(network, min(height, width, largest), -1)
    slices = 1
    if network.ndim == 3:
        thicker = images[0].pixel_size[0] / min(images[0].pixel_size[1:])
        slices = _fitting(network, min(depth, math.ceil(largest / thicker)), -3)
    count = max(1, min(64, round(_PIXELS / (slices * side**2))))
    update = {"patch_size": side, "patch_slices": slices, "batch_size": count}
    train = config.train.model_copy(update=update)
    return config.model_copy(update={"train": train})


def _fitting(network: NetworkConfig, size: int, axis: int) -> int:
    """Return the largest side <= `size` that passes the network, or the smallest."""
    fits = geometry.valid_size(network, max(1, size), axis)
    while fits > size > 1:
        size -= 1
        fits = geometry.valid_size(network, size, axis)
    return fits


def _steps(config: RunConfig, images: Sequence[TrainingImage], device: Device) -> int:
    """Return about how many steps fit into the budget, by taking some."""
    learner = Learner(config, images, device)
    learner.learn(0, 0.0)
    train = config.train
    if train.steps is not None:
        return train.steps
    if train.epochs is not None:
        pixels = sum(image.train_pixels for image in images)
        return train.epochs * math.ceil(pixels / _PIXELS)
    _wait(device)
    began = time.perf_counter()
    for step in range(1, _TRIAL_STEPS + 1):
        learner.learn(step, 0.0)
    _wait(device)
    took = (time.perf_counter() - began) / _TRIAL_STEPS
    return int(60 * (train.minutes or 0) / max(1e-9, took))


def _wait(device: Device) -> None:
    """Wait until a GPU has done what it was given."""
    if device.device.type == "cuda":
        torch.cuda.synchronize(device.device)


def _why(config: RunConfig, steps: int, limit: str, device: Device) -> str:
    network, train = config.network, config.train
    patch = f"{train.patch_size} x {train.patch_size}"
    if network.ndim == 3:
        patch = f"{train.patch_slices} x {patch}"
    return (
        f"chosen: base {network.base_channels}, {train.batch_size} patches of {patch} "
        f"pixels, about {steps:,} steps on {device.words} ({limit})"
    )
