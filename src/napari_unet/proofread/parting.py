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
from napari_unet.proofread.correction import Correction, Labels, ObjectBoxes


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
    cut = plane & ~_drawn(local[:, -2:], plane.shape)
    pieces, count = scipy.ndimage.label(cut)
    before = scipy.ndimage.label(plane)[1]
    if count <= before:
        raise _unparted(number)
    seeds = np.zeros(mask.shape, np.int32)
    seeds[z if mask.ndim == 3 else ...] = pieces
    return _grown(boxes, number, box, seeds, spacing, None)


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
    markers = np.zeros(mask.shape, np.int32)
    places = np.round(np.asarray(seeds, np.float64)).astype(int)
    inside = [
        place
        for place in map(tuple, places - [part.start for part in box])
        if all(0 <= at < length for at, length in zip(place, mask.shape, strict=True))
        and mask[place]
    ]
    for marker, place in enumerate(inside, start=1):
        markers[place] = marker
    if len(np.unique(markers)) < 3:
        raise InputError(
            f"{len(inside)} of the seeds lie on object {number}: put one into each of "
            "its parts."
        )
    likely = None if probability is None else probability[box]
    return _grown(boxes, number, box, markers, spacing, likely)


def _grown(
    boxes: ObjectBoxes,
    number: int,
    box: Box,
    seeds: NDArray[np.int32],
    spacing: Sequence[float] | None,
    likely: NDArray[np.floating] | None,
) -> Correction:
    """Let seeds grow over an object; the largest part keeps its number."""
    labels = boxes.labels
    mask = labels[box] == number
    if likely is None:
        padded = np.pad(mask, 1)
        deep = scipy.ndimage.distance_transform_edt(padded, sampling=spacing)
        height = -deep[(slice(1, -1),) * mask.ndim]
    else:
        height = -np.asarray(likely, np.float32)
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
