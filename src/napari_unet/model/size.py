"""What a network takes: weights, and values for each pixel of an image."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from napari_unet.config import NetworkConfig
from napari_unet.config.network import NetworkSize

_GRADIENTS = 1.1
"""Of the values kept for the way back; the rest are the gradients in hand."""
_AT_ONCE = 10 / 3
"""Times input and output of the largest layer that are reckoned with while predicting:
the largest of a U-Net takes three values for each channel of its first level, and ten
are reckoned with, of which four to six are held, as measured."""
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
    from napari_unet.model.networks import build

    kept: dict[int, int] = {}
    largest = 0

    def keep(tensor: Tensor) -> Tensor:
        if not isinstance(tensor, nn.Parameter):
            kept[tensor.untyped_storage()._cdata] = tensor.numel()
        return tensor

    def look(_layer: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        nonlocal largest
        # Poolings also tell where they found their maxima.
        outputs = output if isinstance(output, tuple) else (output,)
        largest = max(largest, sum(one.numel() for one in (*inputs, *outputs)))

    with torch.device("meta"):
        network = build(config)
        axes = range(-config.ndim, 0)
        shape = [patch_size(config, _PATCH, axis) for axis in axes]
        image = torch.empty(2, config.in_channels, *shape)
    for layer in network.modules():
        if not list(layer.children()):
            layer.register_forward_hook(look)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        answer = network.train()(image)
    shown, answered = (2 * math.prod(one.shape[2:]) for one in (image, answer))
    # A margin is little beside a large tile, and most of a small one.
    held = answered if config.most_answers is None else shown
    return NetworkSize(
        network.num_parameters,
        _GRADIENTS * sum(kept.values()) / shown,
        _AT_ONCE * largest / held,
    )
