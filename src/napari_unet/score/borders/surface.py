"""Distances between predicted and true outlines, slice by slice."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.data.labels import check_alike, check_slices

_NEAR = 3
"""Pixels in which the other outline is looked for, before a tree of it is made."""


def _steps() -> list[tuple[int, list[tuple[int, int]]]]:
    """Return steps to pixels that are near, by their squared length, shortest first."""
    square = itertools.product(range(-_NEAR, _NEAR + 1), repeat=2)
    by_length: dict[int, list[tuple[int, int]]] = {}
    for y, x in square:
        by_length.setdefault(y * y + x * x, []).append((y, x))
    return sorted(pair for pair in by_length.items() if pair[0] <= _NEAR**2)


_STEPS = _steps()


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

    Most lie near: all steps of one length are tried at once, the shortest first.
    """
    around = np.pad(other, _NEAR)
    width, pixels = around.shape[1], around.ravel()
    places = np.flatnonzero(np.pad(outline, _NEAR))
    found, waiting = np.empty(places.size), np.arange(places.size)
    for square, steps in _STEPS:
        at = places[waiting]
        near = np.logical_or.reduce([pixels[at + y * width + x] for y, x in steps])
        found[waiting[near]] = np.sqrt(square)
        waiting = waiting[~near]
        if not waiting.size:
            return found
    tree = scipy.spatial.KDTree(
        np.argwhere(other), compact_nodes=False, balanced_tree=False
    )
    found[waiting] = tree.query(np.argwhere(outline)[waiting])[0]
    return found
