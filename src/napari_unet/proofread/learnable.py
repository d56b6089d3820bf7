"""What was reviewed, as annotations: nothing that nobody looked at is learnt from."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.annotation import guess_kind, separate
from napari_unet.data.label_survey import Survey
from napari_unet.data.labels import label_values, small_ids, wide_enough
from napari_unet.data.pieces import connected_pieces
from napari_unet.errors import InputError
from napari_unet.words import counted

_BACKGROUND, _FIRST = 1, 2
"""What scribbles of the background, and of the first class, are."""
_PIECES = 2
"""So many pieces may an object have on the average, before it is a class."""


@dataclass(frozen=True, eq=False)
class Learnable:
    """Annotations made of what was reviewed.

    Attributes
    ----------
    labels
        (Z, Y, X) annotations.
    kind
        What they mean.
    coverage
        Which of them say anything.
    words
        What they hold, such as "4 slices and 12 objects".
    """

    labels: NDArray[np.generic]
    kind: AnnotationKind
    coverage: Coverage
    words: str


def learnable(
    labels: NDArray[np.integer],
    objects: Set[int],
    slices: Set[int],
    kind: AnnotationKind | None = None,
) -> Learnable:
    """Return annotations of what was reviewed.

    Of reviewed slices all is learnt, their background too. Of an object in other slices
    its pixels are, and the background that touches it, as strokes: nothing else.

    Parameters
    ----------
    labels
        (Z, Y, X): what was corrected.
    objects, slices
        What of it was reviewed: numbers, or classes, and indices of slices.
    kind
        What the labels mean: objects or classes. Left out, they are objects where most
        values are in one piece each.

    Raises
    ------
    InputError
        When nothing was reviewed, or the labels are strokes.
    """
    kind = kind or _guess(labels)
    if kind is AnnotationKind.SCRIBBLES:
        raise InputError(
            "These labels are strokes, which are trained on as they are: choose them "
            "as annotations in Train."
        )
    seen = sorted(slices)
    masks = {
        z: np.isin(labels[z], sorted(objects))
        for z in range(len(labels))
        if z not in slices
    }
    masks = {z: mask for z, mask in masks.items() if mask.any()}
    if not seen and not masks:
        raise InputError(
            "Nothing is reviewed yet: mark objects or slices that are right, and only "
            "these are learnt from."
        )
    parts = [counted(len(seen), "slice")] if seen else []
    ignored = Survey.of_values(labels, label_values(labels)).ignored(kind)
    if not masks:
        values = np.zeros_like(labels)
        values[seen] = labels[seen]
        ignore = "none" if ignored is None else ignored
        complete = Coverage(ignore=ignore, complete=",".join(map(str, seen)))
        return Learnable(values, kind, complete, parts[0])
    numbered = kind is AnnotationKind.OBJECTS
    highest = _FIRST if numbered else _BACKGROUND + int(labels.max())
    strokes = np.zeros(labels.shape, wide_enough(np.uint8, np.array(highest)))
    for z in seen:
        known = labels[z] != (-1 if ignored is None else ignored)
        strokes[z][known] = _BACKGROUND + _classes(labels[z], numbered)[known]
    for z, mask in masks.items():
        _draw(strokes[z], labels[z], mask, numbered)
    drawn = {one for z, mask in masks.items() for one in np.unique(labels[z][mask])}
    parts.append(counted(len(drawn), "object"))
    words, whole = " and ".join(parts), Coverage(ignore="none")
    return Learnable(strokes, AnnotationKind.SCRIBBLES, whole, words)


def _guess(labels: NDArray[np.integer]) -> AnnotationKind:
    """Guess what values mean that are whole, however little of a slice they fill."""
    if not labels.any():
        return AnnotationKind.OBJECTS
    guess = guess_kind(labels)
    if guess.kind is AnnotationKind.OBJECTS or guess.is_mask:
        return guess.kind
    values = len(label_values(labels))
    pieces = int(connected_pieces(small_ids(labels), ndim=3).max(initial=0))
    many = pieces > _PIECES * values
    return AnnotationKind.CLASSES if many else AnnotationKind.OBJECTS


def _classes(plane: NDArray[np.integer], numbered: bool) -> NDArray[np.integer]:
    """Return the class of each pixel; between objects that touch lies a gap."""
    if not numbered:
        return plane
    apart = separate(small_ids(plane[None]))[0]
    return np.asarray(apart > 0, np.uint8)


def _draw(
    strokes: NDArray[np.integer],
    plane: NDArray[np.integer],
    mask: NDArray[np.bool_],
    numbered: bool,
) -> None:
    """Draw the objects of a mask into a slice, and the background around them."""
    classes = _classes(plane, numbered)
    strokes[mask] = _BACKGROUND + classes[mask]
    square = np.ones((3, 3), bool)
    beside = scipy.ndimage.binary_dilation(mask, square) & (plane == 0)
    strokes[beside] = _BACKGROUND
