"""A prediction as a proposal of annotations, to be corrected by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
import skimage
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import MAX_CLASSES, separate
from napari_unet.data.boxes import Box, box_of, grow, whole
from napari_unet.data.labels import OF_ONE_IMAGE, check_same_size, wide_enough
from napari_unet.errors import InputError

Plane = NDArray[Any]


def propose(
    predicted: Plane,
    kind: AnnotationKind,
    existing: Plane,
    *,
    numbered: bool = False,
    within: Box | None = None,
    at: tuple[int, int] | None = None,
    used: int = 0,
) -> Plane:
    """Turn the prediction of a slice into annotations of it.

    Parameters
    ----------
    predicted
        (Y, X) integers: 0 is background, 1 and up are classes; or numbers of objects.
    kind
        What the values of the annotations mean.

        - scribbles: class + 1, on pixels that are not labelled yet; what was painted
          stays.
        - classes: the class takes the place of what is there.
        - objects: pixels of one class that touch become an object of a new number, in
          the place of what is there. Objects that touch get a gap of one pixel.
    existing
        (Y, X) annotations of the slice, which stay as they are.
    numbered
        Whether `predicted` holds numbers of objects, all of class 1.
    within
        Rows and columns that may change; the whole slice when left out.
    at
        Row and column of one object, which is proposed alone and whole: its pixels,
        and nothing of the background. With objects, another that is covered by more
        than half makes room for it, and a gap of one pixel is left to all others.
    used
        Highest number of an object in all slices; new numbers are above it.

    Returns
    -------
    ndarray
        (Y, X) annotations of the slice, in the type of `existing` or a larger one.

    Raises
    ------
    InputError
        When the shapes differ, no object is predicted at the point, or the prediction
        holds values that are too high for classes.
    """
    names = "The prediction is", "the annotations are"
    check_same_size(predicted.shape, existing.shape, names, OF_ONE_IMAGE)
    if at is not None:
        return _propose_object(predicted, kind, existing, numbered, at, used)
    box = within or whole(existing.shape)
    if kind is not AnnotationKind.OBJECTS:
        classes = _classes(predicted[box], numbered)
        return _put(classes, kind, existing, box, np.ones(classes.shape, bool))
    used = max(used, int(existing.max(initial=0)))
    objects = _objects(predicted[box], numbered, used)
    result = existing.astype(wide_enough(existing.dtype, objects))
    result[box] = 0
    if within is not None:
        around = grow(box, 1, existing.shape)
        beside = np.zeros(existing.shape, bool)
        beside[around] = _beside(result[around] > 0)
        objects[beside[box]] = 0
    result[box] = objects
    return result


def _propose_object(
    predicted: Plane,
    kind: AnnotationKind,
    existing: Plane,
    numbered: bool,
    at: tuple[int, int],
    used: int,
) -> Plane:
    box, mask = _object_at(predicted, numbered, at)
    if kind is not AnnotationKind.OBJECTS:
        return _put(_classes(predicted[box], numbered), kind, existing, box, mask)
    number = max(used, int(existing.max(initial=0))) + 1
    result = existing.astype(wide_enough(existing.dtype, np.array(number)))
    under = np.unique(existing[box][mask], return_counts=True)
    for value, covered in zip(*under, strict=True):
        if value and 2 * covered > np.count_nonzero(existing == value):
            result[existing == value] = 0
    values = np.where(mask, 0, result[box])
    # Only the new object gives way: what was painted beside it stays as it is.
    values[mask & ~_beside(values > 0)] = number
    result[box] = values
    return result


def _put(
    classes: NDArray[np.uint8],
    kind: AnnotationKind,
    existing: Plane,
    box: Box,
    mask: NDArray[np.bool_],
) -> Plane:
    """Put classes, or scribbles of them, where a mask of the box is true."""
    if kind is AnnotationKind.SCRIBBLES:
        classes, mask = classes + np.uint8(1), mask & (existing[box] == 0)
    result = existing.astype(wide_enough(existing.dtype, classes))
    result[box] = np.where(mask, classes, result[box])
    return result


def _object_at(
    predicted: Plane, numbered: bool, at: tuple[int, int]
) -> tuple[Box, NDArray[np.bool_]]:
    """Return a box around an object, with a pixel to spare, and its pixels there."""
    inside = all(0 <= n < length for n, length in zip(at, predicted.shape, strict=True))
    if not inside or predicted[at] == 0:
        raise InputError(
            f"No object is predicted at row {at[0]}, column {at[1]}: choose a point "
            "inside one."
        )
    alike = np.asarray(predicted == predicted[at])
    if not numbered:
        # To number all objects of the slice would take twenty times as long.
        alike = skimage.segmentation.flood(alike, at, connectivity=1)
    box = grow(box_of(alike) or whole(alike.shape), 1, alike.shape)
    return box, alike[box]


def _classes(predicted: Plane, numbered: bool) -> NDArray[np.uint8]:
    if numbered:
        return (predicted > 0).astype(np.uint8)
    if predicted.max(initial=0) >= MAX_CLASSES:
        raise InputError(
            f"The prediction holds the value {predicted.max()}, too many for classes: "
            "send it to annotations of objects."
        )
    return predicted.astype(np.uint8)


def _objects(predicted: Plane, numbered: bool, used: int) -> NDArray[np.int64]:
    """Give numbers above those in use, and gaps to objects that touch."""
    if numbered:
        objects, _, _ = skimage.segmentation.relabel_sequential(predicted)
    else:
        objects = skimage.measure.label(predicted, connectivity=1)
    apart = np.asarray(separate(objects[None].astype(np.int32))[0], np.int64)
    apart[apart > 0] += used
    return apart


def _beside(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask and its 4-neighbours."""
    return np.asarray(scipy.ndimage.binary_dilation(mask))
