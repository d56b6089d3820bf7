"""Zeiss SmartSEM, LEO before it, and ATLAS (Fibics)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from napari_unet.data.calibration import Calibration, normal_unit, positive, unit_factor
from napari_unet.data.vendors.tags import bar_height, plain_text, tag, xml_of

_SOURCE = "Zeiss SmartSEM"
_WIDTH = 1024  # of the screen that `ap_pixel_size` and the unnamed values are for


def smart_sem(series: Any) -> Calibration | None:
    """Return what tag 34118 says: the width of the picture, or the size of a pixel."""
    page = series.keyframe
    found = tag(page, 34118)
    if not isinstance(found, Mapping):
        return None
    columns = page.imagewidth
    width, unnamed = _metres(found, "ap_width"), tuple(found.get("", ()))
    size = width / columns if width else _metres(found, "ap_image_pixel_size")
    if size is None and len(unnamed) > 3 and (small := positive(unnamed[3])):
        size = small * _WIDTH / columns
    stored = re.findall(r"\d+", str(tuple(found.get("dp_image_store", ()))[1:2]))
    image = (stored[1], stored[0]) if len(stored) == 2 else (None, None)
    height = bar_height((page.imagelength, columns), image)
    return Calibration.of(_SOURCE, {"X": (size, "m")}, info_bar=height)


def atlas(series: Any) -> Calibration | None:
    """Return what ATLAS writes into tag 51023: the vectors of a pixel.

    They turn with the scan; their unit is that of the field of view.
    """
    xml = tag(series.keyframe, 51023)
    if xml is None:
        return None
    root = xml_of(plain_text(xml))
    scan = None if root is None else root.find("Scan")
    view = None if scan is None else scan.find("FOV_X")
    if scan is None or view is None:
        return Calibration.of("ATLAS metadata", {})
    # Without a unit it is no length.
    unit = view.get("units", "-")
    found = {
        axis: (math.hypot(*(_number(scan.findtext(f"{v}{a}")) for a in "xy")), unit)
        for axis, v in (("X", "U"), ("Y", "V"))
    }
    return Calibration.of("ATLAS metadata", found)


def _number(text: str | None) -> float:
    return positive(text) or 0.0


def _metres(found: Mapping[str, Any], name: str) -> float | None:
    """Return a length; the file holds its title, the value and the unit, fm to mm."""
    title_value_unit = tuple(found.get(name, ()))
    if len(title_value_unit) != 3:
        return None
    value, unit = positive(title_value_unit[1]), normal_unit(str(title_value_unit[2]))
    if value is None or unit in (None, "pixel"):
        return None
    return value * unit_factor(str(unit), "m")
