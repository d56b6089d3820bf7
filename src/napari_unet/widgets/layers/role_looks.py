"""How labels look by what they are for."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import CyclicLabelColormap, label_colormap

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import guess_kind
from napari_unet.errors import NapariUNetError
from napari_unet.project import Role
from napari_unet.widgets.layers.axes import planes
from napari_unet.widgets.layers.class_colors import (
    class_colormap,
    foreground_colormap,
    is_of_classes,
)
from napari_unet.widgets.layers.marks import NUMBERED

if TYPE_CHECKING:
    from napari.layers import Layer

_PAINT = (0.7, 0)
# The image is seen through a light fill, and a contour leaves it free.
_FILL, _CONTOUR = (0.35, 0), (1.0, 2)
_LOOKS = {
    Role.ANNOTATIONS: _PAINT,
    Role.TRUTH: _CONTOUR,
    Role.PREDICTION: _FILL,
    Role.PREVIEW: _FILL,
}


def show_role(layer: Layer, role: Role) -> None:
    """Let labels look like what they are for, where the user has not changed it.

    Predictions are light fills and ground truth is a contour of two pixels, in the
    colours of the classes; predicted objects keep colours of their own.
    """
    if not isinstance(layer, Labels) or role not in _LOOKS:
        return
    if (layer.opacity, layer.contour) in _LOOKS.values():
        layer.opacity, layer.contour = _LOOKS[role]
    color_classes(layer, role)


def color_classes(layer: Labels, role: Role) -> None:
    """Give every class its colour, where the layer has none of the user's own."""
    own = isinstance(layer.colormap, CyclicLabelColormap)
    if not own and not is_of_classes(layer.colormap):
        return
    kind = _kind_of(layer)
    if kind is not AnnotationKind.OBJECTS:
        layer.colormap = class_colormap(1 if kind is AnnotationKind.SCRIBBLES else 0)
    elif role is Role.TRUTH:
        # A contour keeps objects apart in any colour.
        layer.colormap = foreground_colormap()
    elif not own:
        layer.colormap = label_colormap()


def _kind_of(layer: Labels) -> AnnotationKind:
    """Return what the values of a layer mean, as far as it tells."""
    if NUMBERED in layer.metadata:
        numbered = layer.metadata[NUMBERED]
        return AnnotationKind.OBJECTS if numbered else AnnotationKind.CLASSES
    data: Any = layer.data
    if isinstance(data, np.ndarray):
        with contextlib.suppress(NapariUNetError):
            return guess_kind(planes(layer)).kind
    return AnnotationKind.CLASSES
