"""Between napari layers and the arrays of the core."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_unet.data.colours import without_colours
from napari_unet.data.lazy import memory_limit
from napari_unet.data.painted_slices import PaintedSlices
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError, NapariUNetError
from napari_unet.widgets.layers.axes import (
    axes_of,
    finest,
    in_memory,
    planes,
    shape_of,
    spatial,
)
from napari_unet.widgets.layers.marks import INFO_BAR, MADE_FOR, ROLE
from napari_unet.widgets.layers.names import keeps_name, short_name
from napari_unet.widgets.layers.pixel_sizes import calibration_of
from napari_unet.widgets.layers.places import lies_on, pixel_size
from napari_unet.widgets.layers.proxy import real
from napari_unet.widgets.layers.roles import Role
from napari_unet.widgets.layers.undo import replace_data
from napari_unet.words import sides

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

PLACE = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
"""What places a layer."""
_PLANES_LOOKED_AT = 8
# The data of an image in colours, and whether they are grey.
_GREY: weakref.WeakKeyDictionary[Image, tuple[Any, bool]] = weakref.WeakKeyDictionary()


def image_stack(layer: Image) -> Stack:
    """Return an image layer as a stack; to be called on the main thread.

    Its data are those of the layer, of which a copy would stop the window for seconds;
    of a layer with several resolutions the finest is taken. Colours are read as in
    files: without alpha, and as grey where all three are the same.

    Raises
    ------
    InputError
        When the layer has dimensions that the core does not know, or an info bar that
        does not fit it.
    """
    axes, data = axes_of(layer), finest(layer)
    if not hasattr(data, "reshape"):
        # Of zarr; slices are read when they are needed. To import dask's arrays takes
        # longer than to open the dock.
        from dask.array import from_array

        data = from_array(data)
    data = data[tuple(0 if letter == "_" else slice(None) for letter in axes)]
    kept = axes.replace("_", "")
    if layer.rgb:
        grey = _is_grey(layer, data[..., :3])
        data, kept = (data[..., 0], kept) if grey else (data[..., :3], f"{kept}S")
    sizes = pixel_size(layer)[-len(set(kept) & set("ZYX")) :]
    calibration = calibration_of(layer)
    return Stack(
        *(data, kept, sizes, unit_of(layer), layer.name),
        calibration_source=calibration.source,
        unknown_axes=calibration.unknown_axes(kept),
        info_bar=layer.metadata.get(INFO_BAR, 0),
    )


def _is_grey(layer: Image, data: Any) -> bool:
    """Return whether all three colours are the same; the same data are looked at once.

    A look at all of a stack stops the window. Of what does not lie in the memory, some
    planes are looked at.
    """
    source, own = finest(layer), real(layer)
    known = _GREY.get(own)
    if known is None or known[0] is not source:
        if data.ndim > 3 and not isinstance(data, np.ndarray):
            data = data[:: -(-len(data) // _PLANES_LOOKED_AT)]
        axes = "ZYXS"[-data.ndim :]
        known = _GREY[own] = source, without_colours(data, axes)[1] != axes
    return known[1]


def plane_shape(layer: Image | Labels) -> tuple[int, ...]:
    """Return the shape of labels of a layer: Y and X, and slices if any.

    Where channels lie between slices and Y, the labels have a dimension of length 1.

    Raises
    ------
    InputError
        When the layer has dimensions that the core does not know.
    """
    shape, kept = shape_of(layer), spatial(layer)
    return tuple(
        shape[axis] if axis in kept else 1 for axis in range(kept[0], layer.ndim)
    )


def put(
    layer: Image | Labels, core: tuple[slice, ...], values: NDArray[np.generic]
) -> None:
    """Write a (Z, Y, X) part into the data of a layer, which may have no Z."""
    planes(layer)[core] = values


def misfit(layer: Layer | None) -> str:
    """Return why the core can do nothing with an image or labels; "" where it can."""
    try:
        if layer is not None:
            axes_of(layer)
    except NapariUNetError as error:
        return str(error)
    return ""


def labels_array(layer: Labels) -> NDArray[np.generic]:
    """Return a copy of a labels layer as (Z, Y, X); on the main thread.

    Raises
    ------
    InputError
        When the layer has more than three dimensions, or the memory does not hold it.
    """
    found = planes(layer)
    taken = found.size * found.dtype.itemsize
    if not isinstance(found, np.ndarray) and taken > memory_limit():
        raise InputError(
            f"The memory does not hold the {sides(found.shape)} pixels of {layer.name}:"
            " load a coarser level, or use the command line, which takes it in parts."
        )
    return np.array(found)


def labels_now(layer: Labels) -> Any:
    """Return a labels layer as (Z, Y, X) as it is now, for a worker thread.

    A copy of what lies in the memory; of a file, what reads it. Raises as
    `labels_array` does for other dimensions.
    """
    return labels_array(layer) if in_memory(layer) else planes(layer)


def painted_planes(layer: Labels) -> Any:
    """Return the slices of a labels layer that may hold anything, (z, Y, X).

    They are not copied; where the memory holds all slices, these are all of them.
    """
    found = planes(layer)
    return found.held() if isinstance(found, PaintedSlices) else found


def painted_slices(layer: Labels) -> SparseSlices[Any]:
    """Return a copy of the slices of a labels layer that hold anything, else alike."""
    return SparseSlices.of(planes(layer)).copied()


def placed_like(layer: Layer, ndim: int | None = None) -> dict[str, Any]:
    """Return what places a layer with labels, or a map of them, over `layer`.

    `ndim` 2 leaves slices out. Of channels there is none or, where they lie between
    slices and Y, a single one that is as long as all of them.
    """
    kept = list(range(spatial(layer)[0], layer.ndim))[-(ndim or layer.ndim) :]
    square, length = np.ix_(kept, kept), np.ones(layer.ndim)
    if "C" in axes_of(layer):
        channels = axes_of(layer).index("C")
        length[channels] = shape_of(layer)[channels]
    scale = layer.scale * length
    translate = layer.translate + (scale - layer.scale) / 2
    whole = np.asarray(layer.affine.affine_matrix)
    with_offset = [*kept, layer.ndim]
    place: dict[str, Any] = {
        "scale": tuple(scale[kept]),
        "translate": tuple(translate[kept]),
        "rotate": np.asarray(layer.rotate)[square],
        "affine": whole[np.ix_(with_offset, with_offset)],
        "units": tuple(layer.units[axis] for axis in kept),
        "axis_labels": tuple(layer.axis_labels[axis] for axis in kept),
    }
    if len(kept) == layer.ndim:
        place["shear"] = np.asarray(layer.shear)
    return place


def lay_on(layer: Image | Labels, like: Layer) -> None:
    """Place labels, or a map of them, over `like` where they lie elsewhere by now."""
    if not lies_on(layer, like):
        for side, value in placed_like(like).items():
            setattr(layer, side, value)


def placed_as(stack: Stack, ndim: int) -> dict[str, Any]:
    """Return scale, units and axis labels for a layer that shows `stack`."""
    axes = stack.axes.replace("S", "")[-ndim:].lower()
    sized = set("zyx") - set(stack.unknown_axes.lower())
    units = tuple(stack.unit if letter in sized else "pixel" for letter in axes)
    return {
        "scale": stack.scale[-ndim:],
        "units": units,
        "axis_labels": tuple(axes),
    }


def add_or_update(
    viewer: ViewerModel,
    kind: type[Layer],
    data: NDArray[np.generic],
    what: str,
    of: Layer | None,
    role: Role = Role.HELPER,
    **options: Any,
) -> Any:
    """Show `data` in the layer that was made for this before, or in a new one.

    One that the user has renamed is kept as it is.

    Parameters
    ----------
    viewer
        The viewer.
    kind
        Image or labels.
    data
        What is shown.
    what
        What it is, in a word or two: the name of the layer.
    of
        The image that it is of; None for a layer that there is one of in a viewer.
    role
        What the layer is for.
    **options
        Place and look. The look of a layer that is there stays as the user set it.
    """
    made_for = (what, "" if of is None else str(of.unique_id))
    named = (one for one in viewer.layers if keeps_name(one, what))
    made = (one for one in named if one.metadata.get(MADE_FOR) == made_for)
    layer: Any = next(made, None)
    if isinstance(layer, kind) and layer.data.ndim == data.ndim:
        replace_data(layer, data)
        for name in PLACE:
            if name in options:
                setattr(layer, name, options[name])
        return layer
    add = viewer.add_labels if kind is Labels else viewer.add_image
    metadata = {ROLE: role, **options.pop("metadata", {}), MADE_FOR: made_for}
    name = short_name(viewer, what, of)
    return add(data, name=name, metadata=metadata, **options)


@contextmanager
def in_hand(viewer: ViewerModel) -> Iterator[None]:
    """Leave the layer that is active so, and lay what is added under its labels."""
    layers, active = viewer.layers, viewer.layers.selection.active
    before = list(layers)
    yield
    if active is None or active not in layers:
        return
    if isinstance(active, Labels):
        for added in [one for one in layers if one not in before]:
            layers.move(layers.index(added), layers.index(active))
    layers.selection.active = active


def find_marked(viewer: ViewerModel, key: str, name: object) -> Any:
    """Return the layer that was made under a name, by a key of its metadata, or None.

    A layer of the user may be called the same; it is never touched.
    """
    made = (layer for layer in viewer.layers if layer.metadata.get(key) == name)
    return next(made, None)


def marked_layer(
    viewer: ViewerModel, like: Layer, key: str, name: str, add: Callable[..., Layer]
) -> Any:
    """Return that layer, placed over `like`; `add` makes it where there is none.

    The layer that is active stays so, to be painted on at once.
    """
    layer, place = find_marked(viewer, key, name), placed_like(like)
    if layer is not None and layer.ndim != len(place["scale"]):
        viewer.layers.remove(layer)
        layer = None
    if layer is None:
        active = viewer.layers.selection.active
        # In the units of the others from the first: napari warns of any other.
        layer = add(name=name, metadata={key: name, ROLE: Role.HELPER}, **place)
        viewer.layers.selection.active = active
    for side, value in place.items():
        if not is_at(layer, side, value):
            setattr(layer, side, value)
    return layer


def is_at(layer: Layer, side: str, value: Any) -> bool:
    """Return whether a layer is placed so already: napari draws it anew each time."""
    now = getattr(layer, side)
    if side in ("units", "axis_labels"):
        return tuple(now) == tuple(value)
    return np.array_equal(getattr(now, "affine_matrix", now), value)


def unit_of(layer: Layer) -> str:
    """Return the unit of a layer's rows, "pixel" where it is unknown."""
    unit = f"{layer.units[-1]:~}" if layer.units else "pixel"
    return {"µm": "um", "px": "pixel", "": "pixel"}.get(unit, unit)
