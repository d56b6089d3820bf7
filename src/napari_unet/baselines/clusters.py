"""Pixels that look alike, gathered into clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_unet.baselines.planes import Mask, Plane
from napari_unet.baselines.thresholds import smooth
from napari_unet.config import BaselineConfig

_SAMPLE = 20_000
_ROUNDS = 100
_STILL = 1e-4


def kmeans(plane: Plane, config: BaselineConfig) -> Mask:
    """Gather pixels into two clusters by their grey value and that around them.

    k-means (Lloyd 1982) on the slice smoothed at one and at two times the scale; of
    the grey value alone it would make Otsu's split. The brighter cluster is the
    foreground.
    """
    from sklearn.cluster import KMeans

    looks = _looks(plane, config)
    if not looks.any():
        return np.zeros(plane.shape, bool)
    clusters = KMeans(2, n_init=1, random_state=config.seed)
    clusters.fit(looks[_sample(looks[:, 0], config.seed)])
    bright = int(clusters.cluster_centers_.mean(axis=1).argmax())
    return np.reshape(clusters.predict(looks) == bright, plane.shape)


def fuzzy_cmeans(plane: Plane, config: BaselineConfig) -> Mask:
    """Gather pixels as `kmeans` does, each belonging to both clusters to a degree.

    Fuzzy c-means (J. C. Bezdek 1981, Pattern Recognition with Fuzzy Objective Function
    Algorithms, Plenum) with the exponent 2: how far a pixel belongs to a cluster falls
    with the square of its distance from the centre, and centres are means weighted by
    the square of that. They start at the darkest and the brightest look, so that no
    chance decides, and both are there however rare the foreground is.
    """
    looks = _looks(plane, config)
    centres = np.stack([looks.min(axis=0), looks.max(axis=0)])
    for _ in range(_ROUNDS):
        weights = _belonging(looks, centres) ** 2
        last, centres = centres, weights @ looks / weights.sum(axis=1, keepdims=True)
        if np.abs(centres - last).max() < _STILL:
            break
    bright = int(centres.mean(axis=1).argmax())
    return np.reshape(_belonging(looks, centres)[bright] > 0.5, plane.shape)


def _looks(plane: Plane, config: BaselineConfig) -> NDArray[np.float32]:
    """Describe pixels by the grey value at one and at two times the scale, (N, 2)."""
    looks = np.stack([smooth(plane, n * config.scale).ravel() for n in (1, 2)], axis=1)
    spread = looks.std(axis=0)
    return np.asarray(looks / np.where(spread > 0, spread, 1), np.float32)


def _belonging(
    looks: NDArray[np.float32], centres: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return how far pixels belong to each of two centres, (2, N), 1 in all."""
    far = [np.square(looks - centre).sum(axis=1) + 1e-12 for centre in centres]
    share = far[1] / (far[0] + far[1])
    return np.stack([share, 1 - share])


def _sample(values: Plane, seed: int) -> NDArray[np.intp]:
    """Draw pixels, the darkest and the brightest among them: two clusters at least."""
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(values), min(len(values), _SAMPLE), replace=False)
    return np.append(drawn, [values.argmin(), values.argmax()])
