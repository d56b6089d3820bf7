"""What starter networks learn from: a FIB-SEM volume and synthetic EM."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage
from varied_em import varied_section

from napari_unet.config import AnnotationKind
from napari_unet.data.fingerprint import fingerprint
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.stack import Stack
from napari_unet.model.seen import seen
from napari_unet.predict.rescale import resize
from napari_unet.samples import em_stack
from napari_unet.train.one_size import nearest
from napari_unet.train.training_image import TrainingImage, prepare_image

LEARNT, HELD_OUT = range(190), range(200, 250)
"""Slices of the medulla; those between are left out, for neighbours look alike."""
SEEDS, HELD_OUT_SEEDS = range(96), range(1000, 1008)
SIZES = (3.0, 4.0, 5.0, 6.5, 8.0, 10.0)
"""Pixel sizes, in nm, that the medulla is brought to."""
_VOXEL = 10.0
_MEMBRANE = 16.0
"""Width of a membrane in nm; bodies touch in the truth of the medulla."""
_PIXELS = 1_500_000
"""Of each size and orientation of the medulla."""

Labelled = tuple[Stack, NDArray[np.bool_]]
"""A (Z, Y, X) image, and where it shows the interior of a cell."""


class Medulla:
    """Janelia FlyEM: FIB-SEM of a Drosophila medulla, 250 x 250 x 250 voxels of 10 nm.

    Creative Commons, attribution. `folder` holds medulla-raw.tif and
    medulla-bodies.tif.
    """

    def __init__(self, folder: Path) -> None:
        self._raw = tifffile.imread(folder / "medulla-raw.tif")
        self._bodies = tifffile.imread(folder / "medulla-bodies.tif")

    @property
    def entry(self) -> dict[str, str]:
        """What the card of a model says of it."""
        name = "Drosophila medulla, FIB-SEM (Janelia FlyEM)"
        slices = seen(fingerprint(self._raw[None]), LEARNT, HELD_OUT)
        return {"name": name, "licence": "Creative Commons, attribution", **slices}

    def learnt(self) -> Iterator[Labelled]:
        """Give the slices to learn in three orientations, with pixels of all sizes."""
        for axes in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
            raw = self._raw[: LEARNT.stop].transpose(axes)
            bodies = self._bodies[: LEARNT.stop].transpose(axes)
            for size in SIZES:
                yield resized(raw, bodies, size)

    def held_out(self) -> Iterator[Labelled]:
        """Give a few held-out slices, with large and with small pixels."""
        for size in (10.0, 5.0):
            chosen = slice(HELD_OUT.start, HELD_OUT.stop, 7)
            yield resized(self._raw[chosen], self._bodies[chosen], size)


def synthetic(seeds: range) -> Iterator[Labelled]:
    """Draw a section for each seed, and for every eighth a stack of `em_stack`."""
    for number, seed in enumerate(seeds):
        image, cells, size = varied_section(seed)
        yield _stack(image[None], size, f"varied EM, seed {seed}"), cells[None] > 0
        if number % 8 == 0:
            stack, cells = em_stack((4, 512, 512), seed=seed + 1)
            size = SIZES[number // 8 % len(SIZES)]
            side = round(512 * 4 / size)
            shape = 4, side, side
            image = resize(np.asarray(stack.data, np.float32)[None], shape)[0]
            inside = resize((cells > 0).astype(np.float32)[None], shape)[0] > 0.5
            yield _stack(image, size, stack.source), inside


def synthetic_entry() -> dict[str, str]:
    """Return what the card of a model says of `synthetic`, with the first section."""
    name = f"synthetic EM, {len(SEEDS)} sections and {len(SEEDS) // 8} stacks"
    first = fingerprint(varied_section(SEEDS[0])[0][None, None])
    return {"name": name, "licence": "BSD-3-Clause", **seen(first, [0], [])}


def prepared(stack: Stack, inside: NDArray[np.bool_]) -> TrainingImage:
    """Make a training image of which nothing is held out."""
    return prepare_image(
        stack,
        inside.astype(np.uint8),
        kind=AnnotationKind.CLASSES,
        validation="none",
    )


def resized(
    raw: NDArray[np.uint8], bodies: NDArray[np.uint16], size: float
) -> Labelled:
    """Bring slices to pixels of `size`, with membranes as wide as in nature."""
    height, width = (round(side * _VOXEL / size) for side in raw.shape[1:])
    step = max(1, len(raw) * height * width // _PIXELS)
    raw, bodies = raw[::step], bodies[::step]
    shape = len(raw), height, width
    image = resize(raw[None].astype(np.float32), shape)[0]
    far = np.stack([_border_distance(one) for one in bodies])
    if size < _VOXEL:
        far = resize(far[None], shape)[0]
    else:
        far = np.asarray(nearest(SparseSlices.of(far), shape))
    name = f"medulla, {size:g} nm"
    return _stack(image, size, name), far > _MEMBRANE / 2


def _border_distance(bodies: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return how far the middle of each pixel is from another body, in nm."""
    border = ndimage.maximum_filter(bodies, 3) != ndimage.minimum_filter(bodies, 3)
    far = ndimage.distance_transform_edt(~border) + 0.5
    return np.asarray(_VOXEL * far, np.float32)


def _stack(data: NDArray[np.generic], size: float, source: str) -> Stack:
    return Stack(data, axes="ZYX", pixel_size=(size,) * 3, unit="nm", source=source)
