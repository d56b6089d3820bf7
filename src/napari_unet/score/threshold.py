"""How scores change with the threshold above which a pixel is foreground."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.annotation import connected_objects
from napari_unet.data.labels import check_same_size
from napari_unet.errors import InputError
from napari_unet.score.borders.thinning import thin_borders
from napari_unet.score.comparison import Comparison
from napari_unet.score.means import mean, ratio
from napari_unet.score.objects.partition import partition

THRESHOLDS = tuple(round(0.025 * number, 3) for number in range(1, 40))
SCORES = ("iou", "dice", "v_rand")
"""Names of the scores, in the order in which they are shown."""
# A thinned slice of 512 x 512 takes 70 ms: six of them, twenty times, some 8 s.
_RAND_PIXELS = 6 * 512**2
_RAND_EVERY = 2


@dataclass(frozen=True, eq=False)
class ThresholdCurve:
    """Scores of the foreground against the threshold.

    Attributes
    ----------
    thresholds
        (N,) float64, rising; a pixel is foreground above them.
    iou, dice
        (N,) float64, of all pixels of all slices; NaN where neither side has
        foreground.
    v_rand
        (N,) float64: mean of the slices' foreground-restricted Rand F-scores after
        border thinning, as `score_slices` has it; NaN where it is not computed, which
        is at every second threshold, or not yet.
    slices
        Indices of the slices that were scored.
    rand_slices
        Those of them of which V_rand is taken: so many, evenly spread, as are quick.
    done
        Share of the work that is done, 0 to 1.
    """

    thresholds: NDArray[np.float64]
    iou: NDArray[np.float64]
    dice: NDArray[np.float64]
    v_rand: NDArray[np.float64]
    slices: tuple[int, ...]
    rand_slices: tuple[int, ...]
    done: float = 0.0

    def best(self, name: str) -> float | None:
        """Return the threshold at which a score is highest, or None where none is.

        Of several, the one nearest to one half.
        """
        values: NDArray[np.float64] = getattr(self, name)
        if np.isnan(values).all():
            return None
        among = self.thresholds[values == np.nanmax(values)]
        return float(among[np.abs(among - 0.5).argmin()])

    def at(self, threshold: float) -> dict[str, float]:
        """Return the scores at a threshold, read off the curves; NaN where unknown."""
        return {name: self._at(name, threshold) for name in SCORES}

    def _at(self, name: str, threshold: float) -> float:
        values: NDArray[np.float64] = getattr(self, name)
        known = ~np.isnan(values)
        if not known.any():
            return float("nan")
        return float(np.interp(threshold, self.thresholds[known], values[known]))


def threshold_steps(
    probabilities: NDArray[np.floating],
    comparison: Comparison,
    thresholds: Sequence[float] = THRESHOLDS,
    *,
    slices: Sequence[int] | None = None,
    stop: Event | None = None,
) -> Iterator[ThresholdCurve]:
    """Score the foreground at every threshold, yielding the curve as it fills up.

    IoU and Dice of all thresholds come at once, from one histogram of the
    probabilities; V_rand follows threshold by threshold, first far apart, then
    between. Classes other than background count as one foreground.

    Parameters
    ----------
    probabilities
        (Z, Y, X): of not being background.
    comparison
        The truth of the same slices, as `compare` reads it; only annotated pixels
        count. Its prediction is not used.
    thresholds
        Between 0 and 1.
    slices
        Indices of slices to score; all that have truth when left out.
    stop
        Ends the work after the threshold in hand once it is set; from any thread.

    Raises
    ------
    InputError
        When the shapes differ, or none of the slices has truth.
    """
    chosen = _check(probabilities, comparison, slices)
    steps = np.array(sorted(thresholds), float)
    iou, dice = _overlaps(probabilities, comparison, chosen, steps)
    some = _spread(chosen, comparison.truth[0].size)
    v_rand = np.full(steps.size, np.nan)
    curve = ThresholdCurve(steps, iou, dice, v_rand, chosen, some)
    yield curve
    # From the second on, so that one half is among them; a single one is the first.
    order = _coarse_to_fine(np.arange(min(1, steps.size - 1), steps.size, _RAND_EVERY))
    for number, index in enumerate(order, start=1):
        if stop is not None and stop.is_set():
            return
        v_rand = v_rand.copy()
        v_rand[index] = _rand(probabilities, comparison, some, steps[index])
        yield replace(curve, v_rand=v_rand, done=number / len(order))


def _check(
    probabilities: NDArray[np.floating],
    comparison: Comparison,
    slices: Sequence[int] | None,
) -> tuple[int, ...]:
    names = "The probabilities are", "the ground truth is"
    check_same_size(probabilities.shape, comparison.truth.shape, names)
    wanted = comparison.slices if slices is None else slices
    chosen = tuple(sorted(set(wanted) & set(comparison.slices)))
    if not chosen:
        raise InputError("None of the slices has ground truth: nothing is scored.")
    return chosen


def _overlaps(
    probabilities: NDArray[np.floating],
    comparison: Comparison,
    slices: Sequence[int],
    thresholds: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return IoU and Dice at every threshold, from one histogram a side of the truth.

    With n(k) pixels above exactly k thresholds, those above threshold i are the sum
    of n(k) for k > i.
    """
    counts = np.zeros((2, thresholds.size + 1), np.int64)
    # In 32 bits, as probabilities are classified.
    edges = thresholds.astype(np.float32)
    for z in slices:
        known = comparison.annotated[z]
        values = np.asarray(probabilities[z][known], np.float32)
        above = np.searchsorted(edges, values)
        truth = comparison.truth_mask[z][known]
        for side, part in enumerate((above[~truth], above[truth])):
            counts[side] += np.bincount(part, minlength=thresholds.size + 1)
    false_hits, hits = (side[::-1].cumsum()[::-1][1:] for side in counts)
    foreground = counts[1].sum()
    return (
        ratio(hits, foreground + false_hits),
        ratio(2 * hits, foreground + false_hits + hits),
    )


def _rand(
    probabilities: NDArray[np.floating],
    comparison: Comparison,
    slices: Sequence[int],
    threshold: float,
) -> float:
    """Return the mean V_rand of slices, of which some may have no true object."""
    values = []
    for z in slices:
        mask = np.asarray(probabilities[z], np.float32) > np.float32(threshold)
        objects = thin_borders(connected_objects(mask[None])[0])
        known = comparison.annotated[z]
        truth = comparison.truth_objects[z]
        values.append(partition(objects, truth, known).v_rand)
    return mean(values)


def _spread(slices: tuple[int, ...], pixels: int) -> tuple[int, ...]:
    """Choose slices, evenly spread, that are thinned quickly."""
    count = min(len(slices), max(1, _RAND_PIXELS // pixels))
    places = np.linspace(0, len(slices) - 1, count).round().astype(int)
    return tuple(slices[place] for place in places)


def _coarse_to_fine(indices: NDArray[np.intp]) -> list[int]:
    """Put every eighth first, then every fourth, and so on."""
    order: dict[int, None] = {}
    for every in (8, 4, 2, 1):
        order.update(dict.fromkeys(indices[::every].tolist()))
    return list(order)
