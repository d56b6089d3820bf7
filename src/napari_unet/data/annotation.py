"""What painted labels mean, and the training target that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.label_survey import KindGuess, Survey, guess_of, listed_values
from napari_unet.data.labels import (
    check_slices,
    label_values,
    reads_as_mask,
    small_ids,
    whole_numbers,
)
from napari_unet.data.stack import list_slices
from napari_unet.errors import InputError, memory_told

IGNORE = 255
"""Value of a target pixel that trains nothing and is never scored."""

MAX_CLASSES = 254
_NONE = np.zeros((0, 0, 0), np.int32)
Scalar = TypeVar("Scalar", bound=np.generic)


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


def guess_kind(
    labels: NDArray[np.generic], coverage: Coverage | None = None
) -> KindGuess:
    """Guess what the values of `labels`, (Z, Y, X) integers or bool, mean.

    Raises
    ------
    InputError
        When not a single pixel is labelled and no slice is complete, or the labels are
        no whole numbers.
    """
    read = _read(labels, None, coverage or Coverage())

    def share() -> float:
        painted = read.labels != 0
        if read.ignored is not None:
            painted |= read.ignored
        return float(painted[painted.any(axis=(1, 2))].mean())

    return guess_of(read.values, read.ignore, share)


@memory_told()
def to_target(
    labels: NDArray[np.generic],
    kind: AnnotationKind | None = None,
    *,
    ndim: int = 2,
    mask: bool | None = None,
    coverage: Coverage | None = None,
    objects: bool = True,
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
    mask
        Whether classes are a mask, as `reads_as_mask` tells of all labels of which
        these are a part; of these alone where it is left out.
    coverage
        Which pixels say anything; guessed when left out.
    objects
        Number the objects too; else there are none, and less memory is taken.

    Raises
    ------
    InputError
        When nothing is labelled and no slice is complete, a value does not fit `kind`,
        or the labels are no whole numbers.
    """
    kind = AnnotationKind.of(kind)
    read, notes = _read(labels, kind, coverage or Coverage()), list[str]()
    if kind is None:
        guess = guess_kind(labels, coverage)
        kind = guess.kind
        notes.append(f"annotations are {kind}: {guess.reason}")
    target = target_of(read, kind, ndim=ndim, mask=mask, objects=objects)
    return replace(target, notes=(*notes, *target.notes))


def target_of(
    read: SplitLabels,
    kind: AnnotationKind,
    *,
    ndim: int = 2,
    mask: bool | None = None,
    objects: bool = True,
) -> Target:
    """Make the target of labels that are split already; else as `to_target` does."""
    if kind is AnnotationKind.OBJECTS:
        target = _from_objects(read.labels, ndim, objects)
    elif kind is AnnotationKind.SCRIBBLES:
        target = _from_scribbles(read.labels, read.values)
    else:
        target = _from_classes(read.labels, read.values, mask)
    if objects and kind is not AnnotationKind.OBJECTS:
        foreground = (target.classes > 0) & (target.classes != IGNORE)
        target = replace(target, objects=connected_objects(foreground, ndim=ndim))
    notes = target.notes
    for z in read.complete:
        if not read.labels[z].any():
            target.classes[z] = 0
    if read.ignored is not None:
        target.classes[read.ignored] = IGNORE
        notes = (*notes, read.note)
    return replace(target, kind=kind, notes=notes)


def annotated_pixels(
    labels: NDArray[np.generic],
    kind: AnnotationKind | None = None,
    coverage: Coverage | None = None,
) -> NDArray[np.bool_]:
    """Find the pixels of (Z, Y, X) labels that train; sooner than `to_target` does.

    Of scribbles these are the ones that are painted, else all of a slice with anything
    on it. The kind is guessed when left out.
    """
    read = split_labels(labels, kind, coverage)
    painted: NDArray[np.bool_] = np.asarray(read.labels != 0)
    if kind is None and read.values.size:
        kind = guess_kind(labels, coverage).kind
    touched = np.flatnonzero(painted.any(axis=(1, 2)))
    known = painted
    if kind is not AnnotationKind.SCRIBBLES:
        known = np.zeros_like(painted)
        known[touched] = True
    known[np.setdiff1d(read.complete, touched).astype(int)] = True
    if read.ignored is not None:
        known &= ~read.ignored
    return known


class SplitLabels(NamedTuple):
    """Labels, and apart from them what is to be ignored.

    Attributes
    ----------
    labels
        (Z, Y, X) bool or integers, 0 where a pixel is ignored.
    values, every
        The values above 0 that occur, sorted; without and with what is ignored.
    ignore, ignored
        The value that is ignored and the pixels that hold it; None without any.
    complete
        Indices of the slices that hold nothing where they are empty.
    """

    labels: NDArray[np.generic]
    values: NDArray[np.int64]
    every: NDArray[np.int64]
    ignore: int | None
    ignored: NDArray[np.bool_] | None
    complete: list[int]

    def settle(self, coverage: Coverage) -> Coverage:
        """Return a coverage in which the value to ignore is no guess any more."""
        ignore = "none" if self.ignore is None else self.ignore
        return coverage.model_copy(update={"ignore": ignore})

    @property
    def note(self) -> str:
        """One line on what is ignored, "" where nothing is."""
        if self.ignored is None:
            return ""
        return ignored_words(self.ignore, int(np.count_nonzero(self.ignored)))


