"""Distances between predicted and true outlines, slice by slice."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.labels import check_alike, check_slices


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
    pairs = zip(_outlines(predicted, known), _outlines(truth, known), strict=True)
    rows = [_measure(one, other) for one, other in pairs]
    mean, percentile = np.reshape(np.array(rows, float), (-1, 2)).T
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


def _measure(
    predicted: NDArray[np.bool_], truth: NDArray[np.bool_]
) -> tuple[float, float]:
    """Return the mean distance and the larger 95th percentile of two outlines."""
    if not (predicted.any() and truth.any()):
        return np.nan, np.nan
    there, back = _distances(predicted, truth), _distances(truth, predicted)
    highest = max(np.percentile(there, 95), np.percentile(back, 95))
    return float(np.concatenate([there, back]).mean()), float(highest)


def _distances(
    outline: NDArray[np.bool_], other: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return how far each pixel of an outline lies from the nearest of the other.

    What is nearest in its own row is known at once; rows above and below are looked
    at as long as they may hold what is nearer, which for most are few.
    """
    (height, width), nearest = other.shape, _in_rows(other).ravel()
    places = np.flatnonzero(outline)
    squares = nearest[places].astype(np.int64) ** 2
    waiting, rows, step = np.arange(places.size), places // width, 0
    while waiting.size:
        step += 1
        far = squares[waiting] > step**2
        waiting, places, rows = waiting[far], places[far], rows[far]
        # Beyond the edge the last row is taken again: from afar it is no nearer.
        up, down = np.minimum(rows, step), np.minimum(height - 1 - rows, step)
        beside = np.minimum(
            nearest[places - up * width], nearest[places + down * width]
        )
        found = beside.astype(np.int64) ** 2 + step**2
        squares[waiting] = np.minimum(squares[waiting], found)
    return np.sqrt(squares)


def _in_rows(outline: NDArray[np.bool_]) -> NDArray[np.signedinteger[Any]]:
    """Return how far each pixel lies from the nearest of an outline in its row."""
    height, width = outline.shape
    beyond = height + width
    apart = np.full(outline.shape, beyond, np.min_scalar_type(-beyond - width))
    apart[outline] = 0
    # Steps of 1, 2, 4 and so on add up to any other.
    for step in (1 << n for n in range((width - 1).bit_length())):
        stepped = apart + step
        first, last = apart[:, :-step], apart[:, step:]
        np.minimum(first, stepped[:, step:], out=first)
        np.minimum(last, stepped[:, :-step], out=last)
    return apart
