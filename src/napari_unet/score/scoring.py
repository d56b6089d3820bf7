"""Scores every slice of a comparison."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.annotation import IGNORE
from napari_unet.data.labels import check_same_size, check_slices
from napari_unet.data.read import as_stack
from napari_unet.data.stack import ArrayLike, Stack
from napari_unet.errors import InputError, memory_told
from napari_unet.model.allocator import keep_freed_memory, return_freed_memory
from napari_unet.score.borders.surface import surface_distances
from napari_unet.score.borders.thinning import thin_borders
from napari_unet.score.borders.warping import warping_error
from napari_unet.score.comparison import Comparison, compare
from napari_unet.score.measures import BORDERS
from napari_unet.score.objects.partition import partition
from napari_unet.score.pixels.overlap import overlap
from napari_unet.score.scores import Scores, SliceScores
from napari_unet.steps import result_of, side_by_side

_PIXELS_TOGETHER = 2**18
"""Pixels that are scored in one go: of small slices several, which takes less time."""
_PIXELS_IN_HAND = 2**24
"""Pixels of the slices that are scored at a time, at 100 bytes a pixel."""
_OBJECTS_SHARE = 0.75
"""Of the time that scores take without those of borders."""
_NUMBERS_AFTER = 0.5
"""Seconds after which the scores of the slices so far are told, at the earliest."""

Row = TypeVar("Row")


@dataclass(frozen=True)
class SliceScored:
    """A slice was scored: how many are, of how many.

    Attributes
    ----------
    share
        How much of the whole work is done, 0 to 1.
    borders
        Whether these are the scores of borders, which come last.
    """

    done: int
    total: int
    share: float
    borders: bool = False


def score(
    comparison: Comparison, show: Callable[[int, int], object] | None = None
) -> Scores:
    """Score all slices that have ground truth.

    Parameters
    ----------
    comparison
        What is scored.
    show
        Called after every slice with how many are done, and of how many.

    Raises
    ------
    InputError
        When no slice has any, or a class is no whole number from 0 up.
    """

    def show_slice(step: SliceScored) -> None:
        if show is not None:
            show(step.done, step.total)

    # Nobody stops it before there are any.
    return cast(Scores, result_of(score_steps(comparison, Event()), show_slice))


def score_steps(
    comparison: Comparison, stop: Event
) -> Generator[SliceScored, None, Scores | None]:
    """Score as `score` does, yielding after every slice.

    Returns
    -------
    The scores; None where `stop` was set before the last slice was done.
    """
    rows = list[SliceScores]()
    for row, step in _each(_score_slices, comparison, stop):
        rows.append(row)
        yield step
    return _whole(comparison, rows)


def score_objects(
    comparison: Comparison, stop: Event
) -> Generator[SliceScored | Scores, None, Scores | None]:
    """Score as `score_steps` does, but for the borders, which take time.

    Their scores are NaN until `add_borders` has counted them. Those of the slices so
    far are yielded half a second after the start, and whenever they are twice as many,
    so that to show them never takes longer than to count them.
    """
    rows, told, began = list[SliceScores](), 0, time.monotonic()
    for row, step in _each(_score_objects, comparison, stop, until=_OBJECTS_SHARE):
        rows.append(row)
        yield step
        late = time.monotonic() - began > _NUMBERS_AFTER
        if late and 2 * told <= step.done < step.total:
            yield _scores(comparison, rows)
            told = step.done
    return _whole(comparison, rows)


def add_borders(
    comparison: Comparison, scores: Scores, stop: Event
) -> Generator[SliceScored, None, Scores | None]:
    """Return the scores of `score_objects` with those of borders."""
    rows = list[SliceScores]()
    for found, step in _each(_borders, comparison, stop, after=_OBJECTS_SHARE):
        rows.append(replace(scores.slices[len(rows)], borders=found))
        yield step
    return _whole(comparison, rows)


def _each(
    work: Callable[[Comparison, list[int]], list[Row]],
    comparison: Comparison,
    stop: Event,
    after: float = 0.0,
    until: float = 1.0,
) -> Iterator[tuple[Row, SliceScored]]:
    """Yield what is made of each slice, and how far it is, until `stop` is set."""
    slices, done, size = comparison.slices, 0, comparison.truth[0].size
    if not slices:
        raise InputError("No slice has ground truth: there is nothing to score.")
    if comparison.volume:
        # Numbered once, and not by the threads.
        _ = comparison.predicted_objects, comparison.truth_objects
    together = max(1, _PIXELS_TOGETHER // size)
    firsts = range(0, len(slices), together)
    parts = [list(slices[first : first + together]) for first in firsts]
    most = max(1, _PIXELS_IN_HAND // (together * size))
    with ExitStack() as scoring:
        scoring.callback(return_freed_memory)
        keep_freed_memory()
        for part in side_by_side(partial(work, comparison), parts, stop, most):
            for row in part:
                if stop.is_set():
                    return
                done += 1
                share = after + (until - after) * done / len(slices)
                yield row, SliceScored(done, len(slices), share, borders=after > 0)


def _whole(comparison: Comparison, rows: list[SliceScores]) -> Scores | None:
    done = len(rows) == len(comparison.slices)
    return _scores(comparison, rows) if done else None


def _scores(comparison: Comparison, rows: list[SliceScores]) -> Scores:
    return Scores(tuple(rows), comparison.volume, comparison.notes)


@memory_told()
def score_stack(
    prediction: NDArray[np.generic],
    truth: NDArray[np.uint8],
    *,
    num_classes: int | None = None,
    first_slice: int = 0,
) -> Scores:
    """Score predicted classes against ground truth.

    Parameters
    ----------
    prediction
        (Z, Y, X) class indices.
    truth
        (Z, Y, X) class indices, `IGNORE` where there is no truth.
    num_classes
        Classes, background included; the highest that occurs when left out.
    first_slice
        Number by which the first slice is called in the report.

    Raises
    ------
    InputError
        When shapes differ, or no slice has ground truth.
    """
    check_same_size(prediction.shape, truth.shape)
    check_slices(prediction, "Arrays", "scored")
    if num_classes is None:
        known = truth[truth != IGNORE]
        highest = max(int(prediction.max(initial=1)), int(known.max(initial=1)))
        num_classes = highest + 1
    return score(Comparison(prediction, truth, num_classes, first_slice=first_slice))


@memory_told()
def score_labels(
    prediction: Stack | ArrayLike | str | Path,
    truth: Stack | ArrayLike | str | Path,
    kind: AnnotationKind | None = None,
    *,
    first_slice: int = 0,
    slices: Sequence[int] | None = None,
    coverage: Coverage | None = None,
) -> Scores:
    """Score a prediction against ground truth as it is stored, whatever its values.

    Parameters
    ----------
    prediction, truth
        Labels as (Z, Y, X) or (Y, X) arrays, as stacks, or as files or folders.
    kind, first_slice, slices, coverage
        As `napari_unet.score.comparison.compare` takes them.

    Returns
    -------
    The scores, whose `notes` say how the values were read.

    Raises
    ------
    InputError
        When one of both cannot be read, shapes or classes differ, or there is no truth.
    """
    return score(
        compare(
            np.asarray(as_stack(prediction, "prediction").as_zyx()),
            np.asarray(as_stack(truth, "ground truth").as_zyx()),
            kind,
            first_slice=first_slice,
            slices=slices,
            coverage=coverage,
        )
    )


def score_slice(comparison: Comparison, z: int) -> SliceScores:
    """Score a slice of a comparison, by its index."""
    return _score_slices(comparison, [z])[0]


def _score_slices(comparison: Comparison, slices: list[int]) -> list[SliceScores]:
    pairs = zip(
        _score_objects(comparison, slices), _borders(comparison, slices), strict=True
    )
    return [replace(row, borders=found) for row, found in pairs]


def _score_objects(comparison: Comparison, slices: list[int]) -> list[SliceScores]:
    """Score slices but for their borders."""
    rows = [_score_objects_of(comparison, z) for z in slices]
    for row in rows:
        # What they follow from is kept: counted here, it is counted side by side.
        row.values()
    return rows


def _score_objects_of(comparison: Comparison, z: int) -> SliceScores:
    predicted, truth = comparison.objects_of(z)
    known, trained_on = comparison.truth[z] != IGNORE, comparison.trained_on
    everywhere = bool(known.all())
    annotated = None if everywhere else known
    return SliceScores(
        comparison.first_slice + z,
        overlap(comparison.prediction[z], comparison.truth[z], comparison.num_classes),
        partition(predicted, truth, annotated),
        partition(thin_borders(predicted), truth, annotated),
        None if everywhere else partition(predicted, truth, ~known),
        dict.fromkeys(BORDERS, math.nan),
        None if trained_on is None else z in trained_on,
    )


def _borders(comparison: Comparison, slices: list[int]) -> list[dict[str, float]]:
    prediction, truth = comparison.prediction[slices], comparison.truth[slices]
    known = truth != IGNORE
    masks = prediction != 0, known & (truth != 0)
    apart = surface_distances(*masks, known)
    columns = warping_error(*masks, known), apart.mean, apart.percentile_95
    names = ("warping_error", "surface_distance", "surface_distance_95")
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]
