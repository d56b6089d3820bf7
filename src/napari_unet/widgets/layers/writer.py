"""napari's writer of OME-Zarr: an image with the labels that lie on it."""

from __future__ import annotations

from typing import Any

from napari.layers import Image, Labels, Layer

from napari_unet.data.ome_zarr_writer import write_zarr
from napari_unet.data.stack import Stack
from napari_unet.widgets.layers.arrays import image_stack
from napari_unet.widgets.layers.axes import finest


def write_layers(path: str, layers: list[tuple[Any, dict[str, Any], str]]) -> list[str]:
    """Write layers as OME-Zarr with scale, units and lower resolutions, as npe2 asks.

    Raises
    ------
    NapariUNetError
        As `write_zarr` does, or when the core does not know a layer's dimensions.
    """
    image: Stack | None = None
    labels: dict[str, Stack] = {}
    for data, options, kind in layers:
        layer = Layer.create(data, options, kind)
        if isinstance(layer, Labels):
            labels[layer.name] = _stack(layer)
        elif isinstance(layer, Image):
            image = image_stack(layer)
    return list(write_zarr(path, image, labels))


def _stack(labels: Labels) -> Stack:
    """Return labels as a stack, through an image that lies where they do."""
    place = ("scale", "units", "axis_labels")
    options = {name: getattr(labels, name) for name in place}
    return image_stack(Image(finest(labels), **options))
