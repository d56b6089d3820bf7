"""A random forest that tells pixels apart by what is around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import skimage
from numpy.typing import NDArray

from napari_unet.baselines.planes import Mask, Plane, check_sides, side_of
from napari_unet.config import BaselineConfig

_PIXELS = 20_000
"""Of each side, that are learnt from."""
_TREES = 10
"""That grow between two steps."""
_LEAF = 10
_OCTAVES = 4
_BAND = 2**20
"""Pixels whose features are held at once."""


class Forest:
    """A pixel classifier, learnt from annotated slices (Breiman 2001).

    L. Breiman, Machine Learning 45:5. Every pixel is described by the Gaussian mean,
    the gradient and the eigenvalues of the Hessian matrix at five scales, from half
    the scale of `config` to eight times it.

    Parameters
    ----------
    config
        Scale, trees and seed.
    """

    def __init__(self, config: BaselineConfig) -> None:
        from sklearn.ensemble import RandomForestClassifier

        self.config = config
        self._forest = RandomForestClassifier(
            0,
            min_samples_leaf=_LEAF,
            n_jobs=-1,
            random_state=config.seed,
            warm_start=True,
        )

    @property
    def lots(self) -> int:
        """Number of steps in which the trees grow."""
        return -(-self.config.trees // _TREES)

    def learn(
        self, lessons: Iterable[tuple[Plane, NDArray[np.uint8]]], count: int
    ) -> Iterator[None]:
        """Learn, with a step after every slice and after every lot of trees.

        Parameters
        ----------
        lessons
            Slices with their class indices, `IGNORE` where there is no annotation.
        count
            Number of slices: each gives its share of the pixels that are learnt from.

        Raises
        ------
        InputError
            When there are not two sides to tell apart.
        """
        rng = np.random.default_rng(self.config.seed)
        looks, sides = [], []
        for plane, classes in lessons:
            for found, side in self._sample(plane, classes, -(-_PIXELS // count), rng):
                looks.append(found)
                sides.append(np.full(len(found), side))
            yield
        known = np.concatenate(looks), np.concatenate(sides)
        pixels = np.bincount(known[1], minlength=2)
        check_sides(pixels, "the random forest")
        # The rarer side counts as much as the other.
        weights = len(known[1]) / pixels[known[1]]
        for lot in range(1, self.lots + 1):
            self._forest.n_estimators = min(lot * _TREES, self.config.trees)
            self._forest.fit(*known, sample_weight=weights)
            yield

    def segment(self, plane: Plane, _classes: NDArray[np.uint8]) -> Mask:
        """Return the foreground of a slice: what most trees vote for."""
        # Threads add up votes in any order: rounding must not decide.
        half = 0.5 + 1e-9
        votes = [
            self._forest.predict_proba(found.reshape(-1, found.shape[-1]))[:, 1]
            for _, found in features(plane, self.config.scale)
        ]
        return np.reshape(np.concatenate(votes) > half, plane.shape)

    def _sample(
        self,
        plane: Plane,
        classes: NDArray[np.uint8],
        pixels: int,
        rng: np.random.Generator,
    ) -> Iterator[tuple[NDArray[np.float32], int]]:
        """Draw pixels of either side, and yield their features with the side."""
        drawn, sides = np.full(classes.shape, -1, np.int8), side_of(classes)
        for side in (0, 1):
            places = np.flatnonzero(sides == side)
            chosen = rng.choice(places, min(pixels, len(places)), replace=False)
            drawn.ravel()[chosen] = side
        for rows, found in features(plane, self.config.scale):
            for side in (0, 1):
                yield found[drawn[rows] == side], side


def features(plane: Plane, scale: float) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Describe the pixels of a slice, some rows at a time.

    Yields
    ------
    rows
        Which rows of the slice.
    features
        (rows, X, 20) float32: what is around each pixel.
    """
    widest = scale / 2 * 2**_OCTAVES
    # As far as the widest Gaussian and the derivatives of it reach.
    halo = int(4 * widest) + 4
    height = max(1, _BAND // plane.shape[1])
    for top in range(0, len(plane), height):
        rows = slice(top, min(top + height, len(plane)))
        first = max(0, top - halo)
        found = skimage.feature.multiscale_basic_features(
            plane[first : rows.stop + halo],
            sigma_min=scale / 2,
            sigma_max=widest,
            num_sigma=_OCTAVES + 1,
        )
        yield rows, found[top - first : rows.stop - first]
