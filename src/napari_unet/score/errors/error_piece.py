"""The piece of a slice that an error is about, as annotations of it."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind
from napari_unet.data.proposal import propose
from napari_unet.score.comparison import Comparison
from napari_unet.score.errors.error_kinds import Error, ErrorKind, Errors

Source = Literal["truth", "prediction"]
_AROUND = 16
"""Pixels around the place where two parts meet that are sent with them."""


def piece(
    error: Error,
    errors: Errors,
    comparison: Comparison,
    kind: AnnotationKind,
    existing: NDArray[Any],
    *,
    source: Source,
    used: int = 0,
) -> NDArray[Any]:
    """Annotate a slice with what the truth, or the prediction, says of an error.

    Its pixels in that slice are annotated and, of a merge and of a split, those around
    the place where the two parts meet, which hold the membrane in question. In
    annotations of objects the objects there come whole, and background takes away
    what is painted on it.

    Parameters
    ----------
    error
        Which one; the slice is that in which it is seen best.
    errors
        All of them, with the map that holds it.
    comparison
        What was compared.
    kind, existing, used
        As for `napari_unet.data.proposal.propose`.
    source
        Which of the two speaks.

    Returns
    -------
    (Y, X) annotations of the slice.
    """
    z = error.slice
    mask = _pixels(error, errors)
    classes: NDArray[Any] = comparison.prediction
    ids: NDArray[Any] = comparison.predicted_objects
    if source == "truth":
        classes, ids = comparison.truth, comparison.truth_objects
        mask &= comparison.annotated[z]
    if kind is AnnotationKind.OBJECTS:
        return _with_objects(np.asarray(ids[z]), mask, existing, used)
    proposed = propose(np.where(mask, classes[z], 0), kind, existing)
    return np.where(mask, proposed, existing)


def _pixels(error: Error, errors: Errors) -> NDArray[np.bool_]:
    z, row, column = error.centre
    mask: NDArray[np.bool_] = np.equal(errors.objects[z], error.number)
    if error.kind in {ErrorKind.MERGE, ErrorKind.SPLIT}:
        rows, columns = (
            slice(max(0, at - _AROUND), at + _AROUND + 1) for at in (row, column)
        )
        mask[rows, columns] = True
    return mask


def _with_objects(
    ids: NDArray[Any], mask: NDArray[np.bool_], existing: NDArray[Any], used: int
) -> NDArray[Any]:
    """Take away what lies on background, and put in every object under a mask."""
    result = np.where(mask & (ids == 0), 0, existing).astype(existing.dtype)
    for value in np.unique(ids[mask]):
        if value:
            row, column = np.argwhere(mask & (ids == value))[0]
            result = propose(
                ids,
                AnnotationKind.OBJECTS,
                result,
                numbered=True,
                at=(int(row), int(column)),
                used=used,
            )
    return result
