"""A layer to annotate in, made ready by one click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils import DirectLabelColormap

from napari_unet.config import AnnotationKind
from napari_unet.data.painted_slices import empty_labels
from napari_unet.errors import InputError
from napari_unet.widgets.layers.arrays import placed_like, plane_shape
from napari_unet.widgets.layers.axes import in_memory
from napari_unet.widgets.layers.class_colors import class_color, is_of_classes
from napari_unet.widgets.layers.marks import ROLE
from napari_unet.widgets.layers.names import short_name
from napari_unet.widgets.layers.places import bring_to
from napari_unet.widgets.layers.roles import Role
from napari_unet.words import sides

if TYPE_CHECKING:
    from napari.components import ViewerModel

# Of a new layer; they show in the status bar.
_CLASSES = ("background", "foreground")
_NAMES, _VALUES = "class", "index"
# What the value 0 is called.
_NO_CLASS = "not labelled"
_BRUSH_SHARE = 64


def add_annotations(viewer: ViewerModel, image: Image) -> Labels:
    """Lay an empty layer for scribbles over an image, with the brush in hand.

    It has the slices, Y and X of the image, its place and its units. The first class
    after the background is chosen to paint with; slices take no memory before they
    are painted on.

    Parameters
    ----------
    viewer
        The viewer with the image.
    image
        What is to be annotated.

    Returns
    -------
    napari.layers.Labels
        The layer, which is the active one.

    Raises
    ------
    InputError
        When the image is no stack, or no memory holds so many pixels.
    """
    shape = plane_shape(image)
    try:
        # Numbers of objects soon go beyond 255.
        empty = empty_labels(shape, np.uint16, lazy=not in_memory(image))
    except MemoryError as error:
        raise InputError(
            f"Annotations of {sides(shape)} pixels are too large for this computer's "
            "memory: crop the image to the part that you annotate, or load a coarser "
            "level of it."
        ) from error
    layer: Labels = viewer.add_labels(
        empty,
        name=short_name(viewer, "annotations", image),
        metadata={ROLE: Role.ANNOTATIONS},
        **placed_like(image),
    )
    # napari's brush would miss in a layer of other units.
    bring_to(layer, viewer.dims.units)
    name_classes(layer, _CLASSES)
    layer.brush_size = int(np.clip(min(shape[-2:]) // _BRUSH_SHARE, 3, 40))
    take_brush(viewer, layer, 2)
    return layer


def take_brush(viewer: ViewerModel, layer: Labels, value: int) -> None:
    """Choose what is painted with, and put the brush in the hand."""
    layer.visible = True
    layer.selected_label = value
    viewer.dims.ndisplay = 2
    viewer.layers.selection.active = layer
    layer.mode = "paint"


def class_names(layer: Labels | None) -> tuple[str, ...]:
    """Return the names of a layer's classes, background first; () without names."""
    if layer is None or _NAMES not in layer.features:
        return ()
    first, names = layer.features[_NAMES][:1], layer.features[_NAMES][1:]
    # Other programs may tell in the same column what each object is.
    return tuple(map(str, names)) if [*first] == [_NO_CLASS] else ()


def names_of_kind(layer: Labels, kind: AnnotationKind) -> tuple[str, ...]:
    """Return the names of a layer's classes, background first, as a model keeps them.

    Value 1 has the first name, and is background in scribbles alone: others have none.
    """
    return class_names(layer) if kind is AnnotationKind.SCRIBBLES else ()


def names_by_class(layer: Labels, kind: AnnotationKind | None) -> tuple[str, ...]:
    """Return the names of a layer's classes by their index; () without names.

    The class 0 of scribbles is what has the value 1; else classes are values.
    """
    names = class_names(layer)
    return names if kind is AnnotationKind.SCRIBBLES or not names else ("", *names)


def name_classes(layer: Labels, names: Sequence[str], *, colours: bool = True) -> None:
    """Give names, and colours of their own, to the values of a layer from 1.

    Colours that were given to single values stay; without `colours`, all of them. So
    do other columns of the features, of the values that have names.

    Raises
    ------
    InputError
        When a name is empty or given twice.
    """
    plain = [name.strip() for name in names]
    if not all(plain) or len(set(plain)) < len(plain):
        raise InputError("Every class needs a name of its own.")
    values, known = [*range(len(plain) + 1)], layer.features
    rows = known.set_index(_VALUES) if _VALUES in known else known
    rows = rows[~rows.index.duplicated()].reindex(values).reset_index(drop=True)
    more = rows.drop(columns=[_NAMES, _VALUES], errors="ignore")
    named = type(known)({_VALUES: values, _NAMES: [_NO_CLASS, *plain]})
    layer.features = named.join(more)
    if not colours:
        return
    colors: dict[int | None, Any] = {0: "transparent", None: "gray"}
    colors |= {value: class_color(value) for value in range(1, len(plain) + 1)}
    before = layer.colormap
    if isinstance(before, DirectLabelColormap) and not is_of_classes(before):
        colors |= before.color_dict
    layer.colormap = DirectLabelColormap(color_dict=colors)
