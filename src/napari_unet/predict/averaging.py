"""The mean over the flips and rotations of the plane, which EM does not tell apart."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import reduce

import torch
from torch import Tensor

_PLANE = (-2, -1)


def averaged(answer: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Return the mean of the answers to the 8 flips and rotations of the images.

    The paper averages over 7 rotations of its input for the challenge (section 4);
    quarter turns and mirrors need no interpolation.

    Parameters
    ----------
    answer
        Maps images to (B, C, ..., y, x), centred on them, with y and x turned as they
        are; such as a network and a softmax.
    images
        (B, C, ..., Y, X).
    """

    def turned(mirrored: bool, turns: int) -> Tensor:
        seen = images.flip(-1) if mirrored else images
        one = torch.rot90(answer(torch.rot90(seen, turns, _PLANE)), -turns, _PLANE)
        return one.flip(-1) if mirrored else one

    each = (turned(*how) for how in itertools.product((False, True), range(4)))
    return reduce(torch.add, each) / 8
