"""Mean and deviation of the slices of a volume, measured by whoever predicts it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.files import atomic_write, unreadable
from napari_unet.data.normalize import Normalization
from napari_unet.data.slabs import sampled_slab, slab_depth
from napari_unet.predict.blocks import Block, Grid, Written
from napari_unet.predict.volume_image import VolumeImage


def slabs_for(image: VolumeImage) -> Grid:
    """Cut a volume into whole slices, as many as are best measured at once."""
    shape = image.shape[1:]
    return Grid(shape, (slab_depth(image), *shape[1:]))


@dataclass(frozen=True)
class MomentsWork:
    """Measures the slices of a block.

    Attributes
    ----------
    normalization
        What is measured.
    image
        The volume.
    folder
        Where it is kept.
    """

    normalization: Normalization
    image: VolumeImage
    folder: Path

    def read(self, block: Block) -> NDArray[Any]:
        """Read the (C, Z, Y, X) values that are measured."""
        return sampled_slab(self.image, block.core[0])

    def compute(
        self, block: Block, read: NDArray[Any], stop: Event
    ) -> NDArray[np.float64] | None:
        """Measure each slice."""
        if stop.is_set():
            return None
        planes = (np.asarray(plane, np.float32) for plane in np.moveaxis(read, 1, 0))
        return self.normalization.of_slices(planes)

    def write(self, block: Block, made: NDArray[np.float64]) -> Written:
        """Keep it."""
        with atomic_write(_moments(self.folder, block.index)) as temporary:
            np.save(temporary, made)
        return Written()

    def combined(self, grid: Grid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what `Normalization.measure` does, once all blocks are measured.

        Raises
        ------
        InputError
            When a slice holds values that are no numbers, or a file was lost.
        """
        found = [_kept(_moments(self.folder, one.index)) for one in grid]
        return self.normalization.combined(np.concatenate(found, -1), self.image)


def _moments(folder: Path, index: int) -> Path:
    return folder / f"moments-{index}.npy"


def _kept(path: Path) -> NDArray[np.float64]:
    try:
        return np.asarray(np.load(path))
    except OSError as error:
        raise unreadable(path, error) from error
