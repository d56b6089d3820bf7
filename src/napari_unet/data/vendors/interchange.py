"""What programs of all kinds read and write: OME-XML, ImageJ, resolution tags."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from napari_unet.data.calibration import Calibration, normal_unit, positive, unit_factor
from napari_unet.data.vendors.tags import xml_of

_LARGEST = 10.0  # micrometres: a larger pixel is a screen's or a printer's
# What converters make micrometres of.
_PRINT_DPI = (72, 96, 150, 300, 600)


def ome_xml(series: Any) -> Calibration | None:
    """Return the physical sizes of OME-XML, in micrometres where it does not say."""
    tif = series.keyframe.parent
    if not tif.is_ome:
        return None
    root = xml_of(tif.ome_metadata)
    if root is None:
        return None
    pixels = root.find(".//{*}Pixels")
    attributes = {} if pixels is None else pixels.attrib
    found = {
        axis: (
            attributes.get(f"PhysicalSize{axis}"),
            attributes.get(f"PhysicalSize{axis}Unit", "um"),
        )
        for axis in "XYZ"
    }
    calibration = Calibration.of("OME-XML", found)
    if not calibration.sizes:
        return None
    if calibration.unit == "pixel":
        return calibration
    inch = unit_factor("inch", calibration.unit)
    dots = inch / calibration.sizes["X"]
    if any(math.isclose(dots, usual, rel_tol=1e-4) for usual in _PRINT_DPI):
        return Calibration(doubt=_dots(dots))
    return calibration


def imagej(series: Any) -> Calibration | None:
    """Return the unit and spacing of ImageJ's or tifffile's description.

    Its resolution tags count pixels in that unit; where it has no unit, or has inches
    or centimetres, they may be a screen's.
    """
    page = series.keyframe
    tif = page.parent
    meta: Mapping[str, Any] = tif.imagej_metadata or (tif.shaped_metadata or ({},))[0]
    if "unit" not in meta and "spacing" not in meta:
        return None
    units = {axis: str(meta.get(f"{axis.lower()}unit", "")) for axis in "YZ"}
    unit = str(meta.get("unit", ""))
    spacing = positive(meta.get("spacing"))
    if normal_unit(unit) == "pixel":
        # The resolution is then a screen's or a printer's; the spacing is in pixels.
        plain = resolution_tags(series)
        if (plain and plain.sizes) or not spacing:
            return plain
        return Calibration.of("ImageJ", {"X": (1, "pixel"), "Z": (spacing, "pixel")})
    x, y = resolution(page, "X"), resolution(page, "Y")
    found = {
        "X": (x, unit),
        "Y": (y, units["Y"] or unit),
        "Z": (spacing, units["Z"] or unit),
    }
    if x and normal_unit(unit) in ("inch", "cm"):
        dots = unit_factor("inch", str(normal_unit(unit))) / x
        if _too_large(dots):
            return Calibration(doubt=_dots(dots))
    calibration = Calibration.of("ImageJ", found)
    if calibration.sizes:
        return calibration
    said = f'the unit "{unit}", which is no length'
    if normal_unit(unit) is not None:
        said = f"the unit {unit}, but no resolution"
    return Calibration(doubt=f"ImageJ states {said}: set the pixel size")


def resolution_tags(series: Any) -> Calibration | None:
    """Return the resolution in inches or centimetres, where a microscope may say so."""
    page = series.keyframe
    tag = page.tags.get("ResolutionUnit")
    unit = {2: "inch", 3: "cm"}.get(int(tag.value)) if tag is not None else None
    x, y = resolution(page, "X"), resolution(page, "Y")
    if unit is None or x is None or y is None:
        return None
    dots = unit_factor("inch", unit) / x
    if _too_large(dots):
        return Calibration(doubt=_dots(dots))
    scale = unit_factor(unit, "um")
    found = {"X": (x * scale, "um"), "Y": (y * scale, "um")}
    return Calibration.of("resolution tags", found)


def resolution(page: Any, letter: str) -> float | None:
    """Return the size of a pixel in the tag's unit: the tag holds pixels per unit."""
    tag = page.tags.get(f"{letter}Resolution") or page.tags.get("XResolution")
    if tag is None:
        return None
    value = tag.value
    pixels, units = value if isinstance(value, tuple) else (value, 1)
    return positive(units / pixels) if pixels else None


def _too_large(dots: float) -> bool:
    return unit_factor("inch", "um") / dots >= _LARGEST


def _dots(dots: float) -> str:
    return (
        f"the file says {dots:.4g} dots per inch, as for screens and printers: set the "
        "pixel size"
    )
