"""How labels are read: whether they fit, whether they are labels at all, and masks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import InputError
from napari_unet.words import sides

_MASK_VALUES = (1, 255, 65535)
_MARKED = 2**24
# As many as a core has at hand.
_AT_ONCE = 2**17
# Looking for each of so few values is sooner done than marking what occurs.
_FEW = 8
_TYPES = tuple(np.dtype(f"{sign}{size}") for size in (1, 2, 4, 8) for sign in "ui")
_OF_BOTH = "choose the same slices of both"
# -1 in 64 bits without a sign: "no object" in CREMI's labels and in programs around it.
_NO_OBJECT = 2**64 - 1
OF_ONE_IMAGE = "choose layers of one image"
"""What to do about layers in a viewer that do not fit each other."""


def size_misfit(
    one: Sequence[int],
    other: Sequence[int],
    names: tuple[str, str] = ("The prediction is", "the ground truth is"),
    advice: str = _OF_BOTH,
) -> str:
    """Return one sentence on two shapes that differ, "" where they do not.

    Parameters
    ----------
    one, other
        The shapes.
    names
        What has them, each with its verb.
    advice
        What to do about it.
    """
    if tuple(one) == tuple(other):
        return ""
    axes = " (slices x Y x X)" if len(one) == len(other) == 3 else ""
    return f"{names[0]} {sides(one)} and {names[1]} {sides(other)}{axes}: {advice}."


def check_same_size(
    one: Sequence[int],
    other: Sequence[int],
    names: tuple[str, str] = ("The prediction is", "the ground truth is"),
    advice: str = _OF_BOTH,
) -> None:
    """Refuse two shapes that differ; the parameters are those of `size_misfit`.

    Raises
    ------
    InputError
        When they do.
    """
    if reason := size_misfit(one, other, names, advice):
        raise InputError(reason)


def check_made_on(image: Sequence[int], labels: Sequence[int]) -> None:
    """Refuse annotations that have other slices, Y or X than their image.

    Raises
    ------
    InputError
        When their shapes differ.
    """
    names = "The annotations are", "the image is"
    check_same_size(labels, image, names, "choose annotations made on this image")


def check_slices(array: NDArray[np.generic], name: str, use: str) -> None:
    """Refuse what is not (Z, Y, X).

    Raises
    ------
    InputError
        Saying that arrays of that `name` cannot be put to that `use`.
    """
    if array.ndim != 3:
        raise InputError(
            f"{name} of {array.ndim} dimensions cannot be {use}: give slices, Y and X."
        )


def check_alike(
    prediction: NDArray[np.generic],
    truth: NDArray[np.generic],
    annotated: NDArray[np.bool_] | None,
) -> None:
    """Refuse arrays that differ in shape, and objects that are no whole numbers.

    Raises
    ------
    InputError
        When they do.
    """
    check_same_size(prediction.shape, truth.shape)
    if annotated is not None:
        names = "The annotated pixels are", "the ground truth is"
        check_same_size(annotated.shape, truth.shape, names)
    for name, array in (("prediction", prediction), ("ground truth", truth)):
        if array.dtype.kind not in "biu":
            raise InputError(
                f"The {name} holds {array.dtype} values: objects are whole numbers."
            )


def whole_numbers(
    labels: NDArray[np.generic],
    name: str = "The labels hold",
    lowest: int = 0,
    ignore: int | None = None,
) -> NDArray[np.generic]:
    """Return labels as bool or integers; those that are stored as floats change type.

    The largest number of 64 bits, which CREMI has for "no object", becomes 0.

    Parameters
    ----------
    labels
        Of any shape.
    name
        What they are, with its verb.
    lowest
        The lowest value that means anything.
    ignore
        The value to ignore, which stays whatever it is.

    Raises
    ------
    InputError
        When they hold fractions, values below the lowest, or floats so large that not
        every whole number is among them.
    """
    if labels.dtype.kind == "f":
        floats = np.asarray(labels)
        if not np.isfinite(floats).all() or (floats != np.round(floats)).any():
            raise InputError(
                f"{name} fractions, or values that are no numbers: is this an image "
                "or a probability map? Labels are whole numbers."
            )
        most = 2 ** (np.finfo(floats.dtype).nmant + 1)
        if floats.max(initial=0) >= most:
            raise InputError(
                f"{name} {floats.max():.0f} as {floats.dtype}, which holds not every "
                f"number from {most:,} on, so that objects may have run together: save "
                "the labels as 32-bit integers."
            )
        labels = floats.astype(np.int64)
    if labels.dtype.kind not in "bui":
        raise InputError(f"{name} {labels.dtype} values: they are no whole numbers.")
    if labels.dtype.kind == "i" and labels.min(initial=0) < lowest:
        raise InputError(
            f"{name} {labels.min()}: values below 0 have no meaning, unless one is the "
            "value to ignore: make the others 0."
        )
    if labels.dtype.str[1:] == "u8" and ignore != _NO_OBJECT:
        none = labels == _NO_OBJECT
        labels = np.where(none, labels.dtype.type(0), labels) if none.any() else labels
    return labels


def wide_enough(
    dtype: np.dtype[Any] | type, *values: NDArray[np.generic]
) -> np.dtype[Any]:
    """Return the smallest type of whole numbers that holds `dtype` and all values.

    Raises
    ------
    InputError
        When there is none: 64 bits hold either values below 0 or the largest ids.
    """
    kept = np.dtype(dtype)
    types = _TYPES if kept.kind == "b" else (kept, *_TYPES)
    low, high = np.iinfo(types[0]).min, np.iinfo(types[0]).max
    for one in values:
        low = min(low, int(one.min(initial=0)))
        high = max(high, int(one.max(initial=0)))
    for wide in types:
        if np.iinfo(wide).min <= low and high <= np.iinfo(wide).max:
            return wide
    raise InputError(
        f"Labels from {low:,} to {high:,} fit into no type together: number the "
        "objects anew."
    )


def label_values(labels: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return the values above 0 that occur in bool or whole-number labels, sorted."""
    if not labels.size:
        return np.empty(0, np.int64)
    if labels.dtype == bool:
        labels = labels.view(np.uint8)
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest >= 0 and highest <= _FEW:
        found = [value for value in range(1, highest + 1) if (labels == value).any()]
        return np.array(found, np.int64)
    if lowest >= 0 and highest < _MARKED:
        # Marking what each run holds is far faster than looking for what differs.
        flat, occurs = labels.ravel(), np.zeros(highest + 1, bool)
        for first in range(0, flat.size, _AT_ONCE):
            part = flat[first : first + _AT_ONCE]
            occurs[part[0]] = True
            occurs[part[1:][part[1:] != part[:-1]]] = True
        values = np.flatnonzero(occurs)
    else:
        values = np.unique(labels)
    if values.dtype == np.uint64:  # its upper half does not fit, and means objects
        values = np.minimum(values, np.uint64(np.iinfo(np.int64).max))
    return np.asarray(values[values > 0], np.int64)


