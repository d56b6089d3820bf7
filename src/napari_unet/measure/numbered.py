"""Objects of labels, whatever their values mean, with a number for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.annotation import guess_kind
from napari_unet.data.doubts import doubt_look
from napari_unet.data.label_survey import Survey
from napari_unet.data.labels import (
    check_slices,
    goes_on,
    is_mask,
    label_values,
    whole_numbers,
)
from napari_unet.data.pieces import connected_pieces
from napari_unet.errors import InputError, memory_told
from napari_unet.words import counted

IGNORED = "{} is ignored: its pixels are no objects"
# Numbers up to so many times their count cost nothing.
_SPARSE = 1000
_INT64 = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class NumberedObjects:
    """Labels of which each object has a number, counted up without large gaps.

    Attributes
    ----------
    labels
        (Z, Y, X) whole numbers, 0 where there is no object.
    volume
        Whether objects go on through the slices; else each slice has its own.
    notes
        Words to the user on how the labels were read.
    values
        Value of each number in the labels as they were given, where they differ.
    classes
        Class of each number; None where the objects have none.
    """

    labels: NDArray[np.generic]
    volume: bool
    notes: tuple[str, ...]
    values: NDArray[np.integer] | None = None
    classes: NDArray[np.generic] | None = None

    @property
    def ndim(self) -> int:
        """3 for a volume, else 2."""
        return 3 if self.volume else 2


def countable(labels: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return labels as whole numbers from 0; what is -1 is ignored, and no object.

    Raises
    ------
    InputError
        When they are none, or hold other values below 0.
    """
    labels = whole_numbers(labels, lowest=-1)
    if labels.dtype.kind == "i" and labels.min(initial=0) < 0:
        return np.asarray(np.maximum(labels, labels.dtype.type(0)))
    return labels.view(np.uint8) if labels.dtype == bool else labels


def values_in(labels: NDArray[np.generic]) -> NDArray[np.integer]:
    """Return the values above 0 that occur in whole numbers, sorted, of any size."""
    if labels.dtype == np.uint64 and int(labels.max(initial=0)) > _INT64:
        found = np.unique(labels)
        return np.asarray(found[found > 0])
    return label_values(labels)


def ignored_in(
    values: NDArray[np.integer],
    together: bool,
    kind: AnnotationKind | None,
    ignore: int | str | None,
) -> int | None:
    """Return the value of pixels that are no objects, as chosen or guessed.

    `together` tells whether 1 and 255 meet in one slice.
    """
    found = Survey(np.asarray(values, np.int64), together=together)
    return found.settle(Coverage(ignore=ignore), AnnotationKind.of(kind)).ignored


def meet(labels: NDArray[np.generic], values: NDArray[np.integer]) -> bool:
    """Return whether 1 and 255 meet in one slice."""
    return Survey.of_values(labels, np.asarray(values, np.int64)).together


@memory_told()
def number_objects(
    labels: NDArray[np.generic],
    kind: AnnotationKind | None = None,
    volume: bool | None = None,
    ignore: int | str | None = None,
    *,
    mask: bool | None = None,
) -> NumberedObjects:
    """Find the objects of labels.

    Parameters
    ----------
    labels
        (Z, Y, X) whole numbers or bool: numbered objects, or classes, of which each
        connected piece is one object.
    kind
        What the labels mean; guessed when left out, which the notes tell.
    volume
        Whether objects go on through the slices. Left out, it is guessed of numbered
        objects; pieces of classes are found slice by slice.
    ignore
        Value of pixels that are no objects, or "none". Guessed when left out, as for
        training: 255 beside classes up to 32.
    mask
        Whether all classes above 0 are one. Left out, it is seen from their values,
        which are to be those of all slices.

    Raises
    ------
    InputError
        When the labels are no whole numbers, or hold no object.
    """
    check_slices(labels, "Labels", "measured")
    labels, kind = countable(labels), AnnotationKind.of(kind)
    values, notes = values_in(labels), list[str]()
    told, coverage = kind is not None, Coverage(ignore=ignore)
    if kind is None and values.size:
        # What is measured is whole: nobody paints strokes for it.
        numbered = guess_kind(labels, coverage).kind is AnnotationKind.OBJECTS
        kind = AnnotationKind.OBJECTS if numbered else AnnotationKind.CLASSES
    ignored = ignored_in(values, meet(labels, values), kind, ignore)
    if ignored in values:
        labels = np.where(labels == ignored, labels.dtype.type(0), labels)
        values = values[values != ignored]
        notes.append(IGNORED.format(ignored))
    if not values.size or (kind is AnnotationKind.SCRIBBLES and values[-1] == 1):
        raise InputError("The labels hold no object: there is nothing to measure.")
    if doubt := doubt_look(labels, "labels"):
        notes.append(doubt)
    if not told:
        several = counted(len(values), "value")
        each = "every value" if kind is AnnotationKind.OBJECTS else "what touches"
        notes.append(f"labels are {kind} ({several} above 0): {each} is one object")
    if volume is None:
        volume = kind is AnnotationKind.OBJECTS and goes_on(labels)
        if len(labels) > 1:
            way = "as one volume" if volume else "slice by slice"
            notes.append(f"objects are measured {way}")
    words = tuple(notes)
    if kind is AnnotationKind.OBJECTS:
        if int(values.max(initial=0)) < _SPARSE * len(values) + _SPARSE:
            return NumberedObjects(labels, volume, words)
        known = np.insert(values, 0, 0)
        dense = np.empty(labels.shape, np.int32)
        for one, target in zip(labels, dense, strict=True):
            target[...] = np.searchsorted(known.astype(labels.dtype), one)
        return NumberedObjects(dense, volume, words, known)
    if kind is AnnotationKind.SCRIBBLES:
        labels = np.maximum(labels, 1) - 1
    elif is_mask(values) if mask is None else mask:
        labels = (labels != 0).astype(np.uint8)
    pieces = connected_pieces(labels.astype(np.int32), ndim=3 if volume else 2)
    classes = np.zeros(int(pieces.max(initial=0)) + 1, labels.dtype)
    classes[pieces.ravel()] = labels.ravel()
    return NumberedObjects(pieces, volume, words, classes=classes)
