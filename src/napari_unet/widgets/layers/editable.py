"""Labels that cannot be painted on, and copies of them that can."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Labels

from napari_unet.errors import InputError
from napari_unet.widgets.layers.axes import finest, in_memory
from napari_unet.widgets.layers.looks import look_of, show_look
from napari_unet.widgets.layers.places import bring_to
from napari_unet.widgets.layers.roles import role_of, set_role
from napari_unet.words import sides

if TYPE_CHECKING:
    from napari.components import ViewerModel


def why_fixed(layer: Labels | None) -> str:
    """Return why a layer cannot be painted on or sent to; "" where it can."""
    if layer is None:
        return ""
    data, reason = layer.data, ""
    if layer.multiscale:
        reason = "has several resolutions"
    elif not in_memory(layer):
        # Of zarr, every stroke would change the file at once.
        reason = "does not lie in memory"
    elif isinstance(data, np.ndarray) and not data.flags.writeable:
        reason = "can only be read"
    elif not np.dtype(data.dtype).isnative:
        # napari's own changes would write 256 for 1.
        reason = "has numbers of another byte order"
    if reason:
        reason = f"{layer.name} {reason}: make an editable copy to change it."
    return reason


def editable_copy(viewer: ViewerModel, layer: Labels) -> Labels:
    """Copy labels into the memory, at the same place, with the same colours and names.

    Returns
    -------
    The new layer; the old one is hidden.

    Raises
    ------
    InputError
        When no memory holds so many pixels.
    """
    data = finest(layer)
    try:
        native = np.dtype(data.dtype).newbyteorder("=")
        copy = Labels(np.array(data, native), name=f"{layer.name} copy")
    except MemoryError as error:
        raise InputError(
            f"A copy of {sides(tuple(data.shape))} pixels is too large for this "
            "computer's memory: crop the labels to the part that you change."
        ) from error
    show_look(copy, look_of(layer))
    if (role := role_of(layer)) is not None:
        set_role(copy, role)
    copy.visible = True
    bring_to(copy, viewer.dims.units)
    made: Labels = viewer.add_layer(copy)
    layer.visible = False
    return made
