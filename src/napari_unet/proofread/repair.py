"""Objects merged, deleted, filled, smoothed and grown."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.data.boxes import Box, union, whole
from napari_unet.data.boxes import grow as grow_box
from napari_unet.data.labels import wide_enough
from napari_unet.errors import InputError
from napari_unet.proofread.correction import (
    Correction,
    Labels,
    ObjectBoxes,
    ball,
    in_plane,
)

_TABLED = 2**24
# Slices, rows and columns around a click in which an object is looked for first.
_NEAR = (8, 64, 64)
# Larger boxes would hold up the window for seconds.
_LOOKED_AT = 2**24


def merge(boxes: ObjectBoxes, numbers: Sequence[int]) -> Correction:
    """Give several objects the number of the first.

    Background between them goes to it, too, where both are next to it: objects are
    often told apart by a line of one pixel.

    Raises
    ------
    InputError
        When there are not two different objects.
    """
    first, *others = dict.fromkeys(numbers)
    if not others:
        raise InputError("One object cannot be merged: click on two that are one.")
    labels = boxes.labels
    inner = union([boxes.find(number) for number in (first, *others)])
    box = grow_box(inner, 1, labels.shape)
    values = labels[box].copy()
    cross = ball(labels.ndim)
    beside = [
        scipy.ndimage.binary_dilation(values == number, cross)
        for number in (first, *others)
    ]
    gap = (np.sum(beside, axis=0) > 1) & (values == 0)
    values[np.isin(values, others) | gap] = first
    listed = ", ".join(map(str, others))
    return Correction(box, values, f"{listed} merged into {first}")


def delete(boxes: ObjectBoxes, number: int) -> Correction:
    """Turn an object into background."""
    box = boxes.find(number)
    values = boxes.labels[box].copy()
    values[values == number] = 0
    return Correction(box, values, f"{number} deleted")


def take(
    boxes: ObjectBoxes,
    place: Sequence[int],
    around: Box,
    probability: NDArray[np.floating],
    threshold: float = 0.5,
) -> Correction:
    """Make an object that was missed, of what is probable where it should be.

    Parameters
    ----------
    place
        A pixel of it, (Y, X) or (Z, Y, X).
    around
        The box that it is looked for in.
    probability
        Of foreground, in that box.
    threshold
        The object is what touches and is more probable than this, in the background;
        of several such pieces the one at the place, or else the nearest.

    Raises
    ------
    InputError
        When nothing in the box is.
    """
    labels = boxes.labels[around]
    free = labels == 0
    if not free.any():
        raise InputError("Other objects cover this place: there is nothing to take.")
    likely = free & (probability > threshold)
    if not likely.any():
        most = float(probability[free].max())
        raise InputError(
            f"Nothing here is more probable than {threshold:.2f}: the most is "
            f"{most:.2f}, so choose less, or paint it."
        )
    pieces, _ = scipy.ndimage.label(likely)
    local = tuple(at - side.start for at, side in zip(place, around, strict=True))
    inside = all(0 <= at < n for at, n in zip(local, pieces.shape, strict=True))
    piece = pieces[local] if inside else 0
    if not piece:
        away = np.square(np.argwhere(likely) - local).sum(axis=1)
        piece = pieces[likely][away.argmin()]
    own = pieces == piece
    number = boxes.highest + 1
    values: Labels = labels.astype(wide_enough(labels.dtype, np.array(number)))
    values[own] = number
    return Correction(around, values, f"{number} taken, {own.sum():,} pixels")


def near_box(place: Sequence[int], shape: Sequence[int]) -> Box:
    """Return the box around a place, in slices, Y and X, that is looked at first."""
    sides = zip(place, _NEAR, shape, strict=True)
    return tuple(slice(max(0, at - by), min(n, at + by + 1)) for at, by, n in sides)


def take_whole(
    boxes: ObjectBoxes,
    place: Sequence[int],
    around: Box,
    probability: Callable[[Box], NDArray[np.floating]],
    threshold: float = 0.5,
) -> Correction:
    """Make an object as `take` does, and look farther around where it goes on.

    `probability` returns that of foreground in a box. An object that does not end
    within some million pixels is cut off, which the words tell.
    """
    shape, number = boxes.labels.shape, boxes.highest + 1
    while True:
        change = take(boxes, place, around, probability(around), threshold)
        farther = _farther(change.values == number, around, shape)
        if farther == around:
            return change
        if math.prod(side.stop - side.start for side in farther) > _LOOKED_AT:
            return replace(change, words=f"{change.words}, cut off: it goes on")
        around = farther


def _farther(own: NDArray[np.bool_], box: Box, shape: Sequence[int]) -> Box:
    """Widen the box of an object where it touches a side that is no border."""
    sides = []
    for axis, (side, most) in enumerate(zip(box, shape, strict=True)):
        by = side.stop - side.start
        first, last = own.take(0, axis).any(), own.take(-1, axis).any()
        low, high = side.start - first * by, side.stop + last * by
        sides.append(slice(max(0, low), min(most, high)))
    return tuple(sides)


def fill_holes(boxes: ObjectBoxes, number: int) -> Correction:
    """Give background that an object encloses to it; other objects in it stay."""
    box = boxes.find(number)
    values = boxes.labels[box].copy()
    filled = scipy.ndimage.binary_fill_holes(in_plane(values == number))
    values[filled.reshape(values.shape) & (values == 0)] = number
    return Correction(box, values, f"holes of {number} filled")


def smooth(
    boxes: ObjectBoxes,
    number: int,
    radius: float = 2.0,
    spacing: Sequence[float] | None = None,
) -> Correction:
    """Take the roughness from an object's outline; other objects stay as they are.

    Parameters
    ----------
    radius
        Bumps and dents up to about this size go; in the smallest pixel's sides.
    spacing
        Size of a pixel along each axis; only their ratio counts.
    """
    labels = boxes.labels
    size = np.ones(labels.ndim) if spacing is None else np.asarray(spacing, np.float64)
    box = _around(boxes, number, int(np.ceil(2 * radius)))
    values = labels[box].copy()
    own = values == number
    flat = in_plane(own).astype(np.float32)
    size = size[-flat.ndim :]
    sigma = radius / (size / size.min())
    soft = scipy.ndimage.gaussian_filter(flat, sigma, mode="nearest")
    wanted = soft.reshape(own.shape) > 0.5
    if not (wanted & (own | (values == 0))).any():
        raise InputError(
            f"{number} is smaller than the bumps that would be smoothed away: choose "
            "a smaller radius, or delete it."
        )
    values[own & ~wanted] = 0
    values[wanted & (values == 0)] = number
    return Correction(box, values, f"{number} smoothed")


def grow(boxes: ObjectBoxes, number: int, pixels: int = 1) -> Correction:
    """Let an object grow into the background around it; one of one slice in that."""
    labels = boxes.labels
    box = _around(boxes, number, pixels)
    values = labels[box].copy()
    free = (values == 0) | (values == number)
    wide = scipy.ndimage.binary_dilation(
        values == number, ball(labels.ndim), pixels, mask=free
    )
    values[wide] = number
    return Correction(box, values, f"{number} grown by {pixels} px")


def _around(boxes: ObjectBoxes, number: int, margin: int) -> Box:
    """Return an object's box with a margin, but no other slices around a single one."""
    inner = boxes.find(number)
    first, *others = grow_box(inner, margin, boxes.labels.shape)
    single = len(inner) > 2 and inner[0].stop - inner[0].start == 1
    return (inner[0] if single else first, *others)


