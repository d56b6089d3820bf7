"""Which rows of labels have changed, without a copy of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.data.painted_slices import slices_in_memory

_ALL = slice(None)


class RowMarks:
    """Remembers 8 bytes of every row of labels, and tells which rows differ from them.

    Slices of labels that cannot be written to, or do not lie in memory, are known from
    the first look at them on; those that nobody has painted on hold nothing.

    Parameters
    ----------
    data
        (..., Y, X) labels, as they are now; slices are counted over all dimensions but
        the last two.

    Attributes
    ----------
    shape
        Of the labels.
    known
        Slices that were looked at.
    touched
        Those of them that hold or held anything.
    """

    def __init__(self, data: Any) -> None:
        self.shape = data.shape
        random = np.random.default_rng(0)
        self._odd = random.integers(2**63, size=data.shape[-1], dtype=np.uint64) * 2 + 1
        here = slices_in_memory(data)
        self.known = {z: self._marks(data, z) for z in here}
        self.touched = {z for z, marks in self.known.items() if marks.any()}

    def changed(self, data: Any, z: int, rows: slice = _ALL) -> slice | None:
        """Return the rows of a slice outside of which nothing has changed since.

        Of a slice that was not looked at before, all rows that hold anything are new.
        Only `rows` are looked at; None where nothing in them has changed.
        """
        known = self.known.setdefault(z, np.zeros(data.shape[-2], np.uint64))
        marks = self._marks(data, z, rows)
        differs = np.flatnonzero(marks != known[rows])
        if not differs.size:
            return None
        known[rows] = marks
        self.touched.add(z)
        first, last = differs[[0, -1]] + (rows.start or 0)
        return slice(int(first), int(last) + 1)

    def _marks(self, data: Any, z: int, rows: slice = _ALL) -> NDArray[Any]:
        """Return a number for each row of a slice, which changes with its labels.

        A sum of odd multiples, modulo 2**64, of what 8 bytes say with their high half
        mixed into the low one. A change of 8 bytes always shows, and of others all but
        one in 2**40; it takes as long as comparing two copies.
        """
        raw = np.ascontiguousarray(plane(data, z, rows)).view(np.uint8)
        if raw.shape[-1] % 8:
            raw = np.pad(raw, ((0, 0), (0, -raw.shape[-1] % 8)))
        words = raw.view(np.uint64)
        marks = (words ^ (words >> np.uint64(32))) @ self._odd[: words.shape[-1]]
        return np.asarray(marks)


def plane(data: Any, z: int, rows: slice = _ALL) -> NDArray[Any]:
    """Return rows of a slice, counted over all dimensions but the last two."""
    before = (int(i) for i in np.unravel_index(z, data.shape[:-2]))
    return np.asarray(data[(*before, rows)])


def reach(edits: Any, shape: tuple[int, ...]) -> tuple[list[int], slice]:
    """Return the slices and the rows that edits reach, as napari's history has them."""
    hit = [np.zeros(length, bool) for length in shape[:-1]]
    for index, *_ in edits:
        for mask, one in zip(hit, index[:-1], strict=True):
            # A slice, a number, or an array of numbers.
            mask[one] = True
    *before, rows = (np.flatnonzero(mask) for mask in hit)
    inside = np.zeros(shape[:-2], bool)
    inside[np.ix_(*before)] = True
    planes: list[int] = np.flatnonzero(inside).tolist()
    return planes, slice(int(rows[0]), int(rows[-1]) + 1)
