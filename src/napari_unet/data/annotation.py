"""What painted labels mean, and the training target that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind
from napari_unet.data.labels import (
    check_slices,
    is_mask,
    label_values,
    small_ids,
    whole_numbers,
)
from napari_unet.errors import InputError

IGNORE = 255
"""Value of a target pixel that trains nothing and is never scored."""

MAX_CLASSES = 254
_FEW_VALUES = 8
_SPARSE = 0.5


@dataclass(frozen=True)
class KindGuess:
    """A guess at the meaning of an annotation layer, with the reason for it."""

    kind: AnnotationKind
    reason: str


@dataclass(frozen=True, eq=False)
class Target:
    """What a network should answer, made from annotations.

    Attributes
    ----------
    classes
        (Z, Y, X) uint8: class index, 0 = background, `IGNORE` = not annotated.
    objects
        (Z, Y, X) int32: 0 = none, every other value one object; what the border
        term of the weight map keeps apart.
    num_classes
        Classes, background included; at least 2.
    notes
        Words to the user about how the labels were read.
    kind
        What their values mean.
    """

    classes: NDArray[np.uint8]
    objects: NDArray[np.int32]
    num_classes: int
    notes: tuple[str, ...] = ()
    kind: AnnotationKind = AnnotationKind.CLASSES

    @property
    def annotated(self) -> NDArray[np.bool_]:
        """(Z, Y, X) bool: pixels that train."""
        return np.not_equal(self.classes, IGNORE)

    @property
    def annotated_slices(self) -> NDArray[np.intp]:
        """Indices of the slices that hold at least one annotated pixel."""
        return np.flatnonzero(self.annotated.any(axis=(1, 2)))


def guess_kind(labels: NDArray[np.generic]) -> KindGuess:
    """Guess what the values of `labels`, (Z, Y, X) integers or bool, mean.

    Raises
    ------
    InputError
        When not a single pixel is labelled, or the labels are no whole numbers.
    """
    labels, values = _read(labels)
    if values.size == 1 or is_mask(values):
        reason = f"one value besides 0 ({_listed(values)}): read as classes 0 and 1"
        return KindGuess(AnnotationKind.CLASSES, reason)
    if values.size > _FEW_VALUES or values[-1] > MAX_CLASSES:
        reason = f"{values.size} different values: every value is one object"
        return KindGuess(AnnotationKind.OBJECTS, reason)
    touched = labels[(labels != 0).any(axis=(1, 2))]
    painted = float((touched != 0).mean())
    reason = f"values {_listed(values)} on {painted:.0%} of the touched slices"
    if painted < _SPARSE:
        return KindGuess(AnnotationKind.SCRIBBLES, f"{reason}: the rest is unlabelled")
    return KindGuess(AnnotationKind.CLASSES, f"{reason}: 0 is background")


def to_target(
    labels: NDArray[np.generic],
    kind: AnnotationKind | None = None,
    *,
    ndim: int = 2,
    num_classes: int = 2,
) -> Target:
    """Turn annotations into class indices and objects.

    Parameters
    ----------
    labels
        (Z, Y, X) integers or bool, as painted.
    kind
        What the values mean; guessed when left out, which the notes tell.
    ndim
        2: objects are told apart slice by slice; 3: in the volume.
    num_classes
        Classes that are known already, background included: one value below it is that
        class, and else the foreground of a mask.

    Raises
    ------
    InputError
        When nothing is labelled, a value does not fit `kind`, or the labels are no
        whole numbers.
    """
    labels, values = _read(labels)
    notes: tuple[str, ...] = ()
    if kind is None:
        guess = guess_kind(labels)
        kind, notes = guess.kind, (f"annotations are {guess.kind}: {guess.reason}",)
    if kind is AnnotationKind.OBJECTS:
        target = _from_objects(labels, ndim)
    elif kind is AnnotationKind.SCRIBBLES:
        target = _from_scribbles(labels, values, ndim)
    else:
        target = _from_classes(labels, values, ndim, num_classes)
    return replace(target, kind=kind, notes=(*notes, *target.notes))


def annotated_pixels(
    labels: NDArray[np.generic], kind: AnnotationKind | None = None
) -> NDArray[np.bool_]:
    """Find the pixels of (Z, Y, X) labels that train; sooner than `to_target` does.

    Of scribbles these are the ones that are painted, else all of a slice with anything
    on it. The kind is guessed when left out.
    """
    painted: NDArray[np.bool_] = np.asarray(labels) != 0
    if kind is None and painted.any():
        kind = guess_kind(labels).kind
    if kind is AnnotationKind.SCRIBBLES:
        return painted
    touched = painted.any(axis=(1, 2), keepdims=True)
    return np.asarray(np.broadcast_to(touched, painted.shape))


def separate(objects: NDArray[np.int32], *, ndim: int = 2) -> NDArray[np.int32]:
    """Put a gap of one background pixel between objects that touch (paper, sec. 3).

    `objects` is (Z, Y, X); the pixel before the border along each axis becomes
    background, so that the gap is exactly one pixel wide. `ndim` 2 leaves objects of
    neighbouring slices alone.
    """
    gap = np.zeros(objects.shape, bool)
    for axis in range(3 - ndim, 3):
        here: list[slice] = [slice(None)] * 3
        there: list[slice] = [slice(None)] * 3
        here[axis], there[axis] = slice(None, -1), slice(1, None)
        a, b = objects[tuple(here)], objects[tuple(there)]
        gap[tuple(here)] |= (a != b) & (a != 0) & (b != 0)
    return np.where(gap, np.int32(0), objects)


def connected_objects(
    foreground: NDArray[np.bool_], *, ndim: int = 2
) -> NDArray[np.int32]:
    """Give numbers to the connected components of a (Z, Y, X) mask.

    4-neighbours within each slice with `ndim` 2, 6-neighbours with 3.
    """
    structure = scipy.ndimage.generate_binary_structure(3, 1)
    if ndim == 2:
        structure[[0, 2]] = False
    objects, _ = scipy.ndimage.label(foreground, structure, output=np.int32)
    return np.asarray(objects)


def describe(target: Target) -> str:
    """Return one line on what was understood, such as "classes, 24 of 30 slices"."""
    slices, pixels = target.annotated_slices.size, int(target.annotated.sum())
    total = target.classes.shape[0]
    where = f"{slices} of {total} slices, " if total > 1 else ""
    return f"{target.kind}, {where}{pixels:,} pixels"


def _read(
    labels: NDArray[np.generic],
) -> tuple[NDArray[np.generic], NDArray[np.int64]]:
    """Return labels that can be used, and the values above 0 that occur in them."""
    labels = np.asarray(labels)
    check_slices(labels, "Labels", "used")
    labels = whole_numbers(labels)
    values = label_values(labels)
    if values.size == 0:
        raise InputError(
            "The annotations hold no labels: paint at least one object or scribble."
        )
    return labels, values


def _listed(values: NDArray[np.int64]) -> str:
    return ", ".join(str(value) for value in values[:_FEW_VALUES])


def _from_objects(labels: NDArray[np.generic], ndim: int) -> Target:
    objects = separate(small_ids(labels), ndim=ndim)
    classes = (objects > 0).astype(np.uint8)
    empty = ~(labels != 0).any(axis=(1, 2))
    classes[empty] = IGNORE
    return Target(classes, objects, 2)


def _from_scribbles(
    labels: NDArray[np.generic], values: NDArray[np.int64], ndim: int
) -> Target:
    if values[-1] > MAX_CLASSES:
        raise InputError(
            f"Scribbles hold the value {values[-1]}: 1 is background, 2 and up are "
            "classes. Choose classes or objects for these labels."
        )
    numbers = labels.astype(np.uint8)
    classes = np.where(numbers == 0, np.uint8(IGNORE), numbers - np.uint8(1))
    objects = connected_objects(numbers > 1, ndim=ndim)
    return Target(classes, objects, max(2, int(values[-1])))


def _from_classes(
    labels: NDArray[np.generic], values: NDArray[np.int64], ndim: int, known: int
) -> Target:
    notes: tuple[str, ...] = ()
    if is_mask(values) or (values.size == 1 and values[0] >= known):
        # Slices of 0/1 and of 0/255 meet in one stack; only "above 0" reads both.
        classes = (labels != 0).astype(np.uint8)
        if values.size > 1 or values[0] != 1:
            notes = (f"0 and {_listed(values)} are read as classes 0 and 1",)
        count = 2
    elif values[-1] >= MAX_CLASSES:
        raise InputError(
            f"Labels hold the value {values[-1]}, too many for classes: choose "
            "objects if every value is one object."
        )
    else:
        classes = labels.astype(np.uint8)
        count = int(values[-1]) + 1
    classes[~(labels != 0).any(axis=(1, 2))] = IGNORE
    objects = connected_objects((classes > 0) & (classes != IGNORE), ndim=ndim)
    return Target(classes, objects, count, notes)
