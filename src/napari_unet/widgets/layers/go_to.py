"""The way to a place of the image, and the box around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Shapes

from napari_unet.widgets.layers.arrays import placed_like, spatial

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_unet.predict.suggest import Suggestion

BOX_LAYER = "annotate here"
_COLOUR = "#ffd400"
_MARGIN = 0.55
"""Share of the canvas around the box, so that its surroundings are seen."""
_EDGE_SHARE = 1 / 48
"""Width of the edge, as a share of the side of the box."""


def go_to(viewer: ViewerModel, image: Image, place: Suggestion) -> Shapes:
    """Show a place of an image in the middle of the canvas, with a box around it.

    The layer with the box is made where there is none; the layer that is active stays
    so, to be painted on at once.

    Parameters
    ----------
    viewer
        The viewer, or a plugin's proxy of it.
    image
        The layer in whose pixels the place is given.
    place
        Slice, rows and columns.

    Returns
    -------
    The layer that holds the box, and nothing else.
    """
    active = viewer.layers.selection.active
    corners = _corners(place, len(spatial(image)))
    layer = _box_layer(viewer, image, corners)
    viewer.layers.selection.active = active
    if viewer.dims.ndisplay != 2:
        viewer.dims.ndisplay = 2
    if viewer.dims.displayed != tuple(range(viewer.dims.ndim))[-2:]:
        viewer.dims.order = tuple(range(viewer.dims.ndim))
    point = layer.data_to_world(corners.mean(axis=0))
    viewer.dims.set_point(range(viewer.dims.ndim)[-len(point) :], point)
    viewer.fit_to_view(layers=[layer], margin=_MARGIN)
    return layer


def _corners(place: Suggestion, ndim: int) -> NDArray[np.float64]:
    """Return the corners of a box in data coordinates, (4, ndim)."""
    # Pixels reach half a pixel beyond their middle.
    top, left = (part.start - 0.5 for part in place.box)
    bottom, right = (part.stop - 0.5 for part in place.box)
    plane = [(top, left), (top, right), (bottom, right), (bottom, left)]
    return np.array([(place.z, *corner)[-ndim:] for corner in plane], float)


def _box_layer(
    viewer: ViewerModel, image: Image, corners: NDArray[np.float64]
) -> Shapes:
    width = _EDGE_SHARE * float(np.ptp(corners, axis=0)[-2:].max())
    old = next((one for one in viewer.layers if one.name == BOX_LAYER), None)
    if isinstance(old, Shapes) and old.ndim == corners.shape[1]:
        for name, value in placed_like(image).items():
            setattr(old, name, value)
        old.data = [corners]
        old.edge_width = width
        old.visible = True
        return old
    layer: Shapes = viewer.add_shapes(
        [corners],
        shape_type="polygon",
        name=BOX_LAYER,
        edge_color=_COLOUR,
        face_color="transparent",
        edge_width=width,
        **placed_like(image),
    )
    # A box that slips under the brush would point to somewhere else.
    layer.editable = False
    return layer
