"""Masks that napari has opened as images, and labels made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Labels

from napari_unet.data.labels import whole_numbers, wide_enough
from napari_unet.widgets.layers.arrays import (
    image_stack,
    misfit,
    placed_like,
    plane_shape,
)
from napari_unet.widgets.layers.marks import PROBABILITY_OF, SOURCE
from napari_unet.widgets.layers.places import bring_to
from napari_unet.widgets.layers.roles import Role, role_of, set_role

if TYPE_CHECKING:
    from napari.components import ViewerModel

_FEW = 16
"""Values that a mask has at most; grey values are many more."""
_STEP = 4


def looks_like_mask(layer: object) -> bool:
    """Return whether an image holds a few whole numbers, which are no grey values.

    Every fourth pixel of a slice in the middle is looked at, and of one a quarter
    further on.
    """
    if not isinstance(layer, Image) or layer.rgb or misfit(layer):
        return False
    if PROBABILITY_OF in layer.metadata or role_of(layer) not in (None, Role.IMAGE):
        return False
    data = image_stack(layer)
    if data.num_channels > 1:
        return False
    slices = data.as_zyx()
    count = slices.shape[0]
    places = {count // 2, 3 * count // 4}
    seen = [np.asarray(slices[z, ::_STEP, ::_STEP]) for z in places]
    values = np.unique(np.concatenate([one.ravel() for one in seen]))
    if not 1 < values.size <= _FEW:
        return False
    return bool(np.all(values == np.round(values)) and values[0] >= 0)


def labels_of_mask(viewer: ViewerModel, mask: Image) -> Labels:
    """Show a mask as labels that lie where it lies; the image is hidden.

    Raises
    ------
    InputError
        When it holds anything but whole numbers.
    """
    data = whole_numbers(np.asarray(image_stack(mask).as_zyx()))
    # napari paints no truth values.
    data = data.astype(wide_enough(np.uint8, data)).reshape(plane_shape(mask))
    made = Labels(
        data,
        name=f"{mask.name} labels",
        metadata={SOURCE: mask.metadata.get(SOURCE)},
        **placed_like(mask),
    )
    set_role(made, Role.TRUTH)
    # It is no image any more, for any dock.
    set_role(mask, Role.TRUTH)
    mask.visible = False
    bring_to(made, viewer.dims.units)
    layer: Labels = viewer.add_layer(made)
    return layer