def ignored_words(value: int | None, pixels: int) -> str:
    """Say that so many pixels of a value are ignored."""
    return f"{value} is ignored: {pixels:,} pixels neither train nor score"


def split_labels(
    labels: NDArray[np.generic],
    kind: AnnotationKind | None = None,
    coverage: Coverage | None = None,
    name: str = "The labels hold",
) -> SplitLabels:
    """Take what is to be ignored out of (Z, Y, X) labels.

    `kind` is what they mean where that is known, and `name` what they are.

    Raises
    ------
    InputError
        When the labels are no whole numbers, or a complete slice is not there.
    """
    coverage = coverage or Coverage()
    labels = np.asarray(labels)
    check_slices(labels, "Labels", "used")
    ignore = coverage.ignored
    lowest = -1 if coverage.ignore is None else min(0, ignore or 0)
    labels = whole_numbers(labels, name, lowest, ignore)
    values = label_values(labels)
    if coverage.ignore is None:
        ignore = Survey.of_values(labels, values).ignored(kind)
    complete = list_slices(coverage.complete, len(labels)) if coverage.complete else []
    if ignore is None:
        return SplitLabels(labels, values, values, None, None, complete)
    ignored = np.asarray(labels == ignore)
    if not ignored.any():
        return SplitLabels(labels, values, values, ignore, None, complete)
    labels = np.where(ignored, labels.dtype.type(0), labels)
    known = values[values != ignore]
    return SplitLabels(labels, known, values, ignore, ignored, complete)


def separate(objects: NDArray[Scalar], *, ndim: int = 2) -> NDArray[Scalar]:
    """Put a gap of one background pixel between objects that touch (paper, sec. 3).

    `objects` is (Z, Y, X); the pixel before the border along each axis becomes
    background, so that the gap is exactly one pixel wide. `ndim` 2 leaves objects of
    neighbouring slices alone.
    """
    separated = np.empty_like(objects)
    parts = (objects, separated) if ndim == 2 else (objects[None], separated[None])
    for part, out in zip(*parts, strict=True):
        np.multiply(part, _apart(part), out=out)
    return separated


def _apart(objects: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Find the pixels of objects whose next one, along any axis, is of no other."""
    found = np.asarray(objects != 0)
    apart = found.copy()
    for axis in range(objects.ndim):
        ids, both, out = (one.swapaxes(0, axis) for one in (objects, found, apart))
        border = np.asarray(ids[:-1] != ids[1:])
        border &= both[:-1]
        border &= both[1:]
        np.greater(out[:-1], border, out=out[:-1])
    return apart


def connected_objects(
    foreground: NDArray[np.bool_ | np.integer], *, ndim: int = 2
) -> NDArray[np.int32]:
    """Give numbers to the connected components of what is not 0 in (Z, Y, X).

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
    labels: NDArray[np.generic], kind: AnnotationKind | None, coverage: Coverage
) -> SplitLabels:
    """Return labels that can be used."""
    read = split_labels(labels, kind, coverage)
    if not read.values.size and not read.complete:
        raise InputError(
            "The annotations hold no labels: paint at least one object or scribble."
            if read.ignored is None
            else f"The annotations hold nothing but {read.ignore}, which is ignored: "
            "leave the image out, or say that empty slices are complete, or what is "
            "ignored."
        )
    return read


def set_apart(labels: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Find what `separate` leaves of objects in each slice of (Z, Y, X)."""
    found = np.empty(labels.shape, bool)
    for one, out in zip(labels, found, strict=True):
        out[...] = _apart(one)
    return found


def _from_objects(labels: NDArray[np.generic], ndim: int, numbered: bool) -> Target:
    objects = small_ids(separate(labels, ndim=ndim)) if numbered else _NONE
    found = objects > 0 if numbered else set_apart(labels)
    classes = found.astype(np.uint8)
    classes[[not one.any() for one in labels]] = IGNORE
    return Target(classes, objects, 2)


def _from_scribbles(labels: NDArray[np.generic], values: NDArray[np.int64]) -> Target:
    highest = int(values.max(initial=1))
    if highest > MAX_CLASSES:
        raise InputError(
            f"Scribbles hold the value {highest}: 1 is background, 2 and up are "
            "classes. Choose classes or objects for these labels."
        )
    numbers = labels.astype(np.uint8)
    classes = np.where(numbers == 0, np.uint8(IGNORE), numbers - np.uint8(1))
    return Target(classes, _NONE, max(2, highest))


def _from_classes(
    labels: NDArray[np.generic], values: NDArray[np.int64], mask: bool | None
) -> Target:
    notes: tuple[str, ...] = ()
    highest = int(values.max(initial=1))
    if reads_as_mask(values) if mask is None else mask:
        # Slices of 0/1 and of 0/255 meet in one stack; only "above 0" reads both.
        classes = np.asarray(labels != 0).view(np.uint8)
        if values.tolist() not in ([], [1]):
            notes = (f"0 and {listed_values(values)} are read as classes 0 and 1",)
        highest = 1
    elif highest >= MAX_CLASSES:
        raise InputError(
            f"Labels hold the value {highest}, too many for classes: choose "
            "objects if every value is one object."
        )
    else:
        classes = labels.astype(np.uint8)
    classes[[not one.any() for one in labels]] = IGNORE
    return Target(classes, _NONE, highest + 1, notes)
