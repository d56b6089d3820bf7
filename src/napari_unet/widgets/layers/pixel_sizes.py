"""The pixel sizes of layers: what they are, where they come from, and another one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_unet.data.calibration import Calibration, normal_unit
from napari_unet.errors import InputError
from napari_unet.widgets.layers.axes import axes_of
from napari_unet.widgets.layers.marks import CALIBRATED_BY
from napari_unet.widgets.layers.places import axis_sizes, lies_on, stay_at

if TYPE_CHECKING:
    from napari.components import ViewerModel


def calibration_of(layer: Layer) -> Calibration:
    """Return the pixel size of a layer, and where it was found.

    An axis without a unit is one of unknown size, where others have one.

    Raises
    ------
    InputError
        When the layer has dimensions that the core does not know.
    """
    found = {
        letter: (size, _unit(unit))
        for letter, size, unit in zip(
            axes_of(layer), axis_sizes(layer), layer.units, strict=True
        )
        if letter in "ZYX"
    }
    known = Calibration.of(layer.metadata.get(CALIBRATED_BY, ""), found)
    return known if known.unit != "pixel" else replace(known, source="")


def calibrate(viewer: ViewerModel, layer: Layer, given: Calibration) -> list[str]:
    """Give a layer, and all that lie on it, another pixel size; the view stays.

    Returns
    -------
    Their names.
    """
    alike = [one for one in viewer.layers if one == layer or _follows(one, layer)]
    with stay_at(viewer, layer):
        for one in alike:
            _calibrate(one, given)
    return [one.name for one in alike]


def _calibrate(layer: Layer, given: Calibration) -> None:
    scale, units = np.array(layer.scale, float), [str(unit) for unit in layer.units]
    sizes, letters = axis_sizes(layer), _letters(layer)
    if given.axes_of(letters) != letters:
        letters = given.axes_of(letters)
        layer.axis_labels = tuple(
            "z" if letter == "Z" else label
            for letter, label in zip(letters, layer.axis_labels, strict=True)
        )
    for axis, letter in enumerate(letters):
        if letter in "ZYX":
            known = letter in given.sizes
            # An affine transform may make part of the size, and stays.
            rest = float(f"{sizes[axis] / abs(scale[axis]):.7g}")
            scale[axis] = np.copysign(given.sizes.get(letter, 1.0) / rest, scale[axis])
            units[axis] = given.unit if known else "pixel"
    growth = scale / np.asarray(layer.scale)
    # A place is counted in pixels: a crop stays where it was cut out.
    layer.translate = np.asarray(layer.translate) * growth
    layer.scale = scale
    affine = np.array(layer.affine.affine_matrix)
    if affine[:-1, -1].any():
        affine[:-1, -1] *= growth
        layer.affine = affine
    layer.units = units
    layer.metadata[CALIBRATED_BY] = given.source


def _letters(layer: Layer) -> str:
    """Return the axes of a layer: of points or tracks, the last ones where unknown."""
    try:
        return axes_of(layer)
    except InputError:
        return "ZYX".rjust(layer.ndim, "_")


def _follows(layer: Layer, other: Layer) -> bool:
    """Return whether a layer lies on another; what has no pixels, by its scale."""
    if isinstance(layer, Image | Labels):
        return lies_on(layer, other)
    ndim = min(layer.ndim, other.ndim)
    same_units = layer.units[-ndim:] == other.units[-ndim:]
    return same_units and np.allclose(layer.scale[-ndim:], other.scale[-ndim:])


def _unit(unit: Any) -> str:
    return normal_unit(str(unit)) or "pixel"
