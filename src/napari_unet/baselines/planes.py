"""Slices of an image as every baseline takes them: 0 to 1, the foreground bright."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import BaselineConfig
from napari_unet.data.annotation import IGNORE
from napari_unet.errors import InputError

Plane = NDArray[np.float32]
"""(Y, X) grey values from 0 to 1, of which the foreground has the higher ones."""
Mask = NDArray[np.bool_]

_CLIPPED = (1, 99)
_LOOKED_AT = 16


def plane_of(image: Any, z: int, *, dark: bool = False) -> Plane:
    """Return a slice of an image, all 0 where it has but one grey value.

    Parameters
    ----------
    image
        (Z, Y, X) or (C, Z, Y, X), an array or a lazy one; of several channels the
        mean is taken.
    z
        Index of the slice.
    dark
        Whether the foreground is darker than the background.

    Raises
    ------
    InputError
        When it holds values that are no numbers.
    """
    values = np.asarray(image[..., z, :, :], np.float32)
    values = values.mean(axis=0) if values.ndim > 2 else values
    if not np.isfinite(values).all():
        raise InputError(
            f"Slice {z} of the image holds values that are no numbers (NaN or "
            "infinite): replace them, for example by 0."
        )
    low, high = np.percentile(values, _CLIPPED)
    if low == high:
        # What is brighter than the rest may be rarer than one pixel in a hundred.
        low, high = values.min(), values.max()
    # Grey values may be as small as a current in amperes.
    share = np.clip((values - low) / ((high - low) or 1), 0, 1)
    return np.asarray(1 - share if dark and high > low else share, np.float32)


def is_dark(
    image: Any, classes: NDArray[np.uint8] | None, config: BaselineConfig
) -> bool:
    """Return whether the foreground is the darker side of an image.

    Where `config` leaves it open, the grey values under the annotations decide, on 16
    slices at most that hold background, and on as many that hold foreground. Where they
    do not hold both sides, the foreground is bright.

    Parameters
    ----------
    image
        (Z, Y, X) or (C, Z, Y, X).
    classes
        (Z, Y, X) class indices, 0 is background and `IGNORE` no annotation.
    config
        Its `side` is obeyed.
    """
    if config.side != "auto" or classes is None:
        return config.side == "dark"
    sums, counts = np.zeros(2), np.zeros(2)
    # Foreground may be on a few of many slices: looked for, it is not missed.
    holding = (_slices_with(classes, side) for side in (0, 1))
    for z in sorted(set[int]().union(*map(_spread, holding))):
        known = classes[z] != IGNORE
        side = (classes[z][known] > 0).astype(np.intp)
        sums += np.bincount(side, plane_of(image, z)[known], minlength=2)
        counts += np.bincount(side, minlength=2)
    if not counts.all():
        return False
    background, foreground = sums / counts
    return bool(foreground < background)


def side_of(classes: NDArray[np.uint8]) -> NDArray[np.int8]:
    """Return 1 where foreground is annotated, 0 where background is, and else -1."""
    foreground = (classes > 0).astype(np.int8)
    return np.where(classes == IGNORE, np.int8(-1), foreground)


def check_sides(pixels: NDArray[np.generic], who: str) -> None:
    """Raise InputError unless both sides are annotated where `who` learns."""
    for side, count in zip(("background", "foreground"), pixels, strict=True):
        if not count:
            raise InputError(
                f"No {side} is annotated where {who} learns: annotate both sides, or "
                "learn from other slices."
            )


def neighbours(shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the places of all pairs of neighbours in a slice, (2, N), each once."""
    places = np.arange(shape[0] * shape[1]).reshape(shape)
    beside = places[:, :-1].ravel(), places[:, 1:].ravel()
    below = places[:-1].ravel(), places[1:].ravel()
    return np.concatenate([beside, below], axis=1)


def annotated_slices(classes: NDArray[np.uint8]) -> list[int]:
    """Return the indices of the slices that hold an annotated pixel."""
    return np.flatnonzero((classes != IGNORE).any(axis=(1, 2))).tolist()


def _slices_with(classes: NDArray[np.uint8], side: int) -> list[int]:
    return [z for z, plane in enumerate(classes) if (side_of(plane) == side).any()]


def _spread(slices: Sequence[int]) -> list[int]:
    """Take some slices from all over the stack."""
    places = np.linspace(0, len(slices) - 1, min(len(slices), _LOOKED_AT))
    return [slices[round(place)] for place in places]
