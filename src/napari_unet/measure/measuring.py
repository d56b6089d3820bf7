"""Objects of labels, measured one by one."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.labels import check_same_size
from napari_unet.errors import memory_told
from napari_unet.measure.columns import COLUMNS
from napari_unet.measure.measured_part import MeasuredPart
from napari_unet.measure.numbered import NumberedObjects, countable, number_objects
from napari_unet.measure.object_measures import ObjectMeasures
from napari_unet.steps import result_of

_TOLD = 64
"""Objects after which it is told how many are done."""
ADVICE = "choose labels and image of the same place"


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
                check_same_size(shape, array.shape[-3:], names, ADVICE)


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
    columns = columns_of(rows, objects, source.class_names)
    return ObjectMeasures(columns, source.unit, objects.ndim, measured, objects.notes)


def _planes(source: MeasureSource) -> Iterator[MeasuredPart]:
    """Return what is measured by itself: the volume, or each slice."""
    labels, image, other = source.objects.labels, source.image, source.other
    # As in the labels themselves, "no object" of other programs is none.
    other = None if other is None else countable(other)
    spacing = tuple(float(size) for size in source.pixel_size)
    if source.objects.volume:
        yield MeasuredPart(labels, image, other, None, spacing, source.distances)
        return
    for z, plane in enumerate(labels):
        grey = None if image is None else image[:, z]
        beside = None if other is None else other[z]
        yield MeasuredPart(plane, grey, beside, z, spacing[1:], source.distances)


def columns_of(
    rows: Sequence[dict[str, float]],
    numbered: NumberedObjects,
    class_names: Sequence[str] = (),
) -> dict[str, NDArray[Any]]:
    """Return one array for each measure, in the order of `COLUMNS`.

    Parameters
    ----------
    rows
        The measures of each object, all by the same names.
    numbered
        The objects.
    class_names
        Names of the classes, background first.
    """
    kinds = {"object": np.int64, "slice": np.int64, "neighbours": np.int64}
    found: dict[str, NDArray[Any]] = {
        name: np.array([row[name] for row in rows], kinds.get(name, np.float64))
        for name in rows[0]
    }
    found["at_border"] = found["at_border"].astype(bool)
    objects = found["object"]
    if numbered.classes is not None:
        classes = numbered.classes[objects]
        known = dict(enumerate(class_names))
        named = [known.get(int(one), str(one)) for one in classes]
        found["class"] = np.array(named)
    if numbered.values is not None:
        found["object"] = numbered.values[objects]
    order = list(COLUMNS)
    return {
        name: found[name]
        for name in sorted(found, key=lambda name: order.index(name.split()[0]))
    }
