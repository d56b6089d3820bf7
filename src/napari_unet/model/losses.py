"""Losses that weight every pixel and leave out what is not annotated."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_unet.data.annotation import IGNORE

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
"""``loss(logits, target, weights) -> scalar``."""


def cross_entropy(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Weighted softmax cross-entropy (paper, equation 1), divided by all weights.

    Parameters
    ----------
    logits
        (B, num_classes, [Z,] Y, X) float.
    target
        (B, [Z,] Y, X) int64, class indices or `IGNORE`.
    weights
        (B, [Z,] Y, X) float; 0 where a pixel is not to train.

    Returns
    -------
    Scalar; 0, with a gradient of 0, when no pixel has weight.
    """
    each = F.cross_entropy(logits, target, reduction="none", ignore_index=IGNORE)
    return _weighted_mean(each, weights * (target != IGNORE))


def binary_cross_entropy(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Weighted binary cross-entropy of one sigmoid output (the study).

    Shapes as in `cross_entropy`, with one channel of logits; every class above 0 is
    foreground.
    """
    known = target != IGNORE
    truth = ((target > 0) & known).to(logits.dtype)
    each = F.binary_cross_entropy_with_logits(logits[:, 0], truth, reduction="none")
    return _weighted_mean(each, weights * known)


def probabilities(logits: Tensor) -> Tensor:
    """Turn logits (B, C, ...) into float32 probabilities (B, C, ...).

    One sigmoid output becomes two channels, background and foreground, so that
    everything downstream sees classes.
    """
    logits = logits.float()
    if logits.shape[1] == 1:
        foreground = torch.sigmoid(logits)
        return torch.cat([1 - foreground, foreground], dim=1)
    return torch.softmax(logits, dim=1)


LOSSES: dict[str, Loss] = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
}


def _weighted_mean(each: Tensor, weights: Tensor) -> Tensor:
    return (each * weights).sum() / weights.sum().clamp_min(1e-6)
