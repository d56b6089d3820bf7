"""What a network takes: weights, and values for each pixel of an image."""

from __future__ import annotations

import math
from functools import lru_cache

from napari_unet.config import NetworkConfig
from napari_unet.config.network import NetworkSize

_GRADIENTS = 1.1
"""Of the values kept for the way back; the rest are the gradients in hand."""
_BESIDE = 9 / 8
"""Times the values of a forward pass that are reckoned with: allocators leave gaps."""
_PATCH = 256
"""Side of the patch that a network is measured with, in pixels."""


@lru_cache(maxsize=64)
def size_of(config: NetworkConfig) -> NetworkSize:
    """Return what a network takes, by its formula or else measured without numbers."""
    return config.known_size() or _measured(config)


def _measured(config: NetworkConfig) -> NetworkSize:
    """Run a network on paper, and count what it keeps."""
    import torch
    from torch import Tensor, nn

    from napari_unet.model.geometry import patch_size
    from napari_unet.model.held_values import HeldValues
    from napari_unet.model.networks import build

    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            kept[tensor.untyped_storage()._cdata] = tensor.numel()
        return tensor

    with torch.device("meta"):
        network = build(config)
        axes = range(-config.ndim, 0)
        shape = [patch_size(config, _PATCH, axis) for axis in axes]
        image = torch.empty(2, config.in_channels, *shape)
    with torch.inference_mode(), HeldValues() as held:
        network.eval()(image)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        answer = network.train()(image)
    shown, answered = (2 * math.prod(one.shape[2:]) for one in (image, answer))
    # A margin is little beside a large tile, and most of a small one.
    pixels = answered if config.most_answers is None else shown
    return NetworkSize(
        network.num_parameters,
        _GRADIENTS * sum(kept.values()) / shown,
        _BESIDE * held.most / pixels,
    )
