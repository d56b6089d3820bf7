"""One colour for each class, wherever it is shown."""

from __future__ import annotations

import colorsys
from typing import Any

from napari.utils import DirectLabelColormap

# Of Okabe and Ito (2008), told apart by the colour-blind too; neighbours differ most.
_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#56B4E9")
_HIGHEST = 32
_NAME = "classes"


def class_color(value: int) -> str:
    """Return the colour of a class as #rrggbb, by its value in scribbles.

    That is 1 for the background, and 2 and up for the others.
    """
    if value <= len(_COLORS):
        return _COLORS[value - 1]
    # Steps of the golden section never meet a hue again.
    rgb = colorsys.hsv_to_rgb(value * 0.618034 % 1, 0.6, 0.9)
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)


def class_colormap(background: int = 0) -> DirectLabelColormap:
    """Return colours for labels, the same for a class whatever its value is.

    Parameters
    ----------
    background
        The value of the background: 1 in scribbles; 0, which is clear, elsewhere.
    """
    values = range(max(1, background), _HIGHEST)
    colors: dict[int | None, str] = {
        value: class_color(value - background + 1) for value in values
    }
    # A mask has any value.
    return _colormap(colors, "gray" if background else class_color(2))


def foreground_colormap() -> DirectLabelColormap:
    """Return the colour of the foreground for all objects."""
    return _colormap({}, class_color(2))


def is_of_classes(colormap: Any) -> bool:
    """Return whether colours were made here, and are not the user's own."""
    return isinstance(colormap, DirectLabelColormap) and colormap.name == _NAME


def _colormap(colors: dict[int | None, str], others: str) -> DirectLabelColormap:
    table: dict[int | None, str] = {0: "transparent", None: others, **colors}
    return DirectLabelColormap(color_dict=table, name=_NAME)
