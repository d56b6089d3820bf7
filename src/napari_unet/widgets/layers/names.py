"""Short names of the layers that are made here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image

from napari_unet.widgets.layers.marks import MADE_FOR, PROBABILITY_OF

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
    others = (one for one in viewer.layers if _is_image(one) and one != of)
    if of is None or next(others, None) is None:
        return what
    name = of.name
    if len(name) > _LONGEST:
        half = (_LONGEST - 1) // 2
        # Names of one series often differ at the end.
        name = f"{name[:half]}…{name[-half:]}"
    return f"{name} {what}"


def _is_image(layer: Layer) -> bool:
    """Return whether a layer holds an image rather than what was made of one."""
    made = MADE_FOR in layer.metadata or PROBABILITY_OF in layer.metadata
    return isinstance(layer, Image) and not made
