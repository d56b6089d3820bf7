"""Pixel sizes and their units, as the many kinds of TIFF file state them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

# Micrometres in one of each unit; the names are ones that pint reads.
_MICROMETRES = {
    "pm": 1e-6,
    "angstrom": 1e-4,
    "nm": 1e-3,
    "um": 1.0,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "inch": 25_400.0,
}
_SPELLINGS = {
    "pm": ("picometer", "picometre"),
    "angstrom": ("å", "Å".lower(), "ångström"),
    "nm": ("nanometer", "nanometre"),
    "um": ("µm", "μm", "\\u00b5m", "micron", "micrometer", "micrometre"),
    "mm": ("millimeter", "millimetre"),
    "cm": ("centimeter", "centimetre"),
    "m": ("meter", "metre"),
    "inch": ("in", "inche"),
    "pixel": ("", "px", "voxel"),
}
_UNITS = {name: unit for unit, names in _SPELLINGS.items() for name in (unit, *names)}
# Dots per inch that editors, printers and scanners write when nobody asked them to.
_PRINT_DPI = frozenset(
    {1, 72, 75, 90, 96, 100, 120, 144, 150, 180, 200, 240, 300, 350, 360}
    | {400, 600, 720, 1200, 2400}
)


@dataclass(frozen=True)
class Calibration:
    """What a file says of its pixels.

    Parameters
    ----------
    unit
        One of fm, pm, angstrom, nm, um, mm, cm, m, inch; "pixel" when unknown.
    sizes
        Size along those of "Z", "Y" and "X" that the file states.
    source
        Where that was found, such as "Zeiss SmartSEM".
    doubt
        What the file says and is not believed, or had to be assumed, in one line.
    info_bar
        Rows at the bottom that the microscope wrote on; 0 where there are none, or
        nothing is said of them.
    """

    unit: str = "pixel"
    sizes: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    doubt: str = ""
    info_bar: int = 0

    def pixel_size(self, axes: str) -> tuple[float, ...]:
        """Return one size for each spatial axis of `axes`; 1.0 where unknown."""
        return tuple(self.sizes.get(letter, 1.0) for letter in axes if letter in "ZYX")

    def unknown_axes(self, axes: str) -> str:
        """Return those of the spatial axes whose size is not stated, as others are."""
        return "".join(
            letter
            for letter in axes
            if letter in "ZYX" and self.unit != "pixel" and letter not in self.sizes
        )

    def notes(self, axes: str) -> tuple[str, ...]:
        """Return what the user should know, in single lines."""
        notes = [self.doubt] if self.doubt else []
        if "Z" in self.unknown_axes(axes):
            notes.append("how far apart its slices are is not stated: 3D asks for it")
        return tuple(notes)


def normal_unit(text: str | None) -> str | None:
    """Return the plain name of a unit of length, or None for one unknown here.

    "µm", "micron" and "micrometers" give "um"; nothing, "px" and "pixels" give "pixel".
    """
    name = (text or "").strip(" \0\"'").lower()
    return _UNITS.get(name) or _UNITS.get(name.removesuffix("s"))


def unit_factor(from_unit: str, to_unit: str) -> float:
    """Return how many of a unit make one of another; both as `normal_unit` names them.

    >>> round(unit_factor("um", "nm"))
    1000
    """
    if from_unit == to_unit:
        return 1.0
    return _MICROMETRES[from_unit] / _MICROMETRES[to_unit]


def read_calibration(tif: Any) -> Calibration:
    """Find the pixel size of an open `tifffile.TiffFile`.

    OME-XML is asked first, then ImageJ's (or tifffile's own) description, then the
    resolution tags.
    """
    if tif.is_ome:
        return _from_ome(tif.ome_metadata)
    page = tif.pages.first
    meta: Mapping[str, Any] = tif.imagej_metadata or (tif.shaped_metadata or ({},))[0]
    if "unit" in meta or "spacing" in meta:
        return _from_imagej(meta, page)
    return _from_tags(page)


def _from_ome(xml: str) -> Calibration:
    try:
        pixels = ElementTree.fromstring(xml).find(".//{*}Pixels")
    except ElementTree.ParseError:
        return Calibration()
    attributes = {} if pixels is None else pixels.attrib
    found = {
        letter: (_positive(attributes.get(f"PhysicalSize{letter}")), unit)
        for letter in "XYZ"
        if (unit := normal_unit(attributes.get(f"PhysicalSize{letter}Unit", "um")))
    }
    return _in_one_unit(found)


def _in_one_unit(found: Mapping[str, tuple[float | None, str]]) -> Calibration:
    known = {k: (size, unit) for k, (size, unit) in found.items() if size is not None}
    if not known:
        return Calibration()
    unit = next(iter(known.values()))[1]
    sizes = {
        letter: _tidy(size * unit_factor(from_unit, unit))
        for letter, (size, from_unit) in known.items()
        # A length and a count of pixels cannot be brought to one unit.
        if (from_unit == "pixel") == (unit == "pixel")
    }
    if "X" in sizes or "Y" in sizes:  # one alone speaks for both: pixels are square
        sizes = {"Y": sizes.get("X", 0.0), "X": sizes.get("Y", 0.0)} | sizes
    return Calibration(unit, sizes)


def _from_imagej(meta: Mapping[str, Any], page: Any) -> Calibration:
    unit = normal_unit(str(meta.get("unit", "")))
    spacing = _positive(meta.get("spacing"))
    if unit is None:
        return Calibration()
    if unit == "pixel":
        # The resolution is then a screen's or a printer's; the spacing is in pixels.
        plain = _from_tags(page)
        return (
            plain if plain.sizes or not spacing else Calibration(unit, {"Z": spacing})
        )
    sizes = {"Z": spacing, "Y": _resolution(page, "Y"), "X": _resolution(page, "X")}
    return Calibration(unit, {k: _tidy(size) for k, size in sizes.items() if size})


def _from_tags(page: Any) -> Calibration:
    tag = page.tags.get("ResolutionUnit")
    unit = {2: "inch", 3: "cm"}.get(int(tag.value)) if tag is not None else None
    x, y = _resolution(page, "X"), _resolution(page, "Y")
    if unit is None or x is None or y is None:
        return Calibration()
    dots = _MICROMETRES["inch"] / (x * _MICROMETRES[unit])
    # Centimetres often stand for dots per inch too: 28.35 for 72, 118.11 for 300.
    if any(math.isclose(dots, usual, rel_tol=2e-3) for usual in _PRINT_DPI):
        return Calibration()
    scale = unit_factor(unit, "um")
    return Calibration("um", {"Y": _tidy(y * scale), "X": _tidy(x * scale)})


def _resolution(page: Any, letter: str) -> float | None:
    """Return the size of a pixel in the tag's unit: the tag holds pixels per unit."""
    tag = page.tags.get(f"{letter}Resolution") or page.tags.get("XResolution")
    if tag is None:
        return None
    value = tag.value
    pixels, units = value if isinstance(value, tuple) else (value, 1)
    return _positive(units / pixels) if pixels else None


def _positive(value: Any) -> float | None:
    """Return a usable size: ImageJ counts slices downwards with negative spacing."""
    try:
        size = abs(float(value))
    except (TypeError, ValueError):
        return None
    return size if math.isfinite(size) and size > 0 else None


def _tidy(size: float) -> float:
    """Round off what the fractions of resolution tags add: 0.00400000000372."""
    return float(f"{size:.8g}")
