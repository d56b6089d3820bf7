"""Stacks that were read, as layers that lie on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels

from napari_unet.data.labels import whole_numbers, wide_enough
from napari_unet.data.stack import Stack
from napari_unet.widgets.layers.arrays import placed_as
from napari_unet.widgets.layers.marks import CALIBRATED_BY, INFO_BAR, SOURCE

if TYPE_CHECKING:
    from napari.components import ViewerModel

# Whether a value below 0 is one to ignore is asked when the labels are used.
_ANY = int(np.iinfo(np.int64).min)


def add_image(viewer: ViewerModel, stack: Stack, name: str, **options: Any) -> Image:
    """Show a stack as an image layer that knows its file."""
    return viewer.add_image(stack.data, **{**image_options(stack, name), **options})


def image_options(stack: Stack, name: str) -> dict[str, Any]:
    """Return what an image layer of a stack is made with, beside its data."""
    return {
        "name": name,
        "rgb": "S" in stack.axes,
        "metadata": {
            SOURCE: stack.source,
            CALIBRATED_BY: stack.calibration_source,
            INFO_BAR: stack.info_bar,
        },
        **placed_as(stack, len(stack.axes.replace("S", ""))),
    }


def add_labels(
    viewer: ViewerModel, stack: Stack, name: str, image: Image | None
) -> Labels:
    """Show a stack as a labels layer, of the pixel size of `image` if it has none."""
    plain = stack.single_channel(stack.as_zyx())
    # napari takes no floats for labels, and paints no truth values.
    data = np.array(whole_numbers(np.asarray(plain.data), lowest=_ANY))
    if np.dtype(plain.data.dtype).kind not in "ui":
        data = data.astype(wide_enough(np.uint8, data))
    place = placed_as(plain, data.ndim)
    unknown = set(plain.pixel_size) == {1.0} or plain.unknown_axes
    if image is not None and unknown:
        # Masks often come without a pixel size; they belong to the image.
        place["scale"] = tuple(image.scale)[-data.ndim :]
        place["units"] = tuple(image.units)[-data.ndim :]
    if name in viewer.layers:
        name = f"{name} labels"
    return viewer.add_labels(data, name=name, metadata={SOURCE: stack.source}, **place)