def keep_largest(boxes: ObjectBoxes, number: int) -> Correction:
    """Turn all pieces of an object but the largest into background."""
    box = boxes.find(number)
    values = boxes.labels[box].copy()
    pieces, count = scipy.ndimage.label(values == number)
    sizes = np.bincount(pieces.ravel())[1:]
    values[(pieces > 0) & (pieces != 1 + sizes.argmax())] = 0
    gone = count - 1
    return Correction(box, values, f"{gone} smaller pieces of {number} deleted")


def new_numbers(boxes: ObjectBoxes) -> dict[int, int]:
    """Return 1, 2, ... for all objects, by the numbers they have, in their order."""
    return {number: rank for rank, number in enumerate(boxes.numbers(), start=1)}


def renumber(boxes: ObjectBoxes) -> Correction:
    """Give all objects their `new_numbers`; values below 0 stay as they are."""
    labels, new = boxes.labels, new_numbers(boxes)
    old = np.array([0, *new], labels.dtype)
    values = np.empty_like(labels)
    # A table is many times as fast as a search, but as long as the highest number.
    highest = int(old[-1])
    table = np.zeros(highest + 1 if highest < _TABLED else 0, labels.dtype)
    if len(table):
        table[old] = np.arange(len(old))
    for z, plane in enumerate(labels):
        known = np.maximum(plane, 0)
        ranks = table[known] if len(table) else np.searchsorted(old, known)
        values[z] = np.where(plane < 0, plane, ranks)
    words = f"{len(new):,} objects numbered anew"
    return Correction(whole(labels.shape), values, words)


def interpolate(boxes: ObjectBoxes, number: int) -> Correction:
    """Draw an object into the slices between those that hold it.

    The outline moves evenly from one to the next: signed distances to both outlines
    are weighed by how near the slices are [1]_. Other objects stay as they are.

    Raises
    ------
    InputError
        When there is no slice between two that hold it.

    References
    ----------
    .. [1] Raya & Udupa 1990, Shape-based interpolation of multidimensional objects,
       IEEE Trans. Med. Imaging 9:32.
    """
    labels = boxes.labels
    box = boxes.find(number)
    values = labels[box].copy()
    held = np.flatnonzero((values == number).any(axis=(-2, -1)))
    if labels.ndim != 3 or len(held) == len(values):
        raise InputError(
            f"No slice lies between those that hold {number}: draw it in two slices "
            "with others between."
        )
    for low, high in itertools.pairwise(held):
        if high - low == 1:
            continue
        ends = [_signed(values[z] == number) for z in (low, high)]
        for z in range(low + 1, high):
            share = (z - low) / (high - low)
            inside = (1 - share) * ends[0] + share * ends[1] > 0
            values[z][inside & (values[z] == 0)] = number
    drawn = len(values) - len(held)
    return Correction(box, values, f"{number} drawn into {drawn} slices between")


def _signed(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return distances to the outline of a mask, (Y, X), above 0 inside."""
    padded = np.pad(mask, 1)
    inside = scipy.ndimage.distance_transform_edt(padded)[1:-1, 1:-1]
    outside = scipy.ndimage.distance_transform_edt(~mask)
    # The outline lies half a pixel from the middles on either side of it.
    return np.asarray(np.where(mask, inside - 0.5, 0.5 - outside))
