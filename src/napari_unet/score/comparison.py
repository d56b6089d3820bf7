"""A prediction and its ground truth, read so that every score compares the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import (
    IGNORE,
    Target,
    connected_objects,
    guess_kind,
    to_target,
)
from napari_unet.errors import InputError
from napari_unet.words import sides


@dataclass(frozen=True, eq=False)
class Comparison:
    """A prediction beside its ground truth, as classes and as objects.

    Attributes
    ----------
    prediction
        (Z, Y, X) class indices.
    truth
        (Z, Y, X) uint8 class indices, `IGNORE` where there is no truth.
    predicted_ids, true_ids
        (Z, Y, X) numbered objects, where they were given as such; otherwise objects
        are the connected components of all that is not background.
    num_classes
        Classes, background included.
    volume
        Whether an object goes on through the slices; else each slice has its own.
    first_slice
        Number by which the first slice is called.
    trained_on
        Slices, by their index, that the network was trained on: their scores say
        nothing of other images.
    notes
        Words to the user on how the values were read.
    """

    prediction: NDArray[np.generic]
    truth: NDArray[np.uint8]
    num_classes: int = 2
    predicted_ids: NDArray[np.generic] | None = None
    true_ids: NDArray[np.int32] | None = None
    volume: bool = False
    first_slice: int = 0
    trained_on: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()

    @cached_property
    def annotated(self) -> NDArray[np.bool_]:
        """(Z, Y, X): pixels that are scored."""
        return np.not_equal(self.truth, IGNORE)

    @cached_property
    def slices(self) -> tuple[int, ...]:
        """Indices of the slices that have any truth."""
        return tuple(map(int, np.flatnonzero(self.annotated.any(axis=(1, 2)))))

    @cached_property
    def predicted_mask(self) -> NDArray[np.bool_]:
        """(Z, Y, X): predicted as any class but background."""
        return np.asarray(self.prediction != 0)

    @cached_property
    def true_mask(self) -> NDArray[np.bool_]:
        """(Z, Y, X): any class but background in truth."""
        return np.asarray((self.truth != 0) & self.annotated)

    @cached_property
    def predicted_objects(self) -> NDArray[np.generic]:
        """(Z, Y, X) whole numbers: 0 is background, any other value one object."""
        if self.predicted_ids is not None:
            return self.predicted_ids
        return connected_objects(self.predicted_mask, ndim=self._ndim)

    @cached_property
    def true_objects(self) -> NDArray[np.int32]:
        """(Z, Y, X): 0 is background or no truth, any other value one object."""
        if self.true_ids is not None:
            return self.true_ids
        return connected_objects(self.true_mask, ndim=self._ndim)

    @property
    def _ndim(self) -> int:
        return 3 if self.volume else 2


def compare(
    prediction: NDArray[np.generic],
    truth: NDArray[np.generic],
    kind: AnnotationKind | None = None,
    *,
    first_slice: int = 0,
    slices: Sequence[int] | None = None,
    volume: bool | None = None,
) -> Comparison:
    """Read a prediction and its ground truth as they are stored.

    Parameters
    ----------
    prediction
        (Z, Y, X) class indices; where the truth has two classes, everything above 0
        is foreground, so that masks of 0 and 255 and numbered objects work too.
    truth
        (Z, Y, X) labels as painted or saved.
    kind
        What the values of `truth` mean; guessed when left out.
    first_slice
        Number by which the first slice is called.
    slices
        Compare only these slices, such as those that were predicted; all when left
        out.
    volume
        Whether objects go on through the slices; when left out they do where the
        truth is objects whose numbers lie over each other in neighbouring slices.

    Raises
    ------
    InputError
        When shapes or classes differ, or there is no truth.
    """
    if not truth.any():
        raise InputError("The ground truth holds no labels: there is nothing to score.")
    if prediction.shape != truth.shape:
        raise InputError(
            f"The prediction is {sides(prediction.shape)} and the ground truth is "
            f"{sides(truth.shape)}: choose the same slices of both."
        )
    highest = int(prediction.max(initial=0))
    notes: list[str] = []
    if kind is None:
        kind, note = _kind_of_truth(truth, highest)
        notes.append(note)
    if volume is None:
        volume = kind is AnnotationKind.OBJECTS and _go_on(truth)
    target = to_target(truth, kind)
    notes.extend(target.notes)
    notes.extend(_leave_out(target, slices))
    read = Comparison(
        prediction,
        target.classes,
        max(target.num_classes, highest + 1),
        volume=volume,
        first_slice=first_slice,
    )
    if target.num_classes == 2 and highest > 1:
        notes.append("prediction: every value above 0 is read as foreground")
        read = replace(read, prediction=_foreground(prediction, kind), num_classes=2)
    if kind is AnnotationKind.OBJECTS:
        read = _with_objects(read, prediction if highest > 1 else None, truth)
    return replace(read, notes=tuple(notes))


def _kind_of_truth(
    truth: NDArray[np.generic], highest: int
) -> tuple[AnnotationKind, str]:
    """Guess the kind of a truth, with the highest predicted class as a hint."""
    guess = guess_kind(truth)
    # Scribbles of background and foreground, and masks of any value, have two classes.
    several = to_target(truth, guess.kind).num_classes > 2
    if several and highest == 1:
        reason = "several values where the prediction has one class"
        return AnnotationKind.OBJECTS, f"ground truth is objects: {reason}"
    return guess.kind, f"ground truth is {guess.kind}: {guess.reason}"


def _leave_out(target: Target, slices: Sequence[int] | None) -> list[str]:
    """Ignore the slices that are not wanted; say which of the others hold nothing."""
    every = np.arange(len(target.classes))
    wanted = every if slices is None else np.asarray(slices)
    empty = np.setdiff1d(wanted, target.annotated_slices).size
    target.classes[np.setdiff1d(every, wanted)] = IGNORE
    if not empty:
        return []
    words = "1 slice" if empty == 1 else f"{empty} slices"
    return [f"{words} without any label in the ground truth: not scored, not annotated"]


def _foreground(
    prediction: NDArray[np.generic], kind: AnnotationKind
) -> NDArray[np.generic]:
    """Read every value above 0 as foreground, with the gap that objects get."""
    if kind is AnnotationKind.OBJECTS:
        # The truth got a line between touching objects; so must what is compared.
        return to_target(prediction, kind).objects > 0
    return prediction.astype(bool)


def _with_objects(
    read: Comparison,
    numbered: NDArray[np.generic] | None,
    truth: NDArray[np.generic],
) -> Comparison:
    """Take the objects by their numbers, without the gaps that the classes get."""
    objects = np.where(read.annotated, truth, 0)
    if int(objects.max()) > np.iinfo(np.int32).max:
        _, inverse = np.unique(objects, return_inverse=True)
        objects = np.reshape(inverse, objects.shape)
    ids = None if numbered is None or numbered.dtype.kind == "f" else numbered
    return replace(read, predicted_ids=ids, true_ids=objects.astype(np.int32))


def _go_on(objects: NDArray[np.generic]) -> bool:
    """Guess whether numbers mean the same object in neighbouring slices.

    Where they do, most pixels of an object have its number above or below too.
    """
    above, below = objects[:-1], objects[1:]
    found = int(np.count_nonzero(above))
    same = int(np.count_nonzero((above == below) & (above != 0)))
    return found > 0 and same > found / 2
