"""The way to a place of a layer, and the box around it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Layer, Vectors

from napari_unet.widgets.layers.arrays import marked_layer, plane_shape
from napari_unet.widgets.layers.axes import spatial
from napari_unet.widgets.layers.marks import BOX
from napari_unet.widgets.layers.places import go_to_slice, to_view

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

_COLOUR = "#ffd400"
_EDGES = 40
"""Widths of its edge that a side of the box is long."""
_SHARE = 0.4
"""Of the canvas that the place takes, so that its surroundings are seen."""


def go_to(
    viewer: ViewerModel,
    like: Layer,
    centre: Sequence[float],
    size: tuple[float, float],
    name: str,
    *,
    seen: float = 0,
) -> Vectors:
    """Show a place of a layer in the middle of the canvas, with a box around it.

    The layer with the box is made where there is none; the layer that is active stays
    so, to be painted on at once.

    Parameters
    ----------
    viewer
        The viewer, or a plugin's proxy of it.
    like
        The layer in whose pixels the place is given.
    centre
        Of the place, one number for each axis in space.
    size
        Height and width of the box in pixels.
    name
        Of the layer that holds the box.
    seen
        Height and width in pixels that the canvas is made for at least.

    Returns
    -------
    The layer that holds the box, and nothing else.
    """
    box = _draw(viewer, like, np.array(centre, float), size, name)
    dims, camera = viewer.dims, viewer.scene.camera
    if dims.ndisplay != 2:
        dims.ndisplay = 2
    if dims.displayed != tuple(range(dims.ndim))[-2:]:
        dims.order = tuple(range(dims.ndim))
    point = to_view(viewer, box, centre)
    dims.set_point(range(dims.ndim)[-2:], point[-2:])
    go_to_slice(viewer, box, centre[0])
    camera.center = (0.0, *point[-2:])
    corner = np.add(centre, (0.0, *np.maximum(size, seen))[-len(centre) :])
    world = np.abs(to_view(viewer, box, corner) - point)[-2:]
    camera.zoom = _SHARE * float((np.array(viewer.canvas.size) / world).min())
    return box


def _draw(
    viewer: ViewerModel,
    like: Layer,
    centre: NDArray[np.float64],
    size: tuple[float, float],
    name: str,
) -> Vectors:
    """Draw a box of four lines: shapes and points take napari four times as long.

    Points would reach into other slices, too, and move their range.
    """
    corners = np.repeat(centre[None], 4, axis=0)
    corners[:, -2:] += np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)]) * size / 2
    sides, width = np.roll(corners, -1, axis=0) - corners, max(size) / _EDGES
    # Lines end at their ends: half a width more closes the corners.
    reach = np.sign(sides) * width / 2
    drawn = np.zeros((4, 2, len(plane_shape(like))))
    # Without what comes before its slices, such as channels.
    kept = np.array(spatial(like)) - spatial(like)[0]
    drawn[:, 0, kept] = corners - reach
    drawn[:, 1, kept] = sides + 2 * reach
    look = {"edge_color": _COLOUR, "edge_width": width, "vector_style": "line"}
    add = partial(viewer.add_vectors, drawn, opacity=1, **look)
    layer: Vectors = marked_layer(viewer, like, BOX, name, add)
    layer.data, layer.edge_width = drawn, width
    layer.visible = True
    return layer
