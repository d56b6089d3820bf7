"""Whether what an old model knows holds for the annotations at hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_unet.model.card import ModelCard
from napari_unet.model.networks import SegmentationNetwork
from napari_unet.predict.em_look import first_looks_like_em
from napari_unet.train.training_image import TrainingImage

_SOFTER = 0.1


def may_forget(card: ModelCard, images: Sequence[TrainingImage]) -> bool:
    """Return whether a model has something to lose in these images.

    It has where it learnt from others, as one does whose card says nothing of that, and
    where these are EM, of which a network for EM knows more than the annotations show.
    """
    mine = {image.image_fingerprint for image in images}
    others = not card.data or any(one.get("image") not in mine for one in card.data)
    return others and all(first_looks_like_em(one.image) for one in images)


def is_worse_than_a_guess(
    logits: Tensor, target: Tensor, weight_map: Tensor, num_classes: int
) -> bool:
    """Return whether a network is more wrong than one that knows nothing.

    It is when its cross-entropy, every class counting alike, exceeds that of equal
    probabilities, which is log(num_classes).

    Parameters
    ----------
    logits
        (B, C, [Z,] Y, X) float.
    target
        (B, [Z,] Y, X) int64, class indices or `IGNORE`.
    weight_map
        (B, [Z,] Y, X) float; 0 where a pixel is not annotated.
    num_classes
        Classes that the network told apart before: the first of `logits`, or background
        and foreground where these are one sigmoid output. Pixels of others are not
        looked at.
    """
    if logits.shape[1] == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
    known = max(2, num_classes)
    losses = []
    for number in range(known):
        there = (target == number) & (weight_map > 0)
        if there.any():
            found = logits[:, :known].movedim(1, -1)[there]
            losses.append(F.cross_entropy(found, target[there]))
    return bool(losses) and float(torch.stack(losses).mean()) > math.log(known)


def soften(network: SegmentationNetwork) -> None:
    """Divide the logits by ten: what a network says stays, and how sure it is goes.

    Its mask is the same, and its features are kept, but annotations that contradict it
    need not first unlearn what it was sure of.
    """
    with torch.no_grad():
        for weight in network.head.parameters():
            weight.mul_(_SOFTER)
