"""Short names of the layers that are made here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from napari_unet.widgets.layers.roles import is_picture

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

_LONGEST = 24


def short_name(viewer: ViewerModel, what: str, of: Layer | None) -> str:
    """Return what a layer shows; of which image, only where there are several.

    Parameters
    ----------
    viewer
        The viewer that gets the layer.
    what
        Such as "prediction".
    of
        The image that it belongs to, if it does to one.
    """
    others = (one for one in viewer.layers if is_picture(one) and one != of)
    if of is None or next(others, None) is None:
        return what
    name = of.name
    if len(name) > _LONGEST:
        half = (_LONGEST - 1) // 2
        # Names of one series often differ at the end.
        name = f"{name[:half]}…{name[-half:]}"
    return f"{name} {what}"


def keeps_name(layer: Layer, what: str) -> bool:
    """Return whether a layer has the name that `short_name` gave it.

    Under another one the user keeps it: it is not changed any more.
    """
    return re.search(rf"\b{what}( \[\d+\])?$", layer.name) is not None
