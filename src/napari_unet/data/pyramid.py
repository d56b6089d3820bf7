"""The coarser levels of a volume on disk, made from the finest a box at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.volume import Volume, write_box

_CLOSE = 1.5
"""Times as far apart as rows, slices are halved with them."""
_READ_AT_ONCE = 2**26


@dataclass(frozen=True)
class LevelStep:
    """Boxes of all coarser levels that are written, and how many there are."""

    done: int
    total: int


def fill_pyramid(
    levels: Sequence[Volume], *, labels: bool, stop: Event | None = None
) -> Iterator[LevelStep]:
    """Write the coarser levels from the finest, a box at a time.

    Of images they are means, of labels the value in the middle. No more than some
    hundred megabytes are held, however large the volume.

    Parameters
    ----------
    levels
        As `create_image` and `create_labels` return them.
    stop
        Ends the work after the box in hand once it is set; from any thread.
    """
    parts = [
        list(boxes(coarse, values_for_one(fine, coarse)))
        for fine, coarse in itertools.pairwise(levels)
    ]
    done, total = 0, sum(map(len, parts))
    for (fine, coarse), part in zip(itertools.pairwise(levels), parts, strict=True):
        for box in part:
            if stop is not None and stop.is_set():
                return
            write_box(coarse, box, shrunk(fine, coarse, box, labels=labels))
            done += 1
            yield LevelStep(done, total)


def coarser(volume: Volume) -> Volume:
    """Return the next level: half the rows, columns and, once as close, slices."""
    scale = dict(zip(volume.axes, volume.scale, strict=True))
    wide = min(scale["Y"], scale["X"])
    close = scale.get("Z", math.inf) <= _CLOSE * wide
    halved = {"Y", "X"} | ({"Z"} if close and "Z" not in volume.unknown_axes else set())
    factors = [
        2 if letter in halved and length > 1 else 1
        for letter, length in zip(volume.axes, volume.shape, strict=True)
    ]
    places = zip(volume.origin, volume.scale, factors, strict=True)
    return replace(
        volume,
        inside=str(volume.level + 1),
        level=volume.level + 1,
        shape=tuple(-(-n // f) for n, f in zip(volume.shape, factors, strict=True)),
        scale=tuple(s * f for s, f in zip(volume.scale, factors, strict=True)),
        origin=tuple(o + s * (f - 1) / 2 for o, s, f in places),
    )


def boxes(volume: Volume, read: float = 1) -> Iterator[tuple[slice, ...]]:
    """Yield boxes of whole chunks that cover a volume, each of some 64 MB.

    `read` is as in `sides_of_boxes`.
    """
    sides = sides_of_boxes(volume, read)
    ranges = [range(0, n, side) for n, side in zip(volume.shape, sides, strict=True)]
    for starts in itertools.product(*ranges):
        yield tuple(
            slice(start, min(start + side, length))
            for start, side, length in zip(starts, sides, volume.shape, strict=True)
        )


def values_for_one(fine: Volume, coarse: Volume) -> float:
    """Return how many values of a level are read for one of the next."""
    return math.prod(fine.shape) / math.prod(coarse.shape)


def sides_of_boxes(volume: Volume, read: float = 1) -> tuple[int, ...]:
    """Return the sides of boxes of whole chunks, each of some 64 MB.

    `read` is how many values are read for each of its own.
    """
    size, box = read * volume.dtype.itemsize, list(volume.written_at_once)
    while True:
        # The shortest that can grow, so that boxes stay near to cubes.
        open_ = [n for n, side in enumerate(box) if side < volume.shape[n]]
        if not open_ or 2 * math.prod(box) * size > _READ_AT_ONCE:
            return tuple(box)
        box[min(open_, key=lambda n: box[n])] *= 2


def shrunk(
    fine: Volume, coarse: Volume, box: tuple[slice, ...], *, labels: bool
) -> NDArray[Any]:
    """Return what a box of a level holds, made from the next finer one.

    Of images means, of labels the value in the middle.
    """
    shrink = _nearest if labels else _mean
    return shrink(fine, coarse, box)


def _nearest(fine: Volume, coarse: Volume, box: tuple[slice, ...]) -> NDArray[Any]:
    """Return of a box the values that lie in the middle of its voxels."""
    chosen = []
    for axis, part in enumerate(box):
        factor = coarse.scale[axis] / fine.scale[axis]
        own = np.arange(part.start, part.stop)
        middle = np.round((own + 0.5) * factor - 0.5, 6)
        # Of two voxels neither is the middle. The same one at all levels would move the
        # labels ever further off their image, so that levels take turns.
        side = 0.5 if coarse.level % 2 else 0.499
        places = np.floor(middle + side)
        chosen.append(np.minimum(places.astype(int), fine.shape[axis] - 1))
    values = fine[tuple(slice(one[0], one[-1] + 1) for one in chosen)]
    return np.asarray(values[np.ix_(*(one - one[0] for one in chosen))])


def _mean(fine: Volume, coarse: Volume, box: tuple[slice, ...]) -> NDArray[Any]:
    """Return of a box the means of the voxels that lie in its own."""
    factors = [
        round(one / other) for one, other in zip(coarse.scale, fine.scale, strict=True)
    ]
    reads = zip(box, factors, fine.shape, strict=True)
    parts = [slice(b.start * f, min(b.stop * f, n)) for b, f, n in reads]
    # 32 bits do not hold the largest numbers of as many, which would turn round.
    narrow = fine.dtype.itemsize <= (4 if fine.dtype.kind == "f" else 2)
    values = fine[tuple(parts)].astype(np.float32 if narrow else np.float64)
    for axis, (factor, part) in enumerate(zip(factors, box, strict=True)):
        if factor > 1:
            missing = (part.stop - part.start) * factor - values.shape[axis]
            ends = [(0, missing if n == axis else 0) for n in range(values.ndim)]
            shape = [*values.shape]
            shape[axis : axis + 1] = [part.stop - part.start, factor]
            values = np.pad(values, ends, "edge").reshape(shape).mean(axis + 1)
    if coarse.dtype.kind in "iu":
        values = np.rint(values)
    return values.astype(coarse.dtype)
