"""How a layer lies and looks, as values that a file can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import DirectLabelColormap

from napari_unet.config import AnnotationKind, Coverage
from napari_unet.data.addresses import is_address
from napari_unet.errors import InputError
from napari_unet.widgets.layers.annotations import class_names, name_classes
from napari_unet.widgets.layers.arrays import PLACE, is_at
from napari_unet.widgets.layers.marks import CALIBRATED_BY, MEANING, SOURCE
from napari_unet.widgets.layers.review_marks import keep_reviewed, reviewed_of

NAMES = "class_names"
"""Key in the place and the look of a layer: names of its classes, background first."""
_CALIBRATED_BY = "calibrated_by"
_REVIEWED = "reviewed"
_MEANING = "meaning"
_UNKNOWN = (None, Coverage())
_MATRICES = ("rotate", "shear", "affine")
_SHOWN = ("opacity", "blending", "visible")
# The colours last: napari may not know them any more.
_GREY = ("gamma", "contrast_limits", "colormap")
# The colour of every label that has none of its own.
_OTHERS = "others"


def source_of(layer: Layer) -> Path | None:
    """Return the file, folder or address that a layer was read from, or None."""
    path = layer.metadata.get(SOURCE) or layer.source.path
    if path is None or is_address(path):
        return None if path is None else Path(path)
    return Path(path).absolute()


def place_of(layer: Layer) -> dict[str, Any]:
    """Return what places a layer, and names and meaning of its classes, in words."""
    numbers = ("scale", "translate", "rotate", "shear")
    place: dict[str, Any] = {
        name: np.asarray(getattr(layer, name), float).tolist() for name in numbers
    }
    place["affine"] = np.asarray(layer.affine.affine_matrix, float).tolist()
    place["units"] = [str(unit) for unit in layer.units]
    place["axis_labels"] = [str(label) for label in layer.axis_labels]
    if isinstance(layer, Labels) and class_names(layer):
        place[NAMES] = list(class_names(layer))
    # What nobody chose is no news: the same labels would be kept once more.
    if layer.metadata.get(MEANING, _UNKNOWN) != _UNKNOWN:
        place[_MEANING] = _in_words(layer.metadata[MEANING])
    return place


def meaning_in(place: dict[str, Any]) -> dict[str, Any]:
    """Return what the metadata of labels tell of kind and coverage, as was chosen.

    Raises
    ------
    ValueError, TypeError, InputError
        When it is none that there is.
    """
    if _MEANING not in place:
        return {}
    kind, coverage = place[_MEANING]
    return {MEANING: (kind and AnnotationKind(kind), Coverage.model_validate(coverage))}


def look_of(layer: Layer) -> dict[str, Any]:
    """Return place, colours, visibility and marks of an image or labels layer."""
    look = {**place_of(layer), **{name: getattr(layer, name) for name in _SHOWN}}
    look["opacity"] = float(layer.opacity)
    look[_CALIBRATED_BY] = layer.metadata.get(CALIBRATED_BY, "")
    look["blending"] = str(layer.blending)
    if isinstance(layer, Labels):
        look |= _label_colours(layer)
        if MEANING in layer.metadata:
            look[_MEANING] = _in_words(layer.metadata[MEANING])
        if any(reviewed_of(layer).values()):
            look[_REVIEWED] = reviewed_of(layer)
    elif isinstance(layer, Image) and not layer.rgb:
        look["colormap"] = str(layer.colormap.name)
        look["gamma"] = float(layer.gamma)
        look["contrast_limits"] = [float(one) for one in layer.contrast_limits]
    return look


def options(place: dict[str, Any], ndim: int) -> dict[str, Any]:
    """Return arguments that make a layer of `ndim` dimensions lie as `place` says.

    Empty where it was a layer of other dimensions.
    """
    if len(place.get("scale", ())) != ndim:
        return {}
    return {
        name: (np.asarray if name in _MATRICES else tuple)(place[name])
        for name in PLACE
        if name in place
    }


def show_look(layer: Layer, look: dict[str, Any]) -> None:
    """Make a layer lie and look as `look_of` told.

    Raises
    ------
    ValueError, TypeError, KeyError, InputError
        When a value is none that napari takes, or a class has the name of another.
    """
    for name, value in options(look, layer.ndim).items():
        if not is_at(layer, name, value):
            setattr(layer, name, value)
    if _CALIBRATED_BY in look:
        layer.metadata[CALIBRATED_BY] = look[_CALIBRATED_BY]
    shown: tuple[str, ...] = _SHOWN
    if isinstance(layer, Labels):
        if NAMES in look:
            name_classes(layer, look[NAMES], colours=False)
        _colour_labels(layer, look)
        if _REVIEWED in look:
            keep_reviewed(layer, look[_REVIEWED])
        layer.metadata.update(meaning_in(look))
    elif isinstance(layer, Image) and not layer.rgb:
        shown += _GREY
    for name in shown:
        if name in look and getattr(layer, name) != look[name]:
            _show(layer, name, look[name])


def _show(layer: Layer, name: str, value: Any) -> None:
    try:
        setattr(layer, name, value)
    except KeyError as error:
        raise InputError(f"napari has no colours called {value}") from error


def _in_words(meaning: tuple[AnnotationKind | None, Coverage]) -> list[Any]:
    kind, coverage = meaning
    return [kind and str(kind), coverage.model_dump(mode="json")]


def _label_colours(layer: Labels) -> dict[str, Any]:
    colormap = layer.colormap
    if not isinstance(colormap, DirectLabelColormap):
        return {"seed": float(colormap.seed)}
    colours = colormap.color_dict.items()
    return {
        "colors": {
            _OTHERS if label is None else str(label): np.asarray(rgba, float).tolist()
            for label, rgba in colours
        }
    }


def _colour_labels(layer: Labels, look: dict[str, Any]) -> None:
    if "colors" in look:
        colours = {
            None if label == _OTHERS else int(label): np.asarray(rgba, float)
            for label, rgba in look["colors"].items()
        }
        layer.colormap = DirectLabelColormap(color_dict=colours)
    elif "seed" in look and not isinstance(layer.colormap, DirectLabelColormap):
        layer.colormap = layer.colormap.model_copy(update={"seed": look["seed"]})
