"""The baselines by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_unet.baselines.clusters import fuzzy_cmeans, kmeans
from napari_unet.baselines.contours import chan_vese, geodesic
from napari_unet.baselines.edges import watershed
from napari_unet.baselines.forest import Forest
from napari_unet.baselines.merging import region_growing, split_and_merge
from napari_unet.baselines.planes import Mask, Plane
from napari_unet.baselines.seeds import GraphCut, RandomWalker
from napari_unet.baselines.shape_model import ShapeModel
from napari_unet.baselines.thresholds import li, local, otsu
from napari_unet.config import BaselineConfig
from napari_unet.errors import InputError

Method = Callable[[Plane, BaselineConfig], Mask]
Lesson = tuple[Plane, NDArray[np.uint8]]
"""A slice and the class indices of its annotations, `IGNORE` where there is none."""


class Learner(Protocol):
    """What learns from annotated slices, and then segments any slice."""

    def __init__(self, config: BaselineConfig) -> None: ...

    @property
    def lots(self) -> int:
        """Number of steps that it learns in after it has seen all slices."""

    def learn(self, lessons: Iterable[Lesson], count: int) -> Iterator[None]:
        """Learn from `count` slices, with a step after every slice and every lot."""

    def segment(self, plane: Plane, classes: NDArray[np.uint8]) -> Mask:
        """Return the foreground of a slice, given its own annotations."""


@dataclass(frozen=True)
class Baseline:
    """A classical method.

    Attributes
    ----------
    name
        By which it is called on the command line.
    title
        As it is shown.
    description
        One sentence on what it does.
    method
        Makes the mask of a slice, or is the class of what learns to.
    chance
        Whether random numbers decide, so that the seed matters.
    """

    name: str
    title: str
    description: str
    method: Method | type[Learner]
    chance: bool = False

    @property
    def learns(self) -> bool:
        """Whether it needs annotations to learn from."""
        return isinstance(self.method, type)

    @property
    def idle_settings(self) -> dict[str, str]:
        """Why settings have no effect, by their names in `BaselineConfig`."""
        why = {}
        if self.method is not Forest:
            why["trees"] = "Only the random forest has trees."
        if self.learns:
            why["side"] = "It is learnt from the annotations."
        if not self.chance:
            why["seed"] = "No random numbers decide here."
        return why


_ALL = (
    Baseline(
        "otsu",
        "Otsu's threshold",
        "Splits the grey values of each slice in two, so that each side varies least.",
        otsu,
    ),
    Baseline(
        "li",
        "Li's threshold",
        "Splits the grey values of each slice in two by the least cross entropy.",
        li,
    ),
    Baseline(
        "local",
        "Local threshold",
        "Compares every pixel with the mean around it, which evens out shading.",
        local,
    ),
    Baseline(
        "kmeans",
        "k-means clustering",
        "Gathers the pixels of each slice into two clusters, by their grey value and "
        "that around them.",
        kmeans,
        chance=True,
    ),
    Baseline(
        "fuzzy",
        "Fuzzy c-means",
        "Gathers pixels as k-means does, each belonging to both clusters to a degree.",
        fuzzy_cmeans,
    ),
    Baseline(
        "regions",
        "Region growing and merging",
        "Grows regions from even places until they meet along edges, and merges those "
        "that look alike.",
        region_growing,
    ),
    Baseline(
        "split-merge",
        "Split and merge",
        "Quarters each slice until every square is even, and merges those that look "
        "alike.",
        split_and_merge,
    ),
    Baseline(
        "watershed",
        "Edges and watershed",
        "Floods each slice from its bright places until the cells meet along edges.",
        watershed,
    ),
    Baseline(
        "chan-vese",
        "Active contours, Chan-Vese",
        "Moves smooth outlines until inside and outside are each of one brightness.",
        chan_vese,
    ),
    Baseline(
        "geodesic",
        "Active contours, geodesic",
        "Lets smooth outlines grow from inside of the cells until edges hold them.",
        geodesic,
    ),
    Baseline(
        "random-walker",
        "Random walker",
        "Gives every pixel to the side whose seeds a random walk meets first; seeds "
        "are the annotations, or the pixels whose brightness is clearest.",
        RandomWalker,
    ),
    Baseline(
        "graph-cut",
        "Graph cut",
        "Parts both sides along the outline that costs least, by the brightness "
        "learnt from the annotations and by edges.",
        GraphCut,
    ),
    Baseline(
        "shape-model",
        "Shape model",
        "Fits the shape that the annotated slices have in common, such as that of an "
        "organ; of no use for cells.",
        ShapeModel,
    ),
    Baseline(
        "forest",
        "Random forest",
        "Learns from the annotations to tell pixels apart by brightness, edges and "
        "texture around them.",
        Forest,
        chance=True,
    ),
)
BASELINES = {baseline.name: baseline for baseline in _ALL}


def find_baseline(name: str) -> Baseline:
    """Return a baseline by its name.

    Raises
    ------
    InputError
        Listing the names, when there is none of it.
    """
    if name not in BASELINES:
        raise InputError(
            f"There is no baseline {name}: choose one of {', '.join(BASELINES)}."
        )
    return BASELINES[name]
