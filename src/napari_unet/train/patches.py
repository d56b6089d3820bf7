"""Patches drawn around annotated pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_unet.data.annotation import IGNORE
from napari_unet.data.crop import crop_mirrored, inside
from napari_unet.train.training_image import TrainingImage


@dataclass(frozen=True, eq=False)
class Batch:
    """Patches with what the network should answer.

    Attributes
    ----------
    image
        (B, C, Z, Y, X) float32.
    target
        (B, Z, Y, X) uint8, class indices or `IGNORE`.
    weights
        (B, Z, Y, X) float32.
    """

    image: Tensor
    target: Tensor
    weights: Tensor

    def to(self, device: torch.device) -> Batch:
        """Return the batch on another device."""
        moved = (t.to(device) for t in (self.image, self.target, self.weights))
        return Batch(*moved)


class PatchSampler:
    """Draws patches so that every annotated training pixel is as likely as any other.

    Parameters
    ----------
    images
        The training set.
    """

    def __init__(self, images: Sequence[TrainingImage]) -> None:
        self._images = images
        self._places = [(i, z) for i, one in enumerate(images) for z in one.train]
        counts = [np.count_nonzero(images[i].weights[z]) for i, z in self._places]
        self._share = np.asarray(counts, float) / max(1, sum(counts))

    def draw(
        self,
        rng: np.random.Generator,
        count: int,
        *,
        patch: tuple[int, int],
        source: tuple[int, int],
    ) -> Batch:
        """Draw `count` patches.

        Parameters
        ----------
        rng
            Where chance comes from.
        count
            Number of patches.
        patch
            Slices and side of the patch that will be trained on; it is kept inside
            the image where it fits.
        source
            Slices and side of what is cut out, larger so that the patch can be turned
            and bent without a gap. Beyond the image it is mirrored, with weight 0.
        """
        drawn = [self._draw_one(rng, patch, source) for _ in range(count)]
        image, target, weights = (np.stack(part) for part in zip(*drawn, strict=True))
        return Batch(
            torch.from_numpy(image),
            torch.from_numpy(target),
            torch.from_numpy(weights),
        )

    def _draw_one(
        self, rng: np.random.Generator, patch: tuple[int, int], source: tuple[int, int]
    ) -> tuple[NDArray[np.generic], ...]:
        index, z = self._places[rng.choice(len(self._places), p=self._share)]
        one = self._images[index]
        pixels = np.flatnonzero(one.weights[z])
        y, x = np.unravel_index(rng.choice(pixels), one.weights[z].shape)
        sizes = (patch[0], patch[1], patch[1])
        centre = [
            _keep_inside(int(at), size, length)
            for at, size, length in zip(
                (z, y, x), sizes, one.weights.shape, strict=True
            )
        ]
        sides = (source[0], source[1], source[1])
        starts = [at - side // 2 for at, side in zip(centre, sides, strict=True)]
        return _cut(one, starts, sides)


def drop_z(tensor: Tensor, axis: int, ndim: int) -> Tensor:
    """Remove the single slice that patches of networks with 2 dimensions have."""
    return tensor.squeeze(axis) if ndim == 2 else tensor


def middle(tensor: Tensor, sizes: torch.Size) -> Tensor:
    """Crop the middle of (B, ...), which is all that valid convolutions answer for."""
    box = [slice(None)]
    for have, want in zip(tensor.shape[1:], sizes, strict=True):
        start = (have - want) // 2
        box.append(slice(start, start + want))
    return tensor[tuple(box)]


def _keep_inside(at: int, size: int, length: int) -> int:
    """Move the centre of a patch so that it does not hang over the image."""
    half = size // 2
    if length <= size:
        return length // 2
    return min(max(at, half), length - (size - half))


def _cut(
    one: TrainingImage, starts: list[int], sides: tuple[int, int, int]
) -> tuple[NDArray[np.generic], ...]:
    image = crop_mirrored(one.image, starts, sides)
    target = crop_mirrored(one.target.classes, starts, sides)
    real = tuple(
        inside(start, side, length)
        for start, side, length in zip(starts, sides, one.weights.shape, strict=True)
    )
    weights = np.zeros(sides, np.float32)
    weights[real] = crop_mirrored(one.weights, starts, sides)[real]
    trained = np.isin(np.arange(starts[0], starts[0] + sides[0]), one.train)
    weights[~trained] = 0
    return image, np.where(weights > 0, target, np.uint8(IGNORE)), weights
