"""An error as an object: what is wrong, where, and how large it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class ErrorKind(StrEnum):
    """What is wrong with an object, or with a piece of one."""

    MERGE = "merge"
    SPLIT = "split"
    MISS = "miss"
    INVENTION = "invention"
    MISSING_PIECE = "missing piece"
    EXTRA_PIECE = "extra piece"
    WRONG_CLASS = "wrong class"


KIND_NAMES = {
    ErrorKind.MERGE: "two cells merged",
    ErrorKind.SPLIT: "cell split",
    ErrorKind.MISS: "missed",
    ErrorKind.INVENTION: "invented",
    ErrorKind.MISSING_PIECE: "piece missing",
    ErrorKind.EXTRA_PIECE: "piece too much",
    ErrorKind.WRONG_CLASS: "wrong class",
}
"""The kinds in the words of who looks at cells."""

# Of Okabe and Ito (2008); missed is blue, as the background is, and invented
# orange, as the foreground.
KIND_COLORS = {
    ErrorKind.MERGE: "#D55E00",
    ErrorKind.SPLIT: "#56B4E9",
    ErrorKind.MISS: "#0072B2",
    ErrorKind.INVENTION: "#E69F00",
    ErrorKind.MISSING_PIECE: "#009E73",
    ErrorKind.EXTRA_PIECE: "#CC79A7",
    ErrorKind.WRONG_CLASS: "#F0E442",
}
"""How a layer shows the kinds, as #rrggbb."""

_JOINT_SIDE = 24
"""Of the square where two parts meet, in pixels."""


@dataclass(frozen=True)
class Error:
    """One place where prediction and truth differ by more than their borders.

    Attributes
    ----------
    number
        Its value in the map of errors, 1 for the largest.
    kind
        What is wrong.
    box
        Slices, rows and columns of its pixels.
    centre
        Slice, row and column of where it is seen best: of a merge and of a split,
        where the two parts meet; else the most central of its pixels.
    pixels
        Its size. A merge and a split have that of the smaller part.
    truth_ids, predicted_ids
        Objects that it concerns; of a merge and of a split first the smaller part.
    """

    number: int
    kind: ErrorKind
    box: tuple[slice, slice, slice]
    centre: tuple[int, int, int]
    pixels: int
    truth_ids: tuple[int, ...] = ()
    predicted_ids: tuple[int, ...] = ()

    @property
    def slice(self) -> int:
        """Index of the slice in which it is seen best."""
        return self.centre[0]


@dataclass(frozen=True, eq=False)
class Errors:
    """All errors of a prediction, the largest first.

    Attributes
    ----------
    errors
        By size, and so are their numbers.
    objects
        (Z, Y, X) int32: the number of the error that a pixel belongs to, 0 for none.
    """

    errors: tuple[Error, ...]
    objects: NDArray[np.int32]

    def without(self, error: Error) -> Errors:
        """Return all others; they keep their numbers."""
        others = tuple(one for one in self.errors if one.number != error.number)
        objects = np.where(self.objects == error.number, np.int32(0), self.objects)
        return Errors(others, objects)

    def extent(self, error: Error) -> float:
        """Return the side of a square around the centre that holds what is seen."""
        if error.kind in {ErrorKind.MERGE, ErrorKind.SPLIT}:
            return _JOINT_SIDE
        z, *centre = error.centre
        rows, columns = error.box[1:]
        here = np.argwhere(self.objects[z, rows, columns] == error.number)
        away = here + np.array([rows.start, columns.start]) - centre
        return 2.0 * float(np.abs(away).max(initial=0)) + 8

    def rows(self) -> list[dict[str, Any]]:
        """Return the errors as plain values, for a table or a JSON file."""
        return [
            {
                "number": error.number,
                "kind": str(error.kind),
                "slice": error.slice,
                "y": error.centre[1],
                "x": error.centre[2],
                "pixels": error.pixels,
                "true_ids": list(error.truth_ids),
                "predicted_ids": list(error.predicted_ids),
            }
            for error in self.errors
        ]
