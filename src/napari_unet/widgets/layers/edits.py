"""Changes to a labels layer that napari can undo, each as one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from napari_unet.data.labels import wide_enough
from napari_unet.errors import InputError
from napari_unet.widgets.layers.axes import spatial
from napari_unet.widgets.layers.proxy import real
from napari_unet.widgets.layers.undo import convert
from napari_unet.words import sides

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels
    from numpy.typing import ArrayLike, NDArray

Region = tuple[slice, ...]
HISTORY_BYTES = 2**30
"""Memory that the undo steps of one layer may take; the latest is always kept."""
# Up to here pixels are remembered one by one; that takes some 10 ms.
_FEW = 2**16


def edit(layer: Labels, region: Sequence[slice], values: ArrayLike) -> int:
    """Change part of a labels layer; Ctrl+Z takes the whole change back.

    Parameters
    ----------
    layer
        The layer, or a proxy of it; of any number of dimensions.
    region
        One slice of step 1 for each dimension.
    values
        Integers in the shape of the region. A layer whose type cannot hold them gets
        a larger one.

    Returns
    -------
    int
        Number of pixels that changed; without any there is no step to undo.

    Raises
    ------
    InputError
        When values and region differ in shape, or no type holds all values.
    """
    box = _bounded(region, layer.data.shape)
    new = np.asarray(values)
    shape = tuple(part.stop - part.start for part in box)
    if new.shape != shape:
        raise InputError(
            f"The layer {layer.name} cannot take values of {sides(new.shape)} where "
            f"{sides(shape)} are to be changed."
        )
    make_room(layer, new)
    changed = 0
    with layer.block_history():
        for key, part in _planes(box, new):
            changed += _change(layer, key, part)
    if changed:
        _forget_oldest(layer)
        layer.refresh(extent=False)
    return changed


def edit_slices(layer: Labels, first: int, values: NDArray[Any]) -> int:
    """Change whole slices of a layer, as `edit` does; a single one of (Y, X) alone.

    `values` are (Z, Y, X), from the slice `first` on.
    """
    region, kept = [slice(None)] * layer.ndim, spatial(layer)
    if len(kept) > 2:
        region[kept[0]] = slice(first, first + len(values))
    empty = [axis for axis in range(layer.ndim) if axis not in kept]
    new = values if len(kept) > 2 else values[0]
    return edit(layer, region, np.expand_dims(new, empty))


def edit_box(layer: Labels, box: Region, values: NDArray[Any]) -> int:
    """Change a box of a layer, given in slices, Y and X, as `edit` does."""
    region, kept = [slice(0, 1)] * layer.ndim, spatial(layer)
    for axis, part in zip(kept, box[-len(kept) :], strict=True):
        region[axis] = part
    shape = [part.stop - part.start for part in region]
    return edit(layer, region, values.reshape(shape))


def take_up(viewer: ViewerModel, layer: Labels) -> None:
    """Let a layer be changed after all, with the brush in hand."""
    layer.editable = layer.visible = True
    viewer.layers.selection.active = layer
    layer.mode = "paint"


def _bounded(region: Sequence[slice], shape: Sequence[int]) -> Region:
    bounds = zip(region, shape, strict=True)
    return tuple(slice(*part.indices(length)[:2]) for part, length in bounds)


def make_room(layer: Labels, values: NDArray[Any]) -> None:
    """Widen the type of a layer where it does not hold some values.

    Its own values, and thereby its history, stay.

    Raises
    ------
    InputError
        When no type holds all of them.
    """
    convert(layer, wide_enough(layer.data.dtype, values))


def _planes(box: Region, values: NDArray[Any]) -> list[tuple[Region, NDArray[Any]]]:
    """Cut a volume into slices: those that stay the same need not be remembered."""
    if len(box) < 3:
        return [(box, values)]
    first = box[0].start
    return [
        ((slice(first + z, first + z + 1), *box[1:]), values[z : z + 1])
        for z in range(len(values))
    ]


def _change(layer: Labels, key: Region, values: NDArray[Any]) -> int:
    differs = np.asarray(layer.data[key]) != values
    count = int(np.count_nonzero(differs))
    if count == 0:
        return 0
    # Plugins are handed a proxy that keeps what is private from them. `data_setitem`
    # would write into what is drawn, too: of a hidden layer, that is a slice of before,
    # of the type of before.
    save = real(layer)._save_history
    if count <= _FEW:
        # Several times faster than `nonzero` of a plane.
        found = np.unravel_index(np.flatnonzero(differs), differs.shape)
        where = tuple(
            index + part.start for index, part in zip(found, key, strict=True)
        )
        old, new = layer.data[where], values[found].astype(layer.data.dtype)
        save((where, np.array(old), new))
        layer.data[where] = new
        return count
    # Coordinates of every pixel take 16 to 24 bytes each, and half a second for a slice
    # of 4096 x 4096; a box takes a hundredth.
    (inner,) = scipy.ndimage.find_objects(differs.view(np.uint8))
    key = tuple(
        slice(part.start + cut.start, part.start + cut.stop)
        for part, cut in zip(key, inner, strict=True)
    )
    old = np.array(layer.data[key])
    new = values[inner].astype(old.dtype)
    save((key, old, new))
    layer.data[key] = new
    return count


def _forget_oldest(layer: Labels) -> None:
    """Let go of the oldest steps where a layer's history outgrows its memory.

    napari counts steps (100), which is right for strokes; a hundred predictions of a
    stack of 1 GB would not fit any memory.
    """
    history: Any = getattr(real(layer), "_undo_history", [])
    sizes = [_size(step) for step in history]
    while len(sizes) > 1 and sum(sizes) > HISTORY_BYTES:
        history.popleft()
        sizes.pop(0)


def _size(step: Any) -> int:
    """Return the bytes of a step; napari's own strokes are too small to count."""
    parts = (part for atom in step if isinstance(atom, tuple) for part in atom[1:])
    return sum(getattr(part, "nbytes", 0) for part in parts)
