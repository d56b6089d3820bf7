"""The optimiser of a run, with a lower rate for old layers."""

from __future__ import annotations

from typing import Any

import torch

from napari_unet.config import TrainConfig
from napari_unet.model.networks import SegmentationNetwork
from napari_unet.train.transfer import Transfer

_GENTLE = 0.1
"""Least share of the learning rate of old layers that is chosen."""
_ENOUGH = 2**20
"""Annotated pixels from which on nothing is forgotten: they show all there is."""


def share_of_old(pixels: int) -> float:
    """Return the share of the learning rate for old layers, where nobody chose one.

    Few pixels look alike: a network that is fitted to them at the full rate forgets
    what it knew of all others (benchmarks/finetune.py).
    """
    return min(1.0, max(_GENTLE, pixels / _ENOUGH))


def build_optimizer(
    network: SegmentationNetwork,
    config: TrainConfig,
    transfer: Transfer | None = None,
    old_rate: float = 1.0,
) -> torch.optim.Optimizer:
    """Return the optimiser that `config` names, of all weights that are not frozen.

    Every group of weights has a `share` of the learning rate: `old_rate` for layers
    that `transfer` took from an old model, else 1. Multiply by it when setting a rate.
    """
    old = () if transfer is None or old_rate == 1 else transfer.old
    groups: dict[float, list[str]] = {}
    for name, weight in network.named_parameters():
        if weight.requires_grad:
            share = old_rate if name.rpartition(".")[0] in old else 1.0
            groups.setdefault(share, []).append(name)
    return _optimizer(network, config, list(groups.items()))


def learn_alike(optimizer: torch.optim.Optimizer) -> None:
    """Let old layers learn at the rate of new ones."""
    for group in optimizer.param_groups:
        group["share"] = 1.0


def restore_optimizer(
    network: SegmentationNetwork, config: TrainConfig, state: dict[str, Any]
) -> torch.optim.Optimizer:
    """Return the optimiser whose `state_dict` was saved, with the groups it had."""
    groups = [(one["share"], one["param_names"]) for one in state["param_groups"]]
    optimizer = _optimizer(network, config, groups)
    optimizer.load_state_dict(state)
    return optimizer


def _optimizer(
    network: SegmentationNetwork,
    config: TrainConfig,
    groups: list[tuple[float, list[str]]],
) -> torch.optim.Optimizer:
    weights = dict(network.named_parameters())
    rate = config.learning_rate
    parts: list[dict[str, Any]] = [
        {
            "params": [(name, weights[name]) for name in names],
            "lr": share * rate,
            "share": share,
        }
        for share, names in groups
    ]
    # One pass over the weights instead of a dozen.
    fused = next(network.parameters()).device.type in ("cpu", "cuda")
    decay = config.weight_decay
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            parts, momentum=config.momentum, weight_decay=decay, fused=fused
        )
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parts, weight_decay=decay, fused=fused)
