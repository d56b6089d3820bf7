"""The weight of every pixel in the loss (paper, equation 2)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_unet.config import WeightMapConfig
from napari_unet.data.annotation import IGNORE, Target

_NEGLIGIBLE = 1e-6


def weight_map(
    target: Target,
    config: WeightMapConfig | None = None,
    *,
    ndim: int = 2,
    pixel_size: Sequence[float] = (1.0, 1.0, 1.0),
    balance: NDArray[np.float64] | None = None,
) -> NDArray[np.float32]:
    """Weight every pixel of a target: class balance plus lines between objects.

    ``w(x) = w_c(x) + w0 exp(-(d1 + d2)^2 / (2 sigma^2))`` (Ronneberger et al. 2015,
    eq. 2), the second term on background pixels only.

    Parameters
    ----------
    target
        Classes and objects, each (Z, Y, X).
    config
        w0, sigma (pixels of the finest axis) and whether classes are balanced.
    ndim
        2: distances within each slice; 3: in the volume.
    pixel_size
        Size of a pixel along Z, Y and X, in any one unit.
    balance
        (num_classes,) weights of the classes; from `target` itself when left out.

    Returns
    -------
    (Z, Y, X) float32; 0 where the target is not annotated.
    """
    config = config or WeightMapConfig()
    if balance is None:
        balance = class_weights(target, config)
    weights = _by_class(target.classes, balance)
    if config.w0 == 0:
        return weights
    finest = min(pixel_size[3 - ndim :])
    sampling = tuple(size / finest for size in pixel_size[3 - ndim :])
    if ndim == 3:
        _add_border(weights, target.classes, target.objects, config, sampling)
        return weights
    for z in target.annotated_slices:
        _add_border(weights[z], target.classes[z], target.objects[z], config, sampling)
    return weights


def class_weights(target: Target, config: WeightMapConfig) -> NDArray[np.float64]:
    """Return w_c of each class: (num_classes,), of mean 1 over annotated pixels.

    Every class that occurs gets the same weight in total; one that does not, 0.
    """
    counts = np.bincount(target.classes.ravel(), minlength=256)[: target.num_classes]
    if not config.balance:
        return np.ones(target.num_classes)
    present = counts > 0
    weights = np.zeros(target.num_classes)
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights


def border_term(
    objects: NDArray[np.int32], config: WeightMapConfig, sampling: Sequence[float]
) -> NDArray[np.float32]:
    """Return ``w0 exp(-(d1 + d2)^2 / (2 sigma^2))`` for every pixel of `objects`.

    Parameters
    ----------
    objects
        (Y, X) or (Z, Y, X) int32, 0 = background.
    config
        w0 and sigma.
    sampling
        Relative pixel size of each axis, 1 for the finest.

    Notes
    -----
    Distances to an object are taken only in its bounding box grown by the distance
    at which the term falls below 1e-6, which costs a small part of one full distance
    map per object and needs two images of memory, however many objects there are.
    """
    near = np.full(objects.shape, np.inf, np.float32)
    second = np.full(objects.shape, np.inf, np.float32)
    reach = _reach(config)
    objects = _compact(objects)
    for value, box in enumerate(ndimage.find_objects(objects), start=1):
        if box is None:
            continue
        grown = _grow(box, objects.shape, reach, sampling)
        distance = ndimage.distance_transform_edt(objects[grown] != value, sampling)
        _insert(near[grown], second[grown], distance.astype(np.float32))
    exponent = -((near + second) ** 2) / np.float32(2 * config.sigma**2)
    return np.asarray(np.float32(config.w0) * np.exp(exponent), np.float32)


def _by_class(
    classes: NDArray[np.uint8], balance: NDArray[np.float64]
) -> NDArray[np.float32]:
    table = np.zeros(256, np.float32)
    table[: balance.size] = balance
    table[IGNORE] = 0
    return table[classes]


def _add_border(
    weights: NDArray[np.float32],
    classes: NDArray[np.uint8],
    objects: NDArray[np.int32],
    config: WeightMapConfig,
    sampling: Sequence[float],
) -> None:
    background = classes == 0
    weights[background] += border_term(objects, config, sampling)[background]


def _reach(config: WeightMapConfig) -> float:
    """Return the largest d1 + d2 at which the term is still above 1e-6."""
    if config.w0 <= _NEGLIGIBLE:
        return 0.0
    return config.sigma * math.sqrt(2 * math.log(config.w0 / _NEGLIGIBLE))


def _grow(
    box: tuple[slice, ...],
    shape: tuple[int, ...],
    reach: float,
    sampling: Sequence[float],
) -> tuple[slice, ...]:
    margins = [math.ceil(reach / size) for size in sampling]
    return tuple(
        slice(max(0, side.start - margin), min(length, side.stop + margin))
        for side, length, margin in zip(box, shape, margins, strict=True)
    )


def _compact(objects: NDArray[np.int32]) -> NDArray[np.int32]:
    """Renumber ids so large that one list entry for each would be wasteful."""
    if objects.size and objects.max() > max(objects.size, 65535):
        values, inverse = np.unique(objects, return_inverse=True)
        inverse = inverse.reshape(objects.shape) + (0 if values[0] == 0 else 1)
        return inverse.astype(np.int32)
    return objects


def _insert(
    near: NDArray[np.float32],
    second: NDArray[np.float32],
    distance: NDArray[np.float32],
) -> None:
    """Keep the two smallest distances of every pixel, in place."""
    np.minimum(second, np.maximum(near, distance), out=second)
    np.minimum(near, distance, out=near)
