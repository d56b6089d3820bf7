"""An object split in two or more: along a drawn line, or from seeds."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import scipy
import skimage
from numpy.typing import NDArray

from napari_unet.data.boxes import Box
from napari_unet.data.labels import wide_enough
from napari_unet.errors import InputError
from napari_unet.proofread.correction import Correction, Labels, ObjectBoxes, in_plane

Place = tuple[int, ...]


def split_by_line(
    boxes: ObjectBoxes,
    number: int,
    line: Sequence[Sequence[float]],
    spacing: Sequence[float] | None = None,
) -> Correction:
    """Split an object along a line that is drawn across it.

    Parameters
    ----------
    line
        Points (Y, X), or (Z, Y, X) of one slice, in pixels; straight between them. In a
        volume the parts of that slice grow through the others.
    spacing
        Size of a pixel along each axis; only their ratio counts.

    Raises
    ------
    InputError
        When the line does not part the object.
    """
    points = np.round(np.asarray(line, np.float64)).astype(int)
    box = boxes.find(number)
    mask = boxes.labels[box] == number
    local = points - [part.start for part in box]
    z = int(local[0, 0]) if mask.ndim == 3 else 0
    if mask.ndim == 3 and not 0 <= z < len(mask):
        raise _unparted(number)
    plane = mask[z] if mask.ndim == 3 else mask
    line_drawn = _drawn(local[:, -2:], plane.shape)
    before, _ = scipy.ndimage.label(plane)
    # What the line does not cross goes with the part that it is joined to elsewhere.
    crossed_ones = np.unique(before[plane & line_drawn])
    cut = np.isin(before, crossed_ones) & plane & ~line_drawn
    pieces, count = scipy.ndimage.label(cut)
    if count <= len(crossed_ones):
        raise _unparted(number)
    seeds = np.zeros(mask.shape, np.int32)
    seeds[z if mask.ndim == 3 else ...] = pieces
    return _grown(boxes, number, box, seeds, _depth(mask, spacing))


def crossed(labels: Labels, line: Sequence[Sequence[float]]) -> int:
    """Return the number of the object that most of a line crosses, 0 for none.

    `labels` and the points of the line are (Y, X).
    """
    points = np.round(np.asarray(line, np.float64)).astype(int)
    under = labels[_drawn(points, labels.shape)]
    met, counts = np.unique(under[under > 0], return_counts=True)
    return int(met[counts.argmax()]) if met.size else 0


def split_by_seeds(
    boxes: ObjectBoxes,
    number: int,
    seeds: Sequence[Sequence[float]],
    spacing: Sequence[float] | None = None,
    probability: NDArray[np.floating] | None = None,
) -> Correction:
    """Split an object into as many parts as there are seeds in it.

    Parameters
    ----------
    seeds
        A point in each part, (Y, X) or (Z, Y, X), in pixels.
    spacing
        Size of a pixel along each axis; only their ratio counts.
    probability
        Of foreground, in the shape of the labels: the parts meet where it is low. Left
        out, they meet where the object is narrow.

    Raises
    ------
    InputError
        When not two of the seeds lie on the object.
    """
    box = boxes.find(number)
    mask = boxes.labels[box] == number
    places = np.round(np.asarray(seeds, np.float64)).astype(int)
    inside = [
        place
        for place in map(tuple, places - [part.start for part in box])
        if all(0 <= at < length for at, length in zip(place, mask.shape, strict=True))
        and mask[place]
    ]
    if len(set(inside)) < 2:
        raise InputError(
            f"{len(inside)} of the seeds lie on object {number}: put one into each of "
            "its parts."
        )
    markers = np.zeros(mask.shape, np.int32)
    for marker, place in enumerate(inside, start=1):
        markers[place] = marker
    if probability is not None:
        return _grown(boxes, number, box, markers, probability[box])
    deep = _depth(mask, spacing)
    ways = [_way_in(deep, place, spacing) for place in inside]
    if len({way[-1] for way in ways}) == len(ways):
        for marker, way in enumerate(ways, start=1):
            for start, stop in itertools.pairwise(way):
                line = skimage.draw.line_nd(start, stop, endpoint=True)
                markers[line] = np.where(markers[line] == 0, marker, markers[line])
    else:
        # Nothing narrow lies between them: they meet halfway.
        deep = mask.astype(np.float64)
    return _grown(boxes, number, box, markers, deep)


def _depth(
    mask: NDArray[np.bool_], spacing: Sequence[float] | None
) -> NDArray[np.float64]:
    """Return how far each pixel of an object lies from its outline."""
    flat = in_plane(mask)
    sampling = None if spacing is None else tuple(spacing)[-flat.ndim :]
    deep = scipy.ndimage.distance_transform_edt(np.pad(flat, 1), sampling=sampling)
    return np.asarray(deep[(slice(1, -1),) * flat.ndim]).reshape(mask.shape)


def _way_in(
    deep: NDArray[np.float64], place: Place, spacing: Sequence[float] | None
) -> list[Place]:
    """Return places from a pixel of an object to where it is widest thereabouts.

    Each is the deepest in the largest ball around the one before that lies inside: the
    other part would sooner grow to a pixel near the outline than that one grows.
    """
    size = np.ones(deep.ndim) if spacing is None else np.asarray(spacing, np.float64)
    way = [place]
    while True:
        here, radius = way[-1], deep[way[-1]]
        reach = (radius / size).astype(int)
        low = np.maximum(np.subtract(here, reach), 0)
        high = np.minimum(np.add(here, reach) + 1, deep.shape)
        box = tuple(slice(*ends) for ends in zip(low, high, strict=True))
        grids = zip(np.ogrid[box], here, size, strict=True)
        away = sum(((grid - at) * step) ** 2 for grid, at, step in grids)
        near = np.where(away <= radius**2, deep[box], 0)
        best = np.unravel_index(near.argmax(), near.shape)
        if near[best] <= radius:
            return way
        way.append(tuple(np.add(best, low).tolist()))


def _grown(
    boxes: ObjectBoxes,
    number: int,
    box: Box,
    seeds: NDArray[np.int32],
    inner: NDArray[np.floating],
) -> Correction:
    """Let seeds grow over an object, first to where `inner` is high.

    The largest part keeps its number.
    """
    labels = boxes.labels
    mask = labels[box] == number
    height = -np.asarray(inner, np.float32)
    parts = skimage.segmentation.watershed(height, seeds, mask=mask)
    sizes = np.bincount(parts.ravel(), minlength=2)
    sizes[0] = 0
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    new = [boxes.highest + one for one in range(1, len(order))]
    wide = wide_enough(labels.dtype, np.array(new))
    numbers = np.zeros(len(sizes), wide)
    numbers[order] = [number, *new]
    values: Labels = labels[box].astype(wide)
    values[parts > 0] = numbers[parts[parts > 0]]
    listed, are = ", ".join(map(str, new)), "are" if len(new) > 1 else "is"
    return Correction(box, values, f"{number} split: {listed} {are} new")


def _drawn(points: NDArray[np.intp], shape: Sequence[int]) -> NDArray[np.bool_]:
    """Draw a line through points, (Y, X), so thick that it parts pixels by sides."""
    drawn = np.zeros(shape, bool)
    for start, stop in itertools.pairwise(points):
        rows, columns = skimage.draw.line(*start, *stop)
        seen = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
        drawn[rows[seen], columns[seen]] = True
    return drawn


def _unparted(number: int) -> InputError:
    return InputError(
        f"The line does not part object {number}: draw it all the way across."
    )
