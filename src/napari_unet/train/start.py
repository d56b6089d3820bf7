"""Where a run starts: settings fitted to the data, old weights, the optimiser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from napari_unet.config import RunConfig, TrainConfig
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import Model
from napari_unet.model.unet import UNet
from napari_unet.train.training_image import TrainingImage

_MOMENTUM = 0.99


def fit_config(
    config: RunConfig, images: Sequence[TrainingImage], start: Model | None = None
) -> RunConfig:
    """Give the network the channels and classes of the images.

    With a model to `start` from, its shape replaces the network settings.

    Raises
    ------
    InputError
        When there is no image, the images differ in channels, or the loss does not
        fit the number of classes.
    """
    if not images:
        raise InputError("There is no image to train on: choose an image first.")
    if not any(image.train.size for image in images):
        raise InputError("All images are held out: leave at least one to train on.")
    channels = {image.image.shape[0] for image in images}
    if len(channels) > 1:
        raise InputError(
            f"The images have different numbers of channels ({sorted(channels)}): "
            "train on images of one kind."
        )
    classes = max(image.target.num_classes for image in images)
    if config.train.loss == "binary_cross_entropy":
        if classes > 2:
            raise InputError(
                f"binary_cross_entropy knows foreground and background, the "
                f"annotations have {classes} classes: use cross_entropy."
            )
        classes = 1
    shape = config.network if start is None else start.network.config
    network = shape.model_copy(
        update={"in_channels": channels.pop(), "num_classes": classes}
    )
    return config.model_copy(update={"network": network})


def origin(config: RunConfig, images: Sequence[TrainingImage]) -> dict[str, Any]:
    """Return what has to stay the same for a run to go on exactly, as plain values."""
    settings = config.model_dump(mode="json", exclude={"images"})
    for free in ("device", "save_seconds"):
        del settings["train"][free]
    roles = [
        [image.fingerprint, str(image.kind), image.train.tolist()] for image in images
    ]
    held_out = [image.held_out.tolist() for image in images]
    return {
        "settings": settings,
        "images or annotations": roles,
        "held-out slices": held_out,
    }


def take_weights(network: UNet, old: UNet) -> tuple[str, ...]:
    """Copy every layer of `old` that fits into `network`, and name those that do not.

    Returns
    -------
    Words to the user; empty when all layers fit.
    """
    mine, theirs = network.state_dict(), old.state_dict()
    fitting: dict[str, Tensor] = {
        name: tensor
        for name, tensor in theirs.items()
        if name in mine and mine[name].shape == tensor.shape
    }
    network.load_state_dict(fitting, strict=False)
    new = sorted({name.rpartition(".")[0] for name in mine if name not in fitting})
    return (f"new layers, not in the old model: {', '.join(new)}",) if new else ()


def build_optimizer(network: UNet, config: TrainConfig) -> torch.optim.Optimizer:
    """Return the optimiser that `config` names; SGD has momentum 0.99 (paper)."""
    parameters = network.parameters()
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=config.learning_rate,
            momentum=_MOMENTUM,
            weight_decay=config.weight_decay,
        )
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
