"""The batch of every step: drawn, augmented, and the same whenever it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from napari_unet.config import RunConfig
from napari_unet.model import geometry
from napari_unet.train.augmentation import augment, source_side
from napari_unet.train.distributed import Ranks
from napari_unet.train.patches import Batch, PatchSampler, Place
from napari_unet.train.training_image import TrainingImage

_ALONE = Ranks()


class Batches:
    """What the network sees at each step.

    Chance depends on seed and step alone, so that a resumed run sees what an
    uninterrupted one would, on any device.

    Parameters
    ----------
    images
        The training set.
    config
        All settings; channels and classes of the network fit the images.
    device
        Where batches are augmented, and lie in the end.
    ranks
        The processes that share every batch.
    """

    def __init__(
        self,
        images: Sequence[TrainingImage],
        config: RunConfig,
        device: torch.device,
        ranks: Ranks = _ALONE,
    ) -> None:
        self._config = config
        self._device = device
        self._ranks = ranks
        self.sampler = PatchSampler(images)

    @property
    def patch(self) -> tuple[int, int]:
        """Slices and side of the patches, made to fit the network."""
        network, settings = self._config.network, self._config.train
        side = geometry.patch_size(network, settings.patch_size)
        if network.ndim == 2:
            return 1, side
        return geometry.patch_size(network, settings.patch_slices, -3), side

    @property
    def answered(self) -> tuple[int, int]:
        """Slices and side of what the network answers for each patch.

        Valid convolutions answer only for the middle: this is what has to lie in the
        image, or pixels near its border would never be learnt.
        """
        network, (slices, side) = self._config.network, self.patch
        if network.ndim == 3:
            slices = geometry.output_size(network, slices, -3)
        return slices, geometry.output_size(network, side)

    def draw(self, step: int, centres: Sequence[Place] = ()) -> Batch:
        """Return the batch of `step`, counted from 0: (B, C, Z, Y, X) on the device.

        Of several processes, each gets its share of what one alone would get.
        The first patches lie around `centres`, where these are given.
        """
        rng, generator = self._chance(step)
        if self._config.network.dropout > 0:
            rng.integers(2**62)  # is `seed_dropout`'s
        slices, side = self.patch
        batch = self.sampler.draw(
            rng,
            self._config.train.batch_size,
            patch=self.answered,
            source=(slices, source_side(self._config.augment, side)),
            centres=centres,
        )
        moved = batch.each(lambda part: part.to(self._device))
        whole = augment(moved, self._config.augment, side, generator)
        return whole.each(lambda part: part[self._ranks.share])

    def seed_dropout(self, step: int) -> None:
        """Seed torch's own generator, from which dropout draws, for `step`."""
        if self._config.network.dropout > 0:
            seed = int(self._chance(step)[0].integers(2**62))
            torch.manual_seed(seed + self._ranks.rank)

    def _chance(self, step: int) -> tuple[np.random.Generator, torch.Generator]:
        rng = np.random.default_rng([self._config.train.seed, step])
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        return rng, generator
