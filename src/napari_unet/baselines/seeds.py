"""Foreground taken out of an image from seeds: annotated pixels of either side.

On a slice that is not annotated on both sides, the seeds are the pixels whose grey
values speak most clearly, as learnt from the annotated slices.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator

import numpy as np
import scipy
import skimage
from numpy.typing import NDArray

from napari_unet.baselines.appearance import Appearance
from napari_unet.baselines.planes import Mask, Plane, neighbours, side_of
from napari_unet.baselines.thresholds import smooth
from napari_unet.config import BaselineConfig

_BETA = 4000.0
_EXACT = 1e-7
_CLEAREST = 0.3
_FIRM = 4.0
_SMOOTHNESS = 1.0
_HELD = 4 * _SMOOTHNESS + 1
"""Cost of parting a seed from its side: more than from all of its four neighbours."""
_UNITS = 100
"""Of cost, which is counted in whole numbers, in 1."""


class Seeded(ABC):
    """What takes the foreground out of an image from seeds.

    Parameters
    ----------
    config
        Its scale smooths the slices.
    """

    title: str
    lots = 0

    def __init__(self, config: BaselineConfig) -> None:
        self.config = config
        self.appearance = Appearance()

    def learn(
        self, lessons: Iterable[tuple[Plane, NDArray[np.uint8]]], count: int
    ) -> Iterator[None]:
        """Learn how bright either side is, with a step after every slice.

        Raises
        ------
        InputError
            When there are not two sides to tell apart.
        """
        for plane, classes in lessons:
            self.appearance.add(smooth(plane, self.config.scale), classes)
            yield
        self.appearance.check(self.title)

    def segment(self, plane: Plane, classes: NDArray[np.uint8]) -> Mask:
        """Return the foreground of a slice; annotated pixels stay what they are."""
        even = smooth(plane, self.config.scale)
        return self._cut(even, self.appearance.odds(even), side_of(classes))

    @abstractmethod
    def _cut(self, even: Plane, odds: Plane, seeds: NDArray[np.int8]) -> Mask:
        """Return the foreground; seeds are 1 there, 0 in the background, else -1."""


class RandomWalker(Seeded):
    """Every pixel is of the side whose seeds a random walk from it meets first.

    L. Grady 2006, IEEE Transactions on Pattern Analysis and Machine Intelligence
    28:1768. Steps across edges are unlikely.
    """

    title = "the random walker"

    def _cut(self, even: Plane, odds: Plane, seeds: NDArray[np.int8]) -> Mask:
        if len(np.unique(seeds[seeds >= 0])) < 2:
            seeds = np.where(seeds < 0, _clearest(odds), seeds)
        sides = (seeds == 0).any() and (seeds == 1).any()
        if (seeds >= 0).all() or not sides or not even.any():
            return np.where(seeds < 0, odds > 0, seeds == 1)
        found = skimage.segmentation.random_walker(
            even, seeds + 1, beta=_BETA, mode="cg_j", tol=_EXACT
        )
        return np.asarray(found == 2)


class GraphCut(Seeded):
    """The cheapest cut between the seeds of either side, the least costly outline.

    Y. Y. Boykov and M.-P. Jolly 2001, ICCV, 105: it costs to go against the grey value
    of a pixel, and to part neighbours that look alike. The minimum is exact, found as
    the largest flow.
    """

    title = "the graph cut"

    def _cut(self, even: Plane, odds: Plane, seeds: NDArray[np.int8]) -> Mask:
        leaning = np.clip(odds, -_FIRM, _FIRM)
        leaning = np.where(seeds < 0, leaning, np.where(seeds == 1, _HELD, -_HELD))
        source, sink = even.size, even.size + 1
        before, after = neighbours(even.shape)
        alike = _alike(even.ravel()[before] - even.ravel()[after])
        inside, outside = (np.flatnonzero(side) for side in (leaning > 0, leaning <= 0))
        start = [before, after, np.full(len(inside), source), outside]
        end = [after, before, inside, np.full(len(outside), sink)]
        pulls = np.abs(leaning.ravel())
        costs = np.concatenate([alike, alike, pulls[inside], pulls[outside]])
        whole = np.ceil(_UNITS * costs).astype(np.int32)
        ends = np.concatenate(start), np.concatenate(end)
        graph = scipy.sparse.csr_array((whole, ends), shape=(sink + 1, sink + 1))
        graph.eliminate_zeros()
        left = graph - scipy.sparse.csgraph.maximum_flow(graph, source, sink).flow
        left.eliminate_zeros()
        reached = scipy.sparse.csgraph.breadth_first_order(
            left, source, return_predecessors=False
        )
        found = np.zeros(sink + 1, bool)
        found[reached] = True
        return found[: even.size].reshape(even.shape)


def _clearest(odds: Plane) -> NDArray[np.int8]:
    """Return the clearer half of the pixels on either side, 1 and 0; others -1."""
    seeds = np.full(odds.shape, -1, np.int8)
    for side, clear in enumerate((-odds, odds)):
        if (clear > 0).any():
            bound = np.quantile(clear[clear > 0], _CLEAREST)
            seeds[clear >= max(bound, np.finfo(np.float32).tiny)] = side
    return seeds


def _alike(steps: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cost of parting neighbours whose grey values differ by `steps`."""
    square = np.square(steps, dtype=np.float64)
    usual = max(2 * square.mean(), 1e-12) if len(square) else 1.0
    return _SMOOTHNESS * np.exp(-square / usual)
