"""napari's writer of OME-Zarr: an image with the labels that lie on it."""

from __future__ import annotations

from typing import Any

from napari.layers import Image, Labels, Layer

from napari_unet.data.ome_zarr_writer import write_zarr
from napari_unet.data.stack import Stack
from napari_unet.errors import InputError
from napari_unet.widgets.layers.arrays import PLACE, image_stack
from napari_unet.widgets.layers.axes import finest
from napari_unet.widgets.layers.places import lies_on


def write_layers(path: str, layers: list[tuple[Any, dict[str, Any], str]]) -> list[str]:
    """Write layers as OME-Zarr with scale, units and lower resolutions, as npe2 asks.

    Raises
    ------
    NapariUNetError
        As `write_zarr` does, when labels do not lie on the image, or the core does not
        know a layer's dimensions.
    """
    made = [Layer.create(*one) for one in layers]
    image = next((one for one in made if isinstance(one, Image)), None)
    labels = [one for one in made if isinstance(one, Labels)]
    for one in labels:
        if image is not None and not lies_on(one, image):
            raise InputError(
                f"The labels {one.name} do not lie on the image {image.name}: save "
                "them by themselves, or without it."
            )
    stack = None if image is None else image_stack(image)
    return list(write_zarr(path, stack, {one.name: _stack(one) for one in labels}))


def _stack(labels: Labels) -> Stack:
    """Return labels as a stack, through an image that lies where they do."""
    options = {name: getattr(labels, name) for name in PLACE}
    return image_stack(Image(finest(labels), **options))
