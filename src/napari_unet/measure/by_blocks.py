"""Objects of a volume that is larger than memory, measured part by part."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.annotation import guess_kind
from napari_unet.data.boxes import Box, moved, union, whole
from napari_unet.data.labels import check_same_size, going_on, is_mask
from napari_unet.data.slabs import slabs_of
from napari_unet.data.stack import ArrayLike
from napari_unet.errors import InputError
from napari_unet.measure.measured_part import MeasuredPart, grey_names
from napari_unet.measure.measuring import (
    ADVICE,
    MeasureSource,
    columns_of,
    measure_steps,
)
from napari_unet.measure.moments import Sums, sums_of
from napari_unet.measure.numbered import (
    IGNORED,
    NumberedObjects,
    countable,
    ignored_in,
    meet,
    number_objects,
    values_in,
)
from napari_unet.measure.object_measures import ObjectMeasures
from napari_unet.words import counted

_BYTES = 24
"""Of each voxel of a part in memory: labels, numbers, masks and moments."""
_TOLD = 64
_TABLE = 2**24
_NO_DISTANCES = "measured part by part: neighbours and distances are left out"
_TOO_LARGE = (
    "of {0} too large for the memory, surface, sphericity and Feret diameter are left "
    "out"
)


@dataclass(frozen=True, eq=False)
class BlockSource:
    """What is measured part by part.

    Attributes
    ----------
    labels
        (Z, Y, X), of which parts are read when they are needed.
    image
        (C, Z, Y, X), as well, or None.
    size_for
        Returns the pixel size along Z, Y and X for 2 or 3 dimensions, as `Stack` does.
    unit
        Its unit; "pixel" where it is unknown.
    kind, volume, ignore
        As `number_objects` takes them.
    memory
        Bytes that a part may take.
    """

    labels: ArrayLike
    image: ArrayLike | None = None
    size_for: Callable[[int], Sequence[float]] = lambda _ndim: (1.0, 1.0, 1.0)
    unit: str = "pixel"
    kind: AnnotationKind | None = None
    volume: bool | None = None
    memory: int = 2**30
    ignore: int | str | None = None

    def __post_init__(self) -> None:
        if self.image is not None:
            names, shape = ("The labels are", "the image is"), self.image.shape[-3:]
            check_same_size(self.labels.shape, shape, names, ADVICE)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Size of a voxel along Z, Y and X."""
        return tuple(float(size) for size in self.size_for(3))

    @property
    def channels(self) -> int:
        """How many of the image there are; 0 without one."""
        return 0 if self.image is None else int(self.image.shape[0])

    @property
    def voxel_bytes(self) -> int:
        """Bytes that a voxel of a part takes."""
        grey = 0 if self.image is None else self.image.dtype.itemsize
        return _BYTES + self.channels * grey

    @property
    def depth(self) -> int:
        """How many slices a part may have."""
        plane = math.prod(self.labels.shape[1:])
        return max(1, self.memory // (plane * self.voxel_bytes))

    def part(
        self, box: Box, *, grey: bool = True
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Read a box of the labels, and of the image if that is wanted."""
        labels, picture = countable(np.asarray(self.labels[box])), None
        if isinstance(self.ignore, int):
            labels = np.where(labels == self.ignore, labels.dtype.type(0), labels)
        if grey and self.image is not None:
            picture = np.asarray(self.image[:, *box])
        return labels, picture


@dataclass(frozen=True, eq=False)
class _Survey:
    """What one look at all parts tells: the values, and where each lies."""

    values: NDArray[np.integer]
    boxes: tuple[Box, ...]
    goes_on: bool
    together: bool

    def without(self, ignored: int | None) -> _Survey:
        """Return the same of labels in which a value is ignored."""
        kept = np.flatnonzero(self.values != ignored).tolist()
        boxes = tuple(self.boxes[n] for n in kept)
        return replace(self, values=self.values[kept], boxes=boxes)


def bytes_as_a_whole(labels: ArrayLike, image: ArrayLike | None) -> int:
    """Return the memory that (Z, Y, X) labels take which are measured as a whole."""
    source = BlockSource(labels, image)
    return math.prod(labels.shape) * source.voxel_bytes


def measure_by_blocks(
    source: BlockSource, stop: Event
) -> Generator[tuple[int, int], None, ObjectMeasures | None]:
    """Measure each object in bounded memory.

    All comes out as `measure_steps` has it, but for neighbours and distances of a
    volume, which are left out. Of an object that is larger than the memory as a whole,
    what adds up over its parts is measured.

    Yields
    ------
    How much is done, and of how much: slices, then slices or objects.

    Raises
    ------
    InputError
        When the labels hold no object, are no whole numbers, or hold classes whose
        pieces go on through the slices.
    """
    survey = yield from _survey(source, stop)
    if survey is None:
        return None
    if not survey.values.size or survey.values[-1] < _first_object(source.kind):
        raise InputError("The labels hold no object: there is nothing to measure.")
    guess = guess_kind(
        np.insert(survey.values, 0, 0)[None, None], Coverage(ignore=source.ignore)
    ).kind
    known, kind = survey.values, source.kind or guess
    ignored = ignored_in(known, survey.together, kind, source.ignore)
    source = replace(source, ignore="none" if ignored is None else ignored)
    survey = survey.without(ignored)
    objects = kind is AnnotationKind.OBJECTS
    volume = source.volume
    if volume is None:
        volume = objects and survey.goes_on
    if not volume:
        kind = source.kind or (guess if objects else AnnotationKind.CLASSES)
        mask = is_mask(survey.values)
        measured = yield from _plane_by_plane(source, kind, stop, mask=mask)
    elif objects:
        measured = yield from _volume(source, survey, stop)
    else:
        raise InputError(
            "Pieces of classes that go on through the slices are found in the memory "
            "alone, which does not hold this volume: measure slice by slice "
            "(--planes), or predict numbered objects (predict --objects)."
        )
    if measured is None or len(survey.values) == len(known):
        return measured
    return replace(measured, notes=(*measured.notes, IGNORED.format(ignored)))


def _survey(
    source: BlockSource, stop: Event
) -> Generator[tuple[int, int], None, _Survey | None]:
    length, same, found, together = source.labels.shape[0], 0, 0, False
    boxes: dict[int, Box] = {}
    last: NDArray[Any] | None = None
    for slab in slabs_of(source.labels):
        if stop.is_set():
            return None
        labels, _ = source.part((slab,), grey=False)
        values = values_in(labels)
        together |= meet(labels, values)
        inner = scipy.ndimage.find_objects(_ranks(labels, values))
        for value, box in zip(values.tolist(), inner, strict=True):
            here = moved(box, slab.start, 0, 0)
            boxes[value] = union([boxes.get(value, here), here])
        above = labels if last is None else np.concatenate([last, labels])
        counts, last = going_on(above), labels[-1:]
        same, found = same + counts[0], found + counts[1]
        yield slab.stop, length
    high = max(boxes, default=0) > np.iinfo(np.int64).max
    values = np.array(sorted(boxes), np.uint64 if high else np.int64)
    ordered = tuple(boxes[value] for value in values.tolist())
    return _Survey(values, ordered, found > 0 and same > found / 2, together)


def _plane_by_plane(
    source: BlockSource, kind: AnnotationKind, stop: Event, *, mask: bool
) -> Generator[tuple[int, int], None, ObjectMeasures | None]:
    """Measure each slice by itself, with all that there is to measure."""
    parts, count = list[ObjectMeasures](), 0
    for slab in slabs_of(source.labels):
        labels, grey = source.part((slab,))
        if labels.max() < _first_object(kind):
            continue
        objects = number_objects(labels, kind, False, "none", mask=mask)
        place = source.size_for(2), source.unit
        found = yield from measure_steps(MeasureSource(objects, grey, *place), stop)
        if found is None:
            return None
        if objects.classes is not None:
            # Pieces are counted on from one slice to the next.
            values = {**found.values, "object": found.values["object"] + count}
            found = replace(found, values=values)
        count += len(found)
        parts.append(found.numbered_from(slab.start))
    values = {
        name: np.concatenate([one.values[name] for one in parts])
        for name in parts[0].values
    }
    measured = math.prod(source.labels.shape) * math.prod(source.size_for(2)[1:])
    return replace(parts[0], values=values, measured=measured)


def _volume(
    source: BlockSource, survey: _Survey, stop: Event
) -> Generator[tuple[int, int], None, ObjectMeasures | None]:
    """Measure objects in parts of the volume that hold them as a whole."""
    boxes, total = survey.boxes, len(survey.boxes)
    rows: dict[int, dict[str, float]] = {}
    left = sorted(range(total), key=lambda n: boxes[n][0].start)
    tall = [n for n in left if _sides(boxes[n])[0] > source.depth]
    left = [n for n in left if _sides(boxes[n])[0] <= source.depth]
    while left:
        first = boxes[left[0]][0].start
        last = min(first + source.depth, source.labels.shape[0])
        part = _part(source, survey, whole((last, *source.labels.shape[1:])), first)
        here = [n for n in left if boxes[n][0].stop <= last]
        left = [n for n in left if boxes[n][0].stop > last]
        for n in here:
            if len(rows) % _TOLD == 0:
                if stop.is_set():
                    return None
                yield len(rows), total
            rows[n] = part.measure(n + 1, moved(boxes[n], -first, 0, 0))
    count = 0
    for n in tall:
        if stop.is_set():
            return None
        yield len(rows), total
        if math.prod(_sides(boxes[n])) * source.voxel_bytes <= source.memory:
            part = _part(source, survey, boxes[n], boxes[n][0].start)
            rows[n] = part.measure(n + 1, whole(_sides(boxes[n])))
        else:
            rows[n] = _added_up(source, survey, n)
            count += 1
    values = np.insert(survey.values, 0, 0)
    notes = (_NO_DISTANCES, _TOO_LARGE.format(counted(count, "object")))[
        : 1 + bool(count)
    ]
    numbered = NumberedObjects(np.empty((0, 0, 0), int), True, (), values)
    measured = math.prod(source.labels.shape) * math.prod(source.spacing)
    table = columns_of([rows[n] for n in sorted(rows)], numbered)
    return ObjectMeasures(table, source.unit, 3, measured, tuple(notes))


def _part(source: BlockSource, survey: _Survey, box: Box, first: int) -> MeasuredPart:
    """Read a box of the volume, from the slice `first` on."""
    box = (slice(first, box[0].stop), *box[1:])
    labels, grey = source.part(box)
    return MeasuredPart(
        _ranks(labels, survey.values),
        grey,
        None,
        None,
        source.spacing,
        False,
        tuple(side.start for side in box),
        tuple(source.labels.shape),
    )


def _added_up(source: BlockSource, survey: _Survey, n: int) -> dict[str, float]:
    """Measure what adds up of an object, slice by slice."""
    box, spacing = survey.boxes[n], source.spacing
    sums, greys = Sums(0, np.zeros(3), np.zeros((3, 3))), np.zeros((2, source.channels))
    for z in range(box[0].start, box[0].stop):
        labels, picture = source.part((slice(z, z + 1), *box[1:]))
        mask = labels == survey.values[n]
        away = np.array([(z - box[0].start) * spacing[0], 0.0, 0.0])
        sums += sums_of(mask, spacing).moved(away)
        if picture is not None:
            inside = picture[:, mask].astype(np.float64)
            greys += np.stack([inside.sum(axis=1), np.square(inside).sum(axis=1)])
    nothing, shape = np.empty((0, 0, 0), int), tuple(source.labels.shape)
    part = MeasuredPart(nothing, None, None, None, spacing, False, whole=shape)
    row = part.place(n + 1, box, sums.moments())
    row |= dict.fromkeys(("surface", "sphericity", "feret"), math.nan)
    means = greys[0] / sums.count
    spread = np.sqrt(np.clip(greys[1] / sums.count - means**2, 0, None))
    for name, mean, deviation in zip(
        grey_names(len(means)), means, spread, strict=True
    ):
        row |= dict(zip(name, (float(mean), float(deviation)), strict=True))
    return row


def _ranks(
    labels: NDArray[np.generic], values: NDArray[np.integer]
) -> NDArray[np.int32]:
    """Return the place of each value among those above 0, from 1; 0 stays 0."""
    # Numbers of two types would be compared as floats, which hold not all of them.
    known = np.insert(values, 0, 0).astype(labels.dtype)
    if known[-1] < _TABLE:
        table = np.zeros(int(known[-1]) + 1, np.int32)
        table[known] = np.arange(len(known))
        return np.asarray(table[labels])
    return np.searchsorted(known, labels).astype(np.int32)


def _first_object(kind: AnnotationKind | None) -> int:
    """Return the lowest value that is no background."""
    return 2 if kind == AnnotationKind.SCRIBBLES else 1


def _sides(box: Box) -> tuple[int, ...]:
    return tuple(side.stop - side.start for side in box)
