"""Objects of a slice, or of a volume, measured one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.data.boxes import Box, moved
from napari_unet.measure.feret import longest, longest_and_shortest
from napari_unet.measure.moments import Moments, moments
from napari_unet.measure.nearest import nearest, touching
from napari_unet.measure.perimeter import perimeter
from napari_unet.measure.surface_area import surface_area

_GAP = 2


@dataclass(frozen=True, eq=False)
class MeasuredPart:
    """What is measured by itself: a slice, a volume or a part of one.

    Attributes
    ----------
    labels
        (Y, X) or (Z, Y, X).
    image
        (C, Y, X) or (C, Z, Y, X), or None.
    other
        Other labels to measure distances to, or None.
    number
        Of the slice; None for a volume.
    spacing
        Size of a pixel along each axis.
    distances
        Whether neighbours and distances are wanted.
    corner, whole
        Where the part begins, and the shape of what it is a part of; None for all of
        it.
    """

    labels: NDArray[np.generic]
    image: NDArray[np.generic] | None
    other: NDArray[np.generic] | None
    number: int | None
    spacing: tuple[float, ...]
    distances: bool
    corner: tuple[int, ...] | None = None
    whole: tuple[int, ...] | None = None

    def rows(self) -> list[tuple[int, Box]]:
        """Return value and box of each object."""
        found = scipy.ndimage.find_objects(self.labels)
        return [(n, box) for n, box in enumerate(found, start=1) if box is not None]

    def measure(self, number: int, box: Box) -> dict[str, float]:
        """Measure one object; by names of `COLUMNS`."""
        mask = self.labels[box] == number
        row, spacing = (
            self.place(number, box, moments(mask, self.spacing)),
            self.spacing,
        )
        if mask.ndim == 2:
            around = perimeter(mask, (spacing[0], spacing[1]))
            row |= {"perimeter": around}
            row["feret"], row["min_feret"] = longest_and_shortest(mask, spacing)
            row["circularity"] = 4 * math.pi * row["area"] / around**2
        else:
            around = surface_area(mask, (spacing[0], spacing[1], spacing[2]))
            row |= {"surface": around, "feret": longest(mask, spacing)}
            ball = math.pi ** (1 / 3) * (6 * row["volume"]) ** (2 / 3)
            row["sphericity"] = ball / around
        return row | self._greys(box, mask) | self._around(number, box)

    def place(self, number: int, box: Box, shape: Moments) -> dict[str, float]:
        """Return what follows from the moments of an object, counted from its box."""
        ndim, row = len(box), {"object": float(number)}
        if self.number is not None:
            row["slice"] = self.number
        whole = self.whole or self.labels.shape
        box = moved(box, *(self.corner or (0,) * ndim))
        middle = shape.centroid + [
            part.start * step for part, step in zip(box, self.spacing, strict=True)
        ]
        row |= dict(zip("zyx"[-ndim:], middle.tolist(), strict=True))
        size = shape.count * math.prod(self.spacing)
        if ndim == 2:
            row["area"] = size
            row["equivalent_diameter"] = 2 * math.sqrt(size / math.pi)
        else:
            row["volume"] = size
            row["equivalent_diameter"] = (6 * size / math.pi) ** (1 / 3)
            row["middle_axis"], row["tilt"] = shape.axes[1], shape.tilt
        row |= {"long_axis": shape.axes[0], "short_axis": shape.axes[-1]}
        pixels = math.prod(part.stop - part.start for part in box)
        row |= {"orientation": shape.orientation, "extent": shape.count / pixels}
        row["at_border"] = any(
            part.start == 0 or part.stop == length
            for part, length in zip(box, whole, strict=True)
        )
        return row

    def _greys(self, box: Box, mask: NDArray[np.bool_]) -> dict[str, float]:
        found: dict[str, float] = {}
        if self.image is None:
            return found
        # Several times faster than indexing by the mask.
        inside, names = np.flatnonzero(mask), grey_names(len(self.image))
        for picture, (mean, deviation) in zip(self.image, names, strict=True):
            grey = picture[box].ravel()[inside].astype(np.float64)
            found[mean] = float(grey.mean())
            found[deviation] = math.sqrt(np.square(grey - found[mean]).mean())
        return found

    def _around(self, number: int, box: Box) -> dict[str, float]:
        found: dict[str, float] = {}
        if self.distances:
            found["neighbours"] = len(touching(self.labels, number, box, _GAP))
            found["nearest"] = nearest(self.labels, number, box, self.spacing)
        if self.other is not None:
            found["to_other"] = nearest(
                self.labels, number, box, self.spacing, self.other
            )
        return found


def grey_names(channels: int) -> list[tuple[str, str]]:
    """Return the names of mean and standard deviation of each channel."""
    ends = [f" {channel}" for channel in range(channels)] if channels > 1 else [""]
    return [(f"mean_grey{end}", f"std_grey{end}") for end in ends[:channels]]
