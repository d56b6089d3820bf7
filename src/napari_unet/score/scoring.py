"""Scores every slice of a comparison."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import cast

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.annotation import IGNORE
from napari_unet.data.labels import check_same_size, check_slices
from napari_unet.data.read import as_stack
from napari_unet.data.stack import ArrayLike, Stack
from napari_unet.errors import InputError, memory_told
from napari_unet.score.borders.surface import surface_distances
from napari_unet.score.borders.thinning import thin_borders
from napari_unet.score.borders.warping import warping_error
from napari_unet.score.comparison import Comparison, compare
from napari_unet.score.objects.partition import partition
from napari_unet.score.pixels.overlap import overlap
from napari_unet.score.scores import Scores, SliceScores
from napari_unet.steps import result_of


@dataclass(frozen=True)
class SliceScored:
    """A slice was scored: how many are, of how many."""

    done: int
    total: int


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
    total = len(comparison.slices)
    if not total:
        raise InputError("No slice has ground truth: there is nothing to score.")
    rows = []
    for z in comparison.slices:
        if stop.is_set():
            return None
        rows.append(score_slice(comparison, z))
        yield SliceScored(len(rows), total)
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
    predicted, truth = comparison.predicted_objects[z], comparison.truth_objects[z]
    known, trained_on = comparison.annotated[z], comparison.trained_on
    return SliceScores(
        comparison.first_slice + z,
        overlap(comparison.prediction[z], comparison.truth[z], comparison.num_classes),
        partition(predicted, truth, known),
        partition(thin_borders(predicted), truth, known),
        None if known.all() else partition(predicted, truth, ~known),
        _borders(comparison, z),
        None if trained_on is None else z in trained_on,
    )


def _borders(comparison: Comparison, z: int) -> dict[str, float]:
    here = slice(z, z + 1)
    masks = comparison.predicted_mask[here], comparison.truth_mask[here]
    known = comparison.annotated[here]
    apart = surface_distances(*masks, known)
    return {
        "warping_error": float(warping_error(*masks, known)[0]),
        "surface_distance": float(apart.mean[0]),
        "surface_distance_95": float(apart.percentile_95[0]),
    }
