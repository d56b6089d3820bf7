"""Losses that weight every pixel and leave out what is not annotated."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_unet.data.annotation import IGNORE

Total = Callable[[Tensor], Tensor]
"""Sums a value over all processes that share a batch."""
Loss = Callable[..., Tensor]
"""``loss(logits, target, weights, total) -> scalar``."""
_TINY = 1e-30


def of_one(value: Tensor) -> Tensor:
    """Return the `Total` of a process that has the batch for itself."""
    return value


def cross_entropy(
    logits: Tensor, target: Tensor, weight_map: Tensor, total: Total = of_one
) -> Tensor:
    """Weighted softmax cross-entropy (paper, equation 1), divided by all weights.

    Parameters
    ----------
    logits
        (B, num_classes, [Z,] Y, X) float.
    target
        (B, [Z,] Y, X) int64, class indices or `IGNORE`.
    weight_map
        (B, [Z,] Y, X) float; 0 where a pixel is not to train.
    total
        Makes sums over this part of a batch sums over all of it.

    Returns
    -------
    Scalar; 0, with a gradient of 0, when no pixel has weight.
    """
    each = F.cross_entropy(logits, target, reduction="none", ignore_index=IGNORE)
    return _weighted_mean(each, weight_map * (target != IGNORE), total)


def binary_cross_entropy(
    logits: Tensor, target: Tensor, weight_map: Tensor, total: Total = of_one
) -> Tensor:
    """Weighted binary cross-entropy of one sigmoid output (the study).

    Shapes as in `cross_entropy`, with one channel of logits; every class above 0 is
    foreground.
    """
    known = target != IGNORE
    truth = ((target > 0) & known).to(logits.dtype)
    each = F.binary_cross_entropy_with_logits(logits[:, 0], truth, reduction="none")
    return _weighted_mean(each, weight_map * known, total)


def dice(
    logits: Tensor, target: Tensor, weight_map: Tensor, total: Total = of_one
) -> Tensor:
    """Soft Dice loss: 1 - 2 |P T| / (|P| + |T|), averaged over foreground classes.

    Shapes as in `cross_entropy`; one channel of logits is a sigmoid, several are a
    softmax. P are the probabilities of a class, T is 1 where it is true, and the sums
    run over all pixels of the batch, each times its weight.

    Returns
    -------
    Scalar; the mean over the classes that are annotated in the batch, which therefore
    needs no smoothing term. 0, with a gradient of 0, when none is.
    """
    weight_map = weight_map.masked_fill(target == IGNORE, 0)[:, None]
    if logits.shape[1] == 1:
        predicted, truth = torch.sigmoid(logits), (target > 0)[:, None] * weight_map
    else:
        predicted = torch.softmax(logits, dim=1)[:, 1:]
        truth = (target[:, None] == _foreground(logits)) * weight_map
    pixels = [0, *range(2, logits.ndim)]
    parts = truth, predicted * weight_map, predicted * truth
    sizes, answered, both = total(torch.stack([part.sum(pixels) for part in parts]))
    each = 1 - 2 * both / (answered + sizes).clamp_min(_TINY)
    present = sizes > 0
    mean: Tensor = (each * present).sum() / present.sum().clamp_min(1)
    return mean


def cross_entropy_dice(
    logits: Tensor, target: Tensor, weight_map: Tensor, total: Total = of_one
) -> Tensor:
    """Sum of `cross_entropy` and `dice`."""
    given = logits, target, weight_map, total
    return cross_entropy(*given) + dice(*given)


def binary_cross_entropy_dice(
    logits: Tensor, target: Tensor, weight_map: Tensor, total: Total = of_one
) -> Tensor:
    """Sum of `binary_cross_entropy` and `dice`."""
    given = logits, target, weight_map, total
    return binary_cross_entropy(*given) + dice(*given)


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
    "dice": dice,
    "cross_entropy_dice": cross_entropy_dice,
    "binary_cross_entropy_dice": binary_cross_entropy_dice,
}
ONE_OUTPUT = frozenset({"binary_cross_entropy", "binary_cross_entropy_dice"})
"""Losses of networks with a single sigmoid output."""


def _foreground(logits: Tensor) -> Tensor:
    """Numbers of the classes but the background, (1, C - 1, 1, ...)."""
    numbers = torch.arange(1, logits.shape[1], device=logits.device)
    return numbers.view(1, -1, *[1] * (logits.ndim - 2))


def _weighted_mean(each: Tensor, weight_map: Tensor, total: Total) -> Tensor:
    wrong, weight = total(torch.stack([(each * weight_map).sum(), weight_map.sum()]))
    mean: Tensor = wrong / weight.clamp_min(1e-6)
    return mean
