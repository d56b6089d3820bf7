"""The baselines by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from napari_unet.baselines.clusters import kmeans
from napari_unet.baselines.contours import chan_vese, geodesic
from napari_unet.baselines.edges import watershed
from napari_unet.baselines.planes import Mask, Plane
from napari_unet.baselines.thresholds import li, local, otsu
from napari_unet.config import BaselineConfig
from napari_unet.errors import InputError

Method = Callable[[Plane, BaselineConfig], Mask]


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
        Makes the mask of a slice; None where it has to be learnt from annotations.
    chance
        Whether random numbers decide, so that the seed matters.
    """

    name: str
    title: str
    description: str
    method: Method | None = None
    chance: bool = False

    @property
    def learns(self) -> bool:
        """Whether it needs annotations to learn from."""
        return self.method is None

    @property
    def idle_settings(self) -> dict[str, str]:
        """Why settings have no effect, by their names in `BaselineConfig`."""
        why = {"trees": "Only the random forest has trees."}
        if self.learns:
            why = {"side": "The random forest learns it from the annotations."}
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
        "forest",
        "Random forest",
        "Learns from the annotations to tell pixels apart by brightness, edges and "
        "texture around them.",
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
