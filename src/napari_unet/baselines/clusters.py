"""Pixels that look alike, gathered into clusters."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_unet.baselines.planes import Mask, Plane
from napari_unet.baselines.thresholds import smooth
from napari_unet.config import BaselineConfig

_SAMPLE = 20_000


def kmeans(plane: Plane, config: BaselineConfig) -> Mask:
    """Gather pixels into two clusters by their grey value and that around them.

    k-means (Lloyd 1982) on the slice smoothed at one and at two times the scale; of
    the grey value alone it would make Otsu's split. The brighter cluster is the
    foreground.
    """
    from sklearn.cluster import KMeans

    looks = np.stack([smooth(plane, n * config.scale).ravel() for n in (1, 2)], axis=1)
    looks /= looks.std(axis=0)
    clusters = KMeans(2, n_init=1, random_state=config.seed)
    clusters.fit(looks[_sample(looks[:, 0], config.seed)])
    bright = int(clusters.cluster_centers_.mean(axis=1).argmax())
    return np.reshape(clusters.predict(looks) == bright, plane.shape)


def _sample(values: Plane, seed: int) -> NDArray[np.intp]:
    """Draw pixels, the darkest and the brightest among them: two clusters at least."""
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(values), min(len(values), _SAMPLE), replace=False)
    return np.append(drawn, [values.argmin(), values.argmax()])
