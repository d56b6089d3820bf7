"""What occurs in labels, of one or of several images, and what that tells of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.labels import is_mask, label_values, whole_numbers

_IGNORED = 255
_FEW_VALUES = 8
# Beside values up to this one, 255 is no number of an object.
_HIGHEST_CLASS = 32
_SPARSE = 0.5
_LOWEST = int(np.iinfo(np.int64).min)


@dataclass(frozen=True)
class KindGuess:
    """A guess at the meaning of an annotation layer, with the reason for it.

    `share` of the touched slices is painted, where the guess rests on that; `is_mask`
    tells that there is one value beside 0.
    """

    kind: AnnotationKind
    reason: str
    ignore: int | None = None
    is_mask: bool = False
    share: float | None = None


@dataclass(frozen=True, eq=False)
class Survey:
    """What occurs in labels.

    Attributes
    ----------
    values
        Above 0, sorted.
    lowest
        The lowest value; 0 where none is below.
    together
        Whether 1 and 255 meet in one slice.
    painted, touched
        Pixels other than 0, and all pixels of the slices that hold any.
    """

    values: NDArray[np.int64]
    lowest: int = 0
    together: bool = False
    painted: int = 0
    touched: int = 0

    @classmethod
    def of(
        cls,
        labels: NDArray[np.generic],
        name: str = "The labels hold",
        values: NDArray[np.int64] | None = None,
    ) -> Survey:
        """Return what occurs in (Z, Y, X) labels, whose values may be known already.

        Raises
        ------
        InputError
            When they are no whole numbers.
        """
        labels = whole_numbers(np.asarray(labels), name, _LOWEST)
        touched = sum(one.size for one in labels if one.any())
        painted = int(np.count_nonzero(labels))
        values = label_values(labels) if values is None else values
        found = cls.of_values(labels, values)
        return replace(found, painted=painted, touched=touched)

    @classmethod
    def of_values(
        cls, labels: NDArray[np.generic], values: NDArray[np.int64]
    ) -> Survey:
        """Return what the values of labels tell, whose pixels are not counted."""
        signed = labels.dtype.kind == "i"
        lowest = min(0, int(labels.min(initial=0))) if signed else 0
        return cls(values, lowest, _meet(labels, values))

    @classmethod
    def of_all(cls, surveys: Iterable[Survey]) -> Survey:
        """Return what occurs in labels of which there are surveys of parts."""
        every = list(surveys)
        values = [np.empty(0, np.int64), *(one.values for one in every)]
        return cls(
            np.unique(np.concatenate(values)),
            min((one.lowest for one in every), default=0),
            any(one.together for one in every),
            sum(one.painted for one in every),
            sum(one.touched for one in every),
        )

    def ignored(self, kind: AnnotationKind | None = None) -> int | None:
        """Guess which value is ignored: -1, or 255 beside lower classes; or None."""
        if self.lowest < 0:
            return -1
        classes = self.values[:-1]
        objects = kind is AnnotationKind.OBJECTS
        if objects or not classes.size or self.values[-1] != _IGNORED:
            return None
        if classes.tolist() == [1]:
            # Slices of 0/1 and of 0/255 may meet in one stack, but not in one slice.
            return _IGNORED if self.together else None
        return _IGNORED if classes[-1] <= _HIGHEST_CLASS else None

    def settle(
        self, coverage: Coverage, kind: AnnotationKind | None = None
    ) -> Coverage:
        """Return a coverage in which the value to ignore is no guess any more."""
        if coverage.ignore is not None:
            return coverage
        found = self.ignored(kind)
        ignore = "none" if found is None else found
        return coverage.model_copy(update={"ignore": ignore})

    def without(self, ignored: int | None) -> Survey:
        """Return the same of labels in which a value is ignored."""
        return replace(self, values=self.values[self.values != ignored])

    def guess(self, coverage: Coverage) -> KindGuess:
        """Guess what the values mean."""
        ignore = self.settle(coverage).ignored
        values = self.values[self.values != ignore]
        return guess_of(values, ignore, lambda: self.painted / self.touched)


def guess_of(
    values: NDArray[np.int64], ignore: int | None, share_of: Callable[[], float]
) -> KindGuess:
    """Guess what values mean, of which one may be ignored.

    `share_of` counts which share of the touched slices is painted; it is asked only
    where that tells something.
    """
    if not values.size:
        return KindGuess(AnnotationKind.CLASSES, "complete, and nothing is labelled")
    listed = listed_values(values)
    if values.size == 1 or is_mask(values):
        reason = f"one value besides 0 ({listed}): read as classes 0 and 1"
        return KindGuess(AnnotationKind.CLASSES, reason, ignore, is_mask=True)
    many = values.size > _FEW_VALUES or values[-1] >= _IGNORED
    if many and not (ignore == _IGNORED and values[-1] <= _HIGHEST_CLASS):
        reason = f"{values.size} different values: every value is one object"
        return KindGuess(AnnotationKind.OBJECTS, reason, ignore)
    share = share_of()
    if share == 1 and values[0] == 1:
        reason = f"values {listed} and no 0: 1 is background"
        return KindGuess(AnnotationKind.SCRIBBLES, reason, ignore)
    reason = f"values {listed} on {share:.0%} of the touched slices"
    if share < _SPARSE:
        kind, rest = AnnotationKind.SCRIBBLES, "the rest is unlabelled"
    else:
        kind, rest = AnnotationKind.CLASSES, "0 is background"
    return KindGuess(kind, f"{reason}: {rest}", ignore, share=share)


def listed_values(values: NDArray[np.int64]) -> str:
    """Write the first of some values."""
    return ", ".join(str(value) for value in values[:_FEW_VALUES])


def _meet(labels: NDArray[np.generic], values: NDArray[np.int64]) -> bool:
    """Return whether 1 and 255 are in one slice."""
    if not np.isin((1, _IGNORED), values).all():
        return False
    high, low = ((labels == value).any(axis=(1, 2)) for value in (_IGNORED, 1))
    return bool((high & low).any())
