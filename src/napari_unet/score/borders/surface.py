"""Distances between predicted and true outlines, slice by slice."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.labels import check_alike, check_slices

_AT_ONCE = 2**18
"""Distances that are looked up at once, of a column for each pixel at least."""


class SurfaceDistances(NamedTuple):
    """How far the outlines of each slice lie apart.

    Attributes
    ----------
    mean
        (Z,): average symmetric surface distance, the mean over the pixels of both
        outlines of the distance to the other outline.
    percentile_95
        (Z,): 95 % Hausdorff distance. The nearest 95 % of the pixels of either outline
        lie within it; it is the larger of the two percentiles, as in DeepMind's
        surface-distance (MedPy takes one percentile of both outlines together).
    """

    mean: NDArray[np.float64]
    percentile_95: NDArray[np.float64]


def surface_distances(
    prediction_mask: NDArray[np.generic],
    truth_mask: NDArray[np.generic],
    annotated: NDArray[np.bool_] | None = None,
) -> SurfaceDistances:
    """Measure in pixels how far predicted and true outlines lie apart in each slice.

    An outline is made of the foreground pixels with background to one of their four
    sides. The edge of the image and of the annotated pixels is no outline: what lies
    beyond is not known.

    Parameters
    ----------
    prediction_mask
        (Z, Y, X): 0 is background, every other value foreground.
    truth_mask
        (Z, Y, X), likewise.
    annotated
        (Z, Y, X): where the truth is known; everywhere when left out. Only outlines
        there count.

    Returns
    -------
    The distances; NaN for a slice in which either side has no outline, such as one
    where nothing was found or all is foreground: a distance to nothing is none.

    Raises
    ------
    InputError
        When the shapes differ or are not (Z, Y, X).
    """
    check_slices(prediction_mask, "Outlines", "measured")
    predicted, truth = prediction_mask != 0, truth_mask != 0
    check_alike(predicted, truth, annotated)
    known = np.ones(truth.shape, bool) if annotated is None else annotated
    one, other = (_outlines(mask, known) for mask in (predicted, truth))
    both = np.asarray(one.any(axis=(1, 2)) & other.any(axis=(1, 2)))
    mean, percentile = np.full((2, len(both)), np.nan)
    if both.any():
        one, other = one[both], other[both]
        rows = map(_summed_up, _distances(one, other), _distances(other, one))
        mean[both], percentile[both] = zip(*rows, strict=True)
    return SurfaceDistances(mean, percentile)


def _outlines(mask: NDArray[np.bool_], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find the foreground pixels with known background to one of their sides."""
    inside = mask | ~known
    rim = np.zeros(mask.shape, bool)
    for axis in (1, 2):
        here, there = np.moveaxis(inside, axis, 0), np.moveaxis(rim, axis, 0)
        there[1:] |= ~here[:-1]
        there[:-1] |= ~here[1:]
    return np.asarray(mask & known & rim)


def _summed_up(
    there: NDArray[np.float64], back: NDArray[np.float64]
) -> tuple[np.floating[Any], np.floating[Any]]:
    """Return the mean of the distances, and the larger 95th percentile."""
    highest = max(np.percentile(there, 95), np.percentile(back, 95))
    return np.concatenate([there, back]).mean(), highest


def _distances(
    outline: NDArray[np.bool_], other: NDArray[np.bool_]
) -> list[NDArray[np.float64]]:
    """Return of each slice how far pixels of an outline lie from the other's nearest.

    What is nearest in its own column is known at once; columns to the left and to the
    right are looked at as long as they may hold what is nearer, which for most are few.
    """
    (_, height, width), nearest = other.shape, _in_columns(other).ravel()
    places = np.flatnonzero(outline)
    ends = np.searchsorted(places, np.arange(1, len(outline)) * (height * width))
    squares = nearest.take(places).astype(np.int64) ** 2
    waiting, step = np.flatnonzero(squares > 1), 1
    while waiting.size:
        here = places[waiting]
        columns = here % width
        # Few are left for the farther columns, of which many are looked at together.
        most = min(step, max(1, _AT_ONCE // waiting.size))
        steps = np.arange(step, step + most)[:, None]
        # Beyond the edge the last column is taken again: from afar it is no nearer.
        left, right = np.minimum(columns, steps), np.minimum(width - 1 - columns, steps)
        beside = np.minimum(nearest.take(here - left), nearest.take(here + right))
        found = (beside.astype(np.int64) ** 2 + steps**2).min(axis=0)
        squares[waiting] = nearer = np.minimum(squares[waiting], found)
        step += most
        waiting = waiting[nearer > step**2]
    return np.split(np.sqrt(squares), ends)


def _in_columns(outline: NDArray[np.bool_]) -> NDArray[np.signedinteger[Any]]:
    """Return how far each pixel lies from the nearest of an outline in its column."""
    height, width = outline.shape[1:]
    beyond = height + width
    wide = np.min_scalar_type(-2 * beyond)
    apart: NDArray[Any] = np.multiply(~outline, beyond, dtype=wide)
    # Steps of 1, 2, 4 and so on add up to any other.
    step = 1
    while step < height and apart.max() >= step:
        stepped = apart + step
        first, last = apart[:, :-step], apart[:, step:]
        np.minimum(first, stepped[:, step:], out=first)
        np.minimum(last, stepped[:, :-step], out=last)
        step *= 2
    return apart
