"""Patches drawn around annotated pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_unet.data.annotation import IGNORE
from napari_unet.data.crop import crop_mirrored, inside
from napari_unet.train.training_image import TrainingImage

Place = tuple[int, int, int, int]
"""Image, slice, row and column of a pixel."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Patches with what the network should answer.

    Attributes
    ----------
    image
        (B, C, Z, Y, X) float32.
    target
        (B, Z, Y, X) uint8, class indices or `IGNORE`.
    weight_map
        (B, Z, Y, X) float32.
    """

    image: Tensor
    target: Tensor
    weight_map: Tensor

    def each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """Return a batch of which every part is changed alike."""
        return Batch(*map(change, (self.image, self.target, self.weight_map)))


class PatchSampler:
    """Draws patches around annotated training pixels, every class often enough.

    Every annotated pixel is as likely as any other, except that a class counts as
    having at least half of an even share of them, however rare it is: of two classes
    each is the centre of at least a fifth of the patches.

    Parameters
    ----------
    images
        The training set.
    """

    def __init__(self, images: Sequence[TrainingImage]) -> None:
        self._images = list(images)
        self._rows: dict[tuple[int, int], NDArray[np.int64]] = {}
        self._count()

    def renew(self, index: int, image: TrainingImage, slices: Iterable[int]) -> None:
        """Take an image anew, of which some slices have other annotations now."""
        self._images[index] = image
        for z in slices:
            self._rows.pop((index, z), None)
        self._count()

    def _count(self) -> None:
        """Count the annotated pixels of slices that were not counted yet."""
        images = self._images
        classes = max((one.target.num_classes for one in images), default=0)
        self._places = [(i, z) for i, one in enumerate(images) for z in one.train]
        for i, z in self._places:
            known = self._rows.get((i, z))
            if known is None or known.shape[1] != classes:
                self._rows[i, z] = _count(images[i], z, classes)
        rows = [self._rows[place] for place in self._places]
        self._heights = np.cumsum([0, *map(len, rows)])
        counts = np.concatenate(rows) if rows else np.zeros((0, classes), np.int64)
        # Ends of each row, where the annotated pixels of a class are numbered in order.
        self._ends = np.cumsum(counts, axis=0)
        self._share = _floored(counts.sum(axis=0))

    def draw(
        self,
        rng: np.random.Generator,
        count: int,
        *,
        patch: tuple[int, int],
        source: tuple[int, int],
        centres: Sequence[Place] = (),
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
        centres
            Pixels around which the first patches lie; the others go where chance
            puts them.
        """
        places = [*centres[:count]]
        places += [self._pick(rng) for _ in range(count - len(places))]
        drawn = [self._cut_out(place, patch, source) for place in places]
        parts = (np.stack(part) for part in zip(*drawn, strict=True))
        return Batch(*map(torch.from_numpy, parts))

    def _pick(self, rng: np.random.Generator) -> Place:
        """Choose an annotated training pixel."""
        kind = rng.choice(len(self._share), p=self._share)
        ends = self._ends[:, kind]
        row = int(np.searchsorted(ends, rng.integers(ends[-1]), side="right"))
        place = int(np.searchsorted(self._heights, row, side="right")) - 1
        (index, z), y = self._places[place], row - int(self._heights[place])
        one = self._images[index]
        there = (one.target.classes[z, y] == kind) & (one.weight_map[z, y] > 0)
        return index, z, y, int(rng.choice(np.flatnonzero(there)))

    def _cut_out(
        self, place: Place, patch: tuple[int, int], source: tuple[int, int]
    ) -> tuple[NDArray[np.generic], ...]:
        index, z, y, x = place
        one = self._images[index]
        sizes = (patch[0], patch[1], patch[1])
        centre = [
            _keep_inside(int(at), size, length)
            for at, size, length in zip(
                (z, y, x), sizes, one.weight_map.shape, strict=True
            )
        ]
        sides = (source[0], source[1], source[1])
        starts = [at - side // 2 for at, side in zip(centre, sides, strict=True)]
        return _cut(one, starts, sides)


def _count(one: TrainingImage, z: int, classes: int) -> NDArray[np.int64]:
    """Count the annotated pixels of each class in each row of a slice: (Y, classes)."""
    target, known = one.target.classes[z], one.weight_map[z] > 0
    counts = [np.count_nonzero((target == c) & known, axis=1) for c in range(classes)]
    return np.stack(counts, axis=1)


def _floored(totals: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of the patches that each class is the centre of.

    A class that occurs counts as at least half of an even share. Shares are then made
    to add up to 1: a rare one of two classes gets 0.25 / 1.25 = 0.2.
    """
    present = totals > 0
    share = totals / max(1, totals.sum())
    share[present] = np.maximum(share[present], 0.5 / max(1, present.sum()))
    return np.asarray(share / max(1e-9, share.sum()), np.float64)


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
        for start, side, length in zip(starts, sides, one.weight_map.shape, strict=True)
    )
    weight_map = np.zeros(sides, np.float32)
    weight_map[real] = crop_mirrored(one.weight_map, starts, sides)[real]
    trained = np.isin(np.arange(starts[0], starts[0] + sides[0]), one.train)
    weight_map[~trained] = 0
    return image, np.where(weight_map > 0, target, np.uint8(IGNORE)), weight_map
