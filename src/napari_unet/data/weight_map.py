"""The weight of every pixel in the loss (paper, equation 2)."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage, WeightMapConfig
from napari_unet.data.annotation import IGNORE, Target, to_target
from napari_unet.data.machine_memory import require_memory
from napari_unet.data.two_nearest import two_nearest
from napari_unet.errors import memory_told
from napari_unet.words import sides

# Share of its height below which a Gaussian counts as 0: half of what the map may
# differ from the formula.
_NEGLIGIBLE = 5e-6
_BYTES_OF_PIXEL = 10
"""Classes, objects and weights, and a byte of what they are made from."""


@dataclass(frozen=True)
class _Constants:
    """What background pixels gain from objects around them.

    `rim exp(-d1^2 / (2 rim_sigma^2)) + w0 exp(-(d1 + d2)^2 / (2 sigma^2))`, and
    `background` besides where that is fixed.
    """

    w0: float
    sigma: float
    rim: float = 0.0
    rim_sigma: float = 1.0
    background: float | None = None


# The plugin's foreground-background ratio, border weight factor and two sigmas, as of
# lmb-freiburg/Unet-Segmentation (Falk et al. 2019).
_FIJI = _Constants(w0=50.0, sigma=6.0, rim=0.9, rim_sigma=10.0, background=0.1)


@memory_told()
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

    The formula ``fiji`` is that of the authors' plugin (Falk et al. 2019): 1 on
    objects, and on background
    ``0.1 + 0.9 exp(-d1^2 / 200) + 50 exp(-(d1 + d2)^2 / 72)``.

    Parameters
    ----------
    target
        Classes and objects, each (Z, Y, X).
    config
        Formula, w0, sigma (pixels of the finest axis) and whether classes are balanced.
    ndim
        2: distances within each slice; 3: in the volume.
    pixel_size
        Size of a pixel along Z, Y and X, in any one unit.
    balance
        (num_classes,) weights of the classes; from `target` itself when left out.

    Returns
    -------
    (Z, Y, X) float32; 0 where the target is not annotated. It is within 1e-5 w0 of
    the formula.
    """
    config = config or WeightMapConfig()
    if balance is None:
        balance = class_weights(target, config)
    weights = weigh_classes(target.classes, balance)
    finest = min(pixel_size[3 - ndim :])
    sampling = tuple(size / finest for size in pixel_size[3 - ndim :])
    where = target.annotated_slices if ndim == 2 else [slice(None)]
    for z in where:
        background = target.classes[z] == 0
        weights[z] += background_gain(target.objects[z], background, config, sampling)
    return weights


def stack_steps(
    labels: NDArray[np.generic],
    kind: AnnotationKind | None,
    config: WeightMapConfig,
    stop: Event,
    *,
    coverage: Coverage | None = None,
) -> Generator[tuple[int, int], None, NDArray[np.float32] | None]:
    """Weigh the pixels of annotations slice by slice.

    Parameters
    ----------
    labels
        (Z, Y, X) as painted.
    kind
        What they mean; None for a guess.
    config
        Settings of the weight map.
    stop
        Ends the work, which then returns None.
    coverage
        Which pixels say anything; None for a guess.

    Yields
    ------
    How many slices are done, and of how many.
    """
    yield 0, len(labels)
    require_memory_of_map(labels.shape)
    target = to_target(labels, kind, coverage=coverage)
    # Classes are balanced over the stack, not within each slice.
    balance = class_weights(target, config)
    mapped = np.empty(labels.shape, np.float32)
    for z in range(len(labels)):
        if stop.is_set():
            return None
        part = slice(z, z + 1)
        classes, objects = target.classes[part], target.objects[part]
        one = replace(target, classes=classes, objects=objects)
        mapped[part] = weight_map(one, config, balance=balance)
        yield z + 1, len(labels)
    return mapped


def require_memory_of_map(shape: Sequence[int]) -> None:
    """Raise OutOfMemoryError where the weight map of (Z, Y, X) labels finds no room."""
    words = f"the weight map of {sides(shape)} pixels"
    require_memory(_BYTES_OF_PIXEL * math.prod(shape), words)


def class_weights(target: Target, config: WeightMapConfig) -> NDArray[np.float64]:
    """Return w_c of each class: (num_classes,), of mean 1 over annotated pixels.

    Every class that occurs gets the same weight in total; one that does not, 0.
    """
    counts = np.zeros(256, np.intp)
    for plane in target.classes:  # of all at once, it would make 64-bit numbers
        counts += np.bincount(plane.ravel(), minlength=256)
    return weights_of_counts(counts[: target.num_classes], config)


def weights_of_counts(
    counts: NDArray[np.intp], config: WeightMapConfig
) -> NDArray[np.float64]:
    """Return w_c of each class from the number of its pixels, (num_classes,)."""
    weights = np.ones(counts.size)
    fixed = _constants(config).background
    if fixed is not None:
        weights[0] = fixed
    elif config.balance:
        present = counts > 0
        weights[~present] = 0
        weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights


def weigh_classes(
    classes: NDArray[np.uint8], balance: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the weight of each pixel's class; 0 where it is not annotated."""
    table = np.zeros(256, np.float32)
    table[: balance.size] = balance
    table[IGNORE] = 0
    return table[classes]


def background_gain(
    objects: NDArray[np.int32],
    background: NDArray[np.bool_],
    config: WeightMapConfig,
    sampling: Sequence[float],
) -> NDArray[np.float32]:
    """Return what background pixels weigh more because of the objects around them.

    Parameters
    ----------
    objects
        (Y, X) or (Z, Y, X) int32, 0 = none.
    background
        Pixels that are asked for, of the same shape; all others gain 0.
    config
        Formula, w0 and sigma.
    sampling
        Relative pixel size of each axis, 1 for the finest.
    """
    constants = _constants(config)
    reach, rim_reach = _reaches(constants)
    if reach == rim_reach == 0:
        return np.zeros(objects.shape, np.float32)
    d1, d2 = two_nearest(objects, background, sampling, reach, rim_reach)
    gain = _gaussian(d1 + d2, constants.w0, constants.sigma)
    if constants.rim:
        gain += _gaussian(d1, constants.rim, constants.rim_sigma)
    return gain


def reach_of(config: WeightMapConfig) -> float:
    """Return how far from an object weights may depend on it, in pixels."""
    return max(_reaches(_constants(config)))


def _constants(config: WeightMapConfig) -> _Constants:
    return _FIJI if config.formula == "fiji" else _Constants(config.w0, config.sigma)


def _reaches(constants: _Constants) -> tuple[float, float]:
    """Return d1 + d2, and d1, at which their terms become negligible."""
    sigmas = math.sqrt(-2 * math.log(_NEGLIGIBLE))
    return (
        constants.sigma * sigmas if constants.w0 > 0 else 0.0,
        constants.rim_sigma * sigmas if constants.rim > 0 else 0.0,
    )


def _gaussian(
    distance: NDArray[np.float32], height: float, sigma: float
) -> NDArray[np.float32]:
    """Return ``height exp(-distance^2 / (2 sigma^2))``; `distance` is overwritten."""
    np.multiply(distance, distance, out=distance)
    np.multiply(distance, np.float32(-1 / (2 * sigma**2)), out=distance)
    np.exp(distance, out=distance)
    np.multiply(distance, np.float32(height), out=distance)
    return distance
