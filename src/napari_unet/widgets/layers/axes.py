"""What the dimensions of a layer mean, and the (Z, Y, X) part of its data."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_unet.data.painted_slices import PaintedSlices
from napari_unet.errors import InputError

_LETTERS = "CTZYX"
_EMPTY = "_"


def axes_of(layer: Layer) -> str:
    """Return one letter for each dimension of a layer: C, T, Z, Y or X.

    Dimensions of length 1 that are none of Z, Y and X say nothing and get "_", as they
    are dropped where a file is read. Without names, the last are (Z,) Y and X.

    Raises
    ------
    InputError
        When there are more dimensions than the core knows.
    """
    names = [str(label).upper() for label in layer.axis_labels]
    letters = [name if name in _LETTERS else "" for name in names]
    shape = shape_of(layer)
    for axis, length in enumerate(shape[:-2]):
        if length == 1 and letters[axis] != "Z":
            letters[axis] = _EMPTY
    axes = "".join(letters)
    known = axes.replace(_EMPTY, "")
    if not (all(letters) and known.endswith("YX") and len(set(known)) == len(known)):
        axes = _unnamed(shape)
    in_time = {"T", "Z"} <= set(axes)
    too_many = in_time or ("C" in axes and not isinstance(layer, Image))
    if too_many or not axes:
        raise InputError(_too_many(layer))
    return axes


def spatial(layer: Layer) -> list[int]:
    """Return the dimensions of a layer that are slices, Y and X.

    Raises
    ------
    InputError
        As `axes_of`.
    """
    axes = axes_of(layer)
    return [axes.index(letter) for letter in "TZYX" if letter in axes]


def shape_of(layer: Layer) -> tuple[int, ...]:
    """Return the length of each dimension of a layer, without colours.

    What has no pixels, such as shapes, is 1 long where it has channels, else 2.
    """
    if isinstance(layer, Image | Labels):
        return tuple(map(int, finest(layer).shape[: layer.ndim]))
    return tuple(1 if str(name).upper() == "C" else 2 for name in layer.axis_labels)


def finest(layer: Image | Labels) -> Any:
    """Return the data of a layer, at full resolution where it has several."""
    return layer.data[0] if layer.multiscale else layer.data


def in_memory(layer: Image | Labels) -> bool:
    """Return whether the data of a layer lie in the memory, and not in a file."""
    return isinstance(finest(layer), np.ndarray | PaintedSlices)


def planes(layer: Image | Labels) -> Any:
    """Return the data of labels, or of a map of them, as (Z, Y, X).

    A view: what is written to it is written to the layer.
    """
    kept, data = spatial(layer), finest(layer)
    if isinstance(data, PaintedSlices):
        return data
    view = data[tuple(slice(None) if i in kept else 0 for i in range(layer.ndim))]
    return view if len(kept) > 2 else view[None]


def _unnamed(shape: tuple[int, ...]) -> str:
    """Return axes in the order of files; "" where they would be too many."""
    empty = 0
    while len(shape) - empty > 3 and shape[empty] == 1:
        empty += 1
    return _EMPTY * empty + "ZYX"[-len(shape) :] if len(shape) - empty <= 3 else ""


def _too_many(layer: Layer) -> str:
    kind, split = "labels", "time points"
    if isinstance(layer, Image):
        kind, split = "images", "channels or time points"
    return (
        f"The layer {layer.name} has {layer.ndim} dimensions: {kind} have slices, "
        f"Y and X. Split {split} into layers."
    )
