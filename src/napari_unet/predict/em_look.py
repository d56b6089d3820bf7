"""Whether an image looks like electron microscopy of tissue, by its grey values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from napari_unet.data.normalize import Normalization
from napari_unet.data.one_import import imported
from napari_unet.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.data.crop import Cuttable
    from napari_unet.data.stack import Stack

_SLICES = 3
_SIDE = 512
_BLOCK = 32
_SIGMA = 2.5
_LINE = 0.4
# Of ISBI 2012 and of the medulla in all orientations, also inverted, blurred, noisy,
# halved or doubled, 0.92 to 1.00 of the blocks hold a line and the skewness is 0.5 at
# most. Of CT, nuclei and photographs with a skewness below 0.9, 0.01 to 0.77 do; nuclei
# with more, up to 0.97, have a skewness of 1 to 2.
_LEAST_LINED = 0.85
_MOST_SKEWED = 0.9


def looks_like_em(stack: Stack) -> bool:
    """Return whether lines such as membranes run through all parts of an image.

    Tissue in the electron microscope is full of them, and about as much of it is darker
    than its mean as brighter. Fluorescence is dark with few bright parts; CT and most
    photographs have smooth areas. A texture, such as grass, may be taken for EM.

    Three slices are looked at, up to 512 x 512 pixels in the middle of each. Images in
    colour, of several channels, or with values that are no numbers, are no EM.
    """
    try:
        channels = stack.picture.as_czyx()
    except InputError:
        return False
    return channels.shape[0] == 1 and first_looks_like_em(channels)


def first_looks_like_em(image: Cuttable) -> bool:
    """Return the same of the first channel of a (C, Z, Y, X) image."""
    _, depth, height, width = image.shape
    if min(height, width) < _BLOCK:
        return False
    rows, columns = _middle(height), _middle(width)
    places = np.unique(np.linspace(0, depth - 1, _SLICES + 2)[1:-1].astype(int))
    first = slice(0, 1)
    try:
        planes = (image[first, slice(z, z + 1), rows, columns] for z in places)
        answers = [_is_lined(np.asarray(plane)) for plane in planes]
    except InputError:
        return False
    return 2 * sum(answers) > len(answers)


def _middle(length: int) -> slice:
    start = max(0, (length - _SIDE) // 2)
    return slice(start, min(length, start + _SIDE))


def _is_lined(plane: NDArray[np.generic]) -> bool:
    """Return whether a (1, 1, Y, X) plane is lined everywhere, and evenly grey."""
    # scikit-image takes a while to load; docks that only open need not wait. Its lazy
    # packages would hide why a module does not load.
    corner = imported("skimage.feature.corner")
    grey = Normalization()(plane)[0, 0]
    second = corner.hessian_matrix(grey, sigma=_SIGMA, use_gaussian_derivatives=False)
    lines = _SIGMA**2 * np.abs(corner.hessian_matrix_eigvals(second)).max(axis=0)
    blocks = [pair for pair in _blocks(grey, lines) if not _is_filling(pair[0])]
    lined = [bool(of_lines.max() > _LINE) for _, of_lines in blocks]
    if not blocks or sum(lined) < _LEAST_LINED * len(lined):
        return False
    skewness = np.mean([(of_grey.clip(-3, 3) ** 3).mean() for of_grey, _ in blocks])
    return bool(abs(skewness) <= _MOST_SKEWED)


def _is_filling(block: NDArray[np.float32]) -> bool:
    """Return whether a row or column has one value, as around aligned sections."""
    return any(bool((np.ptp(block, axis) == 0).any()) for axis in (0, 1))


def _blocks(*planes: NDArray[np.float32]) -> Iterator[tuple[NDArray[np.float32], ...]]:
    """Cut planes, all (Y, X), into whole blocks; the rest at their ends is left out."""
    rows, columns = (range(0, n + 1, _BLOCK) for n in planes[0].shape)
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            yield tuple(plane[top:bottom, left:right] for plane in planes)
