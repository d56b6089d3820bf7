"""Stacks that were read, as layers that lie on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_unet.data.calibration import GIVEN
from napari_unet.data.labels import whole_numbers, wide_enough
from napari_unet.data.read import coarser_levels
from napari_unet.data.stack import Stack
from napari_unet.widgets.layers.arrays import (
    image_stack,
    misfit,
    placed_as,
    placed_like,
    plane_shape,
)
from napari_unet.widgets.layers.marks import (
    AXES,
    CALIBRATED_BY,
    INFO_BAR,
    LEVEL,
    SOURCE,
)
from napari_unet.widgets.layers.places import bring_to, shape_in_space
from napari_unet.widgets.layers.roles import Role, set_role

if TYPE_CHECKING:
    from napari.components import ViewerModel

# Whether a value below 0 is one to ignore is asked when the labels are used.
_ANY = int(np.iinfo(np.int64).min)


def add_image(
    viewer: ViewerModel,
    stack: Stack,
    name: str,
    axes: str | None = None,
    level: int = 0,
) -> Image:
    """Show a stack as an image layer that knows its file.

    `axes` and `level` are those that it was read with. From OME-Zarr, the layer has
    this and all coarser levels, and reads what is looked at.
    """
    layer = Image(**image_options(stack, name, axes, level))
    set_role(layer, Role.IMAGE)
    return _add(viewer, layer)


def image_options(
    stack: Stack, name: str, axes: str | None = None, level: int = 0
) -> dict[str, Any]:
    """Return what an image layer of a stack is made with, as `add_image` makes it."""
    coarser = coarser_levels(stack.source, level, axes)
    return {
        "data": [stack.data, *coarser] if coarser else stack.data,
        "multiscale": bool(coarser),
        "name": name,
        "rgb": "S" in stack.axes,
        "metadata": {
            SOURCE: stack.source,
            CALIBRATED_BY: stack.calibration_source,
            INFO_BAR: stack.info_bar,
            AXES: axes,
            LEVEL: level,
        },
        **placed_as(stack, len(stack.axes.replace("S", ""))),
    }


def add_labels(
    viewer: ViewerModel, stack: Stack, name: str, image: Image | None, role: Role
) -> Labels:
    """Show a stack as a labels layer of a role.

    It lies on `image` where that has its shape and one of them has no pixel size.
    """
    plain = stack.single_channel(stack.as_zyx())
    # napari takes no floats for labels, and paints no truth values.
    data = np.array(whole_numbers(np.asarray(plain.data), lowest=_ANY))
    if np.dtype(plain.data.dtype).kind not in "ui":
        data = data.astype(wide_enough(np.uint8, data))
    place = placed_as(plain, data.ndim)
    if image is not None and _belongs_to(plain, image):
        data, place = data.reshape(plane_shape(image)), placed_like(image)
    if name in viewer.layers:
        name = f"{name} labels"
    layer = Labels(data, name=name, metadata={SOURCE: stack.source}, **place)
    set_role(layer, role)
    return _add(viewer, layer)


def _belongs_to(labels: Stack, image: Image) -> bool:
    """Return whether labels are of an image, of which only one has a pixel size."""
    if misfit(image) or labels.shape != shape_in_space(image):
        return False
    # Masks often come without a pixel size; the user's own is for all of an image.
    unknown = set(labels.pixel_size) == {1.0} or bool(labels.unknown_axes)
    unknown = unknown or image.metadata.get(CALIBRATED_BY) == GIVEN
    return unknown or image_stack(image).unit == "pixel"


def _add(viewer: ViewerModel, layer: Any) -> Any:
    """Add a layer in the unit of length that the viewer's layers have already."""
    if viewer.layers:
        bring_to(layer, viewer.dims.units)
    return viewer.add_layer(layer)
