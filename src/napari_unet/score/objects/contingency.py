"""Which predicted objects meet which true objects, and in how many pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.data.labels import check_alike
from napari_unet.errors import InputError

Table = tuple[NDArray[np.generic], NDArray[np.generic], NDArray[np.int64]]
"""Predicted ids, true ids and the pixels that they share, one entry a pair."""
CELLS = 8
"""Cells of a full table for each entry of a list, up to which it is the sooner one."""


def contingency(
    prediction: NDArray[np.generic],
    truth: NDArray[np.generic],
    annotated: NDArray[np.bool_] | None = None,
) -> Table:
    """Count the pixels of each pair of a predicted and a true id that meet.

    A volume is read slice by slice, and what is kept grows with the number of pairs,
    not with the number of pixels.

    Parameters
    ----------
    prediction, truth
        Ids, whole numbers of one shape.
    annotated
        Which pixels count, of the same shape; all when left out.

    Raises
    ------
    InputError
        When the shapes differ, or an id is negative or no whole number.
    """
    check_alike(prediction, truth, annotated)
    empty = np.zeros(0, np.int64)
    none = (empty.astype(prediction.dtype), empty.astype(truth.dtype), empty)
    parts = _parts(prediction, truth, annotated)
    table = join([_meetings(*part) for part in parts] or [none])
    for name, ids in (("prediction", table[0]), ("ground truth", table[1])):
        if np.less(ids, 0).any():
            raise InputError(
                f"The {name} holds {ids.min()}: ids below 0 are no objects."
            )
    return table


def join(tables: Sequence[Table]) -> Table:
    """Add up tables of different pixels whose ids mean the same objects."""
    if len(tables) == 1:
        return tables[0]
    predicted, truth, pixels = (
        np.concatenate(column) for column in zip(*tables, strict=True)
    )
    return _merge(predicted, truth, pixels)


def _parts(
    prediction: NDArray[np.generic],
    truth: NDArray[np.generic],
    annotated: NDArray[np.bool_] | None,
) -> Iterator[tuple[NDArray[np.generic], NDArray[np.generic]]]:
    """Yield the annotated pixels of each slice, or of all of a smaller array."""
    for index in range(len(truth)) if truth.ndim > 2 else [...]:
        ids = np.asarray(prediction[index]), np.asarray(truth[index])
        if annotated is None:
            yield ids[0].ravel(), ids[1].ravel()
        else:
            known = np.asarray(annotated[index], bool)
            yield ids[0][known], ids[1][known]


def _meetings(predicted: NDArray[np.generic], truth: NDArray[np.generic]) -> Table:
    """Count the pixels of each pair of ids that meet."""
    if not predicted.size:
        return predicted, truth, np.zeros(0, np.int64)
    # Objects are runs along X: one entry a run leaves little to sort.
    changes = (predicted[1:] != predicted[:-1]) | (truth[1:] != truth[:-1])
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    lengths = np.diff(starts, append=predicted.size)
    return _merge(predicted[starts], truth[starts], lengths)


def _merge(
    predicted: NDArray[np.generic],
    truth: NDArray[np.generic],
    pixels: NDArray[np.int64],
) -> Table:
    """Add up the entries of the same pair, sorted by the true and the predicted id."""
    predicted_ids, predicted_rank = ranked(predicted)
    truth_ids, truth_rank = ranked(truth)
    shape = (len(truth_ids), len(predicted_ids))
    if shape[0] * shape[1] <= CELLS * len(pixels):
        pairs = truth_rank * shape[1] + predicted_rank
        sums = np.bincount(pairs, pixels)
        met = np.flatnonzero(sums)
        row, column = np.divmod(met, shape[1])
        return predicted_ids[column], truth_ids[row], sums[met].astype(np.int64)
    # Turning the list into rows adds up equal pairs, without sorting the whole list.
    rows = scipy.sparse.coo_array((pixels, (truth_rank, predicted_rank)), shape).tocsr()
    table = rows.tocoo()
    return predicted_ids[table.col], truth_ids[table.row], table.data


def ranked(
    ids: NDArray[np.generic],
) -> tuple[NDArray[np.generic], NDArray[np.intp]]:
    """Return the ids that occur, sorted, and the rank of each entry."""
    highest = int(ids.max(initial=0))
    if highest >= CELLS * ids.size or ids.min() < 0:
        found, ranks = np.unique(ids, return_inverse=True)
        return found, ranks
    # Marking what occurs is far faster than sorting.
    places, occurs = ids.astype(np.intp), np.zeros(highest + 1, bool)
    occurs[places] = True
    ranks = np.cumsum(occurs)
    return np.flatnonzero(occurs).astype(ids.dtype), ranks[places] - 1