def is_mask(values: NDArray[np.integer]) -> bool:
    """Return whether labels of these values above 0 hold one class beside background.

    Slices that mean the same may have been saved as 0/1 and as 0/255.
    """
    return bool(np.isin(values, _MASK_VALUES).all())


def reads_as_mask(values: NDArray[np.int64], num_classes: int = 2) -> bool:
    """Return whether classes of these values above 0 are foreground, all of them.

    Of one value that is so where it is no class that is known already.
    """
    return is_mask(values) or (values.size == 1 and bool(values[0] >= num_classes))


def small_ids(ids: NDArray[np.generic]) -> NDArray[np.int32]:
    """Return ids of objects that fit into 32 bits; the background stays 0."""
    if int(ids.max(initial=0)) <= np.iinfo(np.int32).max:
        return ids.astype(np.int32)
    found, ranks = np.unique(ids, return_inverse=True)
    first = 0 if found[0] == 0 else 1
    return np.asarray(np.reshape(ranks, ids.shape) + first, np.int32)


def narrow_ids(ids: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return ids of objects as they are, where 32 bits hold them, else `small_ids`."""
    whole = ids.dtype.kind in "iu"
    return ids if whole and ids.dtype.itemsize <= 4 else small_ids(ids)


def goes_on(objects: NDArray[np.generic]) -> bool:
    """Guess whether numbers mean the same object in neighbouring slices, (Z, Y, X).

    Where they do, most pixels of an object have its number above or below too.
    """
    same, found = going_on(objects)
    return found > 0 and same > found / 2


def going_on(objects: NDArray[np.generic]) -> tuple[int, int]:
    """Count pixels of objects with the same number in the next slice, and all."""
    same = sum(
        np.count_nonzero((above == below) & (above != 0))
        for above, below in pairwise(objects)
    )
    return int(same), int(np.count_nonzero(objects[:-1]))
