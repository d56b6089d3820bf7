"""Objects of labels, measured one by one."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, cast

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.data.boxes import Box
from napari_unet.data.labels import check_same_size
from napari_unet.errors import memory_told
from napari_unet.measure.columns import COLUMNS
from napari_unet.measure.feret import longest, longest_and_shortest
from napari_unet.measure.moments import moments
from napari_unet.measure.nearest import nearest, touching
from napari_unet.measure.numbered import NumberedObjects, number_objects
from napari_unet.measure.object_measures import ObjectMeasures
from napari_unet.measure.perimeter import perimeter
from napari_unet.measure.surface_area import surface_area
from napari_unet.steps import result_of

_GAP = 2
_TOLD = 64
"""Objects after which it is told how many are done."""
_ADVICE = "choose labels and image of the same place"


@dataclass(frozen=True, eq=False)
class _Plane:
    """What one measured array holds: a slice, or a whole volume.

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
    """

    labels: NDArray[np.generic]
    image: NDArray[np.generic] | None
    other: NDArray[np.generic] | None
    number: int | None
    spacing: tuple[float, ...]
    distances: bool

    def rows(self) -> list[tuple[int, Box]]:
        """Return value and box of each object."""
        found = scipy.ndimage.find_objects(self.labels)
        return [(n, box) for n, box in enumerate(found, start=1) if box is not None]

    def measure(self, number: int, box: Box) -> dict[str, float]:
        """Measure one object; by names of `COLUMNS`."""
        mask = self.labels[box] == number
        ndim, spacing = mask.ndim, self.spacing
        shape, row = moments(mask, spacing), {"object": float(number)}
        if self.number is not None:
            row["slice"] = self.number
        middle = shape.centroid + [
            part.start * step for part, step in zip(box, spacing, strict=True)
        ]
        row |= dict(zip("zyx"[-ndim:], middle.tolist(), strict=True))
        size = shape.count * math.prod(spacing)
        if ndim == 2:
            around = perimeter(mask, (spacing[0], spacing[1]))
            row |= {"area": size, "perimeter": around}
            row["equivalent_diameter"] = 2 * math.sqrt(size / math.pi)
            row["feret"], row["min_feret"] = longest_and_shortest(mask, spacing)
            row["circularity"] = 4 * math.pi * size / around**2
        else:
            around = surface_area(mask, (spacing[0], spacing[1], spacing[2]))
            row |= {"volume": size, "surface": around}
            row["equivalent_diameter"] = (6 * size / math.pi) ** (1 / 3)
            row["feret"] = longest(mask, spacing)
            row["sphericity"] = math.pi ** (1 / 3) * (6 * size) ** (2 / 3) / around
            row["middle_axis"], row["tilt"] = shape.axes[1], shape.tilt
        row |= {"long_axis": shape.axes[0], "short_axis": shape.axes[-1]}
        row |= {"orientation": shape.orientation, "extent": shape.count / mask.size}
        row["at_border"] = any(
            part.start == 0 or part.stop == length
            for part, length in zip(box, self.labels.shape, strict=True)
        )
        return row | self._greys(box, mask) | self._around(number, box)

    def _greys(self, box: Box, mask: NDArray[np.bool_]) -> dict[str, float]:
        if self.image is None:
            return {}
        found, several = {}, len(self.image) > 1
        # Several times faster than indexing by the mask.
        inside = np.flatnonzero(mask)
        for channel, picture in enumerate(self.image):
            grey = picture[box].ravel()[inside].astype(np.float64)
            suffix = f" {channel}" if several else ""
            mean = float(grey.mean())
            away = grey - mean
            found[f"mean_grey{suffix}"] = mean
            found[f"std_grey{suffix}"] = math.sqrt(away @ away / len(away))
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


@dataclass(frozen=True, eq=False)
class MeasureSource:
    """What is measured.

    Attributes
    ----------
    objects
        The objects.
    image
        (C, Z, Y, X): grey values to take mean and standard deviation of, or None.
    pixel_size
        Of Z, Y and X.
    unit
        Its unit; "pixel" where it is unknown.
    other
        (Z, Y, X): labels to measure the distance to, or None.
    distances
        Whether to count neighbours and measure how far the nearest object is, which
        takes most of the time.
    class_names
        Names of the classes, background first.

    Raises
    ------
    InputError
        When shapes differ.
    """

    objects: NumberedObjects
    image: NDArray[np.generic] | None = None
    pixel_size: Sequence[float] = (1.0, 1.0, 1.0)
    unit: str = "pixel"
    other: NDArray[np.generic] | None = None
    distances: bool = True
    class_names: Sequence[str] = ()

    def __post_init__(self) -> None:
        beside = (self.image, "the image is"), (self.other, "the other labels are")
        for array, name in beside:
            if array is not None:
                names, shape = ("The labels are", name), self.objects.labels.shape
                check_same_size(shape, array.shape[-3:], names, _ADVICE)


@memory_told()
def measure_objects(
    objects: NumberedObjects | NDArray[np.generic],
    image: NDArray[np.generic] | None = None,
    **more: Any,
) -> ObjectMeasures:
    """Measure each object of labels.

    Parameters
    ----------
    objects
        (Z, Y, X) labels as `number_objects` reads them, or what it returned.
    image
        (C, Z, Y, X): grey values to take mean and standard deviation of.
    **more
        `pixel_size`, `unit`, `other`, `distances` and `class_names`, as
        `MeasureSource` has them.

    Raises
    ------
    InputError
        When shapes differ, the labels are no whole numbers, or there is no object.
    """
    if not isinstance(objects, NumberedObjects):
        objects = number_objects(objects)
    steps = measure_steps(MeasureSource(objects, image, **more), Event())
    return cast("ObjectMeasures", result_of(steps))


def measure_steps(
    source: MeasureSource, stop: Event
) -> Generator[tuple[int, int], None, ObjectMeasures | None]:
    """Measure each object.

    Parameters
    ----------
    source
        What is measured.
    stop
        Ends the work, which then returns None.

    Yields
    ------
    How many objects are measured, and of how many.
    """
    planes = list(_planes(source))
    work = [(plane, *row) for plane in planes for row in plane.rows()]
    rows: list[dict[str, float]] = []
    for plane, number, box in work:
        if len(rows) % _TOLD == 0:
            if stop.is_set():
                return None
            yield len(rows), len(work)
        rows.append(plane.measure(number, box))
    objects = source.objects
    measured = objects.labels.size * math.prod(source.pixel_size[-objects.ndim :])
    return ObjectMeasures(
        _columns(rows, source), source.unit, objects.ndim, measured, objects.notes
    )


def _planes(source: MeasureSource) -> Iterator[_Plane]:
    """Return what is measured by itself: the volume, or each slice."""
    labels, image, other = source.objects.labels, source.image, source.other
    spacing = tuple(float(size) for size in source.pixel_size)
    if source.objects.volume:
        yield _Plane(labels, image, other, None, spacing, source.distances)
        return
    for z, plane in enumerate(labels):
        grey = None if image is None else image[:, z]
        beside = None if other is None else other[z]
        yield _Plane(plane, grey, beside, z, spacing[1:], source.distances)


def _columns(
    rows: Sequence[dict[str, float]], source: MeasureSource
) -> dict[str, NDArray[Any]]:
    """Return one array for each measure, in the order of `COLUMNS`."""
    kinds = {"object": np.int64, "slice": np.int64, "neighbours": np.int64}
    found: dict[str, NDArray[Any]] = {
        name: np.array([row[name] for row in rows], kinds.get(name, np.float64))
        for name in rows[0]
    }
    found["at_border"] = found["at_border"].astype(bool)
    objects, numbered = found["object"], source.objects
    if numbered.classes is not None:
        classes = numbered.classes[objects]
        known = dict(enumerate(source.class_names))
        named = [known.get(int(one), str(one)) for one in classes]
        found["class"] = np.array(named)
    if numbered.values is not None:
        found["object"] = numbered.values[objects]
    order = list(COLUMNS)
    return {
        name: found[name]
        for name in sorted(found, key=lambda name: order.index(name.split()[0]))
    }
