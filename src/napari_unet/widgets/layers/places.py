"""Where the viewer is, in the pixels of a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Layer

from napari_unet.widgets.layers.arrays import finest, spatial

if TYPE_CHECKING:
    from napari.components import ViewerModel


def current_slice(viewer: ViewerModel, layer: Layer) -> int:
    """Return the index of the slice that the viewer shows of `layer`."""
    axes = spatial(layer)
    if len(axes) < 3:
        return 0
    point = layer.world_to_data(viewer.dims.point[-layer.ndim :])
    data = finest(layer) if isinstance(layer, Image) else layer.data
    return int(np.clip(round(float(point[axes[0]])), 0, data.shape[axes[0]] - 1))
