"""Errors in the viewer: layers that show them, and the way to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Layer
from napari.utils import DirectLabelColormap

from napari_unet.score.errors.error_kinds import (
    KIND_COLORS,
    KIND_NAMES,
    Error,
    ErrorKind,
    Errors,
)
from napari_unet.score.errors.error_map import PIXEL_COLORS, PIXEL_NAMES
from napari_unet.widgets.layers.arrays import placed_like
from napari_unet.widgets.layers.marks import ERRORS

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

ERRORS_LAYER, PIXELS_LAYER, MARK_LAYER = "errors", "right and wrong", "this error"
_MARK = "#ffd400"
_EDGES = 36
"""Widths of its edge that a side of the mark is long."""
_JOINT_SIDE = 24
"""Side of the mark where two parts meet, in pixels."""
_VIEW_SIDE = 48
"""Pixels that are seen around an error at least."""
_SHARE = 0.4
"""Of the canvas that the error takes."""


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
        """Return the layer that was made under a name, or None.

        A layer of the user may be called the same; it is never touched.
        """
        made = (one for one in self._viewer.layers if one.metadata.get(ERRORS) == name)
        return next(made, None)

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

    def remove(self) -> None:
        """Take away all layers that were made."""
        for name in (ERRORS_LAYER, PIXELS_LAYER, MARK_LAYER):
            layer = self.layer(name)
            if layer is not None:
                self._viewer.layers.remove(layer)

    def go_to(self, error: Error, errors: Errors, like: Labels) -> None:
        """Show an error in the middle of the canvas, with a square around it.

        The layer that is active stays so.
        """
        extent = _extent(error, errors)
        centre = np.array(error.centre[-like.ndim :], float)
        mark = self._mark(centre, extent, like)
        dims = self._viewer.dims
        dims.ndisplay = 2
        if dims.displayed != tuple(range(dims.ndim))[-2:]:
            dims.order = tuple(range(dims.ndim))
        point = mark.data_to_world(centre)
        dims.set_point(range(dims.ndim)[-len(point) :], point)
        camera = self._viewer.scene.camera
        camera.center = (0.0, *point[-2:])
        pixel = float(np.abs(mark.scale[-2:]).max())
        side = max(extent, _VIEW_SIDE) * pixel
        camera.zoom = _SHARE * min(self._viewer.canvas.size) / side

    def _mark(self, centre: NDArray[np.float64], side: float, like: Labels) -> Any:
        """Draw a square; points would reach into other slices and move their range."""
        half = side / 2
        turns = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)]) * half
        corners = np.repeat(centre[None], 4, axis=0)
        corners[:, -2:] += turns
        layer = self.layer(MARK_LAYER)
        if layer is not None and layer.ndim != centre.size:
            self._viewer.layers.remove(layer)
            layer = None
        if layer is None:
            active = self._viewer.layers.selection.active
            layer = self._viewer.add_shapes(
                ndim=centre.size,
                name=MARK_LAYER,
                opacity=1,
                metadata={ERRORS: MARK_LAYER},
                **placed_like(like),
            )
            self._viewer.layers.selection.active = active
            # A square that slips under the brush would point to somewhere else.
            layer.editable = False
        _put(layer, like)
        layer.data = []
        layer.add(
            corners,
            shape_type="polygon",
            edge_color=_MARK,
            face_color="transparent",
            edge_width=side / _EDGES,
        )
        layer.visible = True
        return layer

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
        shown = data.reshape(np.shape(like.data))
        table: dict[Any, str] = {None: "transparent", 0: "transparent", **colours}
        layer = self.layer(name)
        if layer is not None and layer.ndim != shown.ndim:
            self._viewer.layers.remove(layer)
            layer = None
        if layer is None:
            active = self._viewer.layers.selection.active
            layer = self._viewer.add_labels(
                shown,
                name=name,
                opacity=opacity,
                metadata={ERRORS: name},
                **placed_like(like),
            )
            self._viewer.layers.selection.active = active
            # What is shown is what was counted, not a drawing.
            layer.editable = False
        else:
            layer.data = shown
        _put(layer, like)
        layer.colormap = DirectLabelColormap(color_dict=table)
        layer.features = columns
        return layer


def _put(layer: Layer, like: Labels) -> None:
    for name, value in placed_like(like).items():
        setattr(layer, name, value)


def _extent(error: Error, errors: Errors) -> float:
    """Return the side of a square around the centre that holds what is seen."""
    if error.kind in {ErrorKind.MERGE, ErrorKind.SPLIT}:
        return _JOINT_SIDE
    z, *centre = error.centre
    rows, columns = error.box[1:]
    here = np.argwhere(errors.objects[z, rows, columns] == error.number)
    away = here + np.array([rows.start, columns.start]) - centre
    return 2.0 * float(np.abs(away).max(initial=0)) + 8
