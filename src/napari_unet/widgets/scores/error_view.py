"""Errors in the viewer: layers that show them, and the way to one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Vectors
from napari.utils import DirectLabelColormap

from napari_unet.score.errors.error_kinds import KIND_COLORS, KIND_NAMES, Error, Errors
from napari_unet.score.errors.error_map import PIXEL_COLORS, PIXEL_NAMES
from napari_unet.widgets.layers.arrays import find_marked, marked_layer, plane_shape
from napari_unet.widgets.layers.axes import spatial
from napari_unet.widgets.layers.go_to import go_to
from napari_unet.widgets.layers.marks import BOX, ERRORS
from napari_unet.widgets.layers.undo import replace_data

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

ERRORS_LAYER, PIXELS_LAYER, MARK_LAYER = "errors", "right and wrong", "this error"
MADE = ((ERRORS, ERRORS_LAYER), (ERRORS, PIXELS_LAYER), (BOX, MARK_LAYER))
_VIEW_SIDE = 48
"""Pixels that are seen around an error at least."""


class ErrorView:
    """Shows the errors of a prediction over it.

    Parameters
    ----------
    viewer
        The viewer, or a plugin's proxy of it.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer

    def layer(self, name: str) -> Any:
        """Return the layer that was made under a name, or None."""
        return find_marked(self._viewer, ERRORS, name)

    def show_errors(self, errors: Errors, like: Labels) -> Labels:
        """Show errors in the colours of their kinds."""
        colours = {error.number: KIND_COLORS[error.kind] for error in errors.errors}
        columns: dict[str, list[Any]] = {
            "index": [0, *(error.number for error in errors.errors)],
            "error": ["none", *(KIND_NAMES[error.kind] for error in errors.errors)],
            "pixels": [0, *(error.pixels for error in errors.errors)],
        }
        return self._show(ERRORS_LAYER, errors.objects, like, colours, columns, 0.6)

    def show_pixels(self, pixels: NDArray[np.uint8], like: Labels) -> Labels:
        """Show which pixels are right, too much and missed."""
        columns: dict[str, list[Any]] = {
            "index": [0, *PIXEL_NAMES],
            "pixel": ["true negative, or not annotated", *PIXEL_NAMES.values()],
        }
        return self._show(PIXELS_LAYER, pixels, like, PIXEL_COLORS, columns, 0.8)

    def remove(self, key: str, name: str) -> None:
        """Take away a layer that was made, where it is there."""
        layer = find_marked(self._viewer, key, name)
        if layer is not None:
            self._viewer.layers.remove(layer)

    def go_to(self, error: Error, errors: Errors, like: Labels) -> Vectors:
        """Show an error in the middle of the canvas, with a square around it.

        The layer that is active stays so. The one with the square is returned.
        """
        side = errors.extent(error)
        centre = error.centre[-len(spatial(like)) :]
        size = side, side
        return go_to(self._viewer, like, centre, size, MARK_LAYER, seen=_VIEW_SIDE)

    def _lay_below_mark(self, layer: Labels) -> None:
        layers, mark = self._viewer.layers, find_marked(self._viewer, BOX, MARK_LAYER)
        if mark is not None and layers.index(mark) < layers.index(layer):
            layers.move(layers.index(layer), layers.index(mark))

    def _show(
        self,
        name: str,
        data: NDArray[Any],
        like: Labels,
        colours: dict[int, str],
        columns: dict[str, list[Any]],
        opacity: float,
    ) -> Labels:
        """Show labels in a layer of its own, made where there is none."""
        shown = data.reshape(plane_shape(like))
        table: dict[Any, str] = {None: "transparent", 0: "transparent", **colours}
        look = {"colormap": DirectLabelColormap(color_dict=table), "features": columns}
        add = partial(self._viewer.add_labels, shown, opacity=opacity, **look)
        layer: Labels = marked_layer(self._viewer, like, ERRORS, name, add)
        if layer.data is shown:
            self._lay_below_mark(layer)
        else:
            replace_data(layer, shown)
            for part, value in look.items():
                setattr(layer, part, value)
        # Shown is what was counted, not a drawing.
        layer.editable = False
        return layer
