"""Thermo Fisher and FEI: an INI text, and in newer files XML beside it or alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_unet.data.calibration import Calibration, positive
from napari_unet.data.vendors.tags import bar_height, plain_text, tag, xml_of

_SOURCE = "Thermo Fisher metadata"
_INI, _XML = (34682, 34680), 34683
_Pair = tuple[Any, Any]


def thermo_fisher(series: Any) -> Calibration | None:
    """Return what the tags 34682, 34680 and 34683 say, in metres.

    The resolution tags of these files are a screen's, and `DatabarHeight` is 0 in some
    that have a bar: it is what lies below the rows that were scanned.
    """
    page = series.keyframe
    ini, xml = tag(page, *_INI), tag(page, _XML)
    if ini is None and xml is None:
        return None
    shape = page.imagelength, page.imagewidth
    found, image = _from_ini(ini if isinstance(ini, Mapping) else {})
    if not positive(found[0]) and xml is not None:
        found, image = _from_xml(plain_text(xml))
    sizes = dict(zip("XY", ((size, "m") for size in found), strict=True))
    return Calibration.of(_SOURCE, sizes, info_bar=bar_height(shape, image))


def _from_ini(ini: Mapping[str, Any]) -> tuple[_Pair, _Pair]:
    """Return pixel width and height, and rows and columns that were scanned."""
    image = ini.get("Image", {})
    rows, columns = image.get("ResolutionY"), image.get("ResolutionX")
    scan = str(ini.get("Beam", {}).get("Scan", ""))
    for name in ("Scan", scan, "EScan", "IScan"):
        section = ini.get(name, {})
        if positive(section.get("PixelWidth")):
            sizes = section["PixelWidth"], section.get("PixelHeight")
            return sizes, (rows, columns)
    # The navigation camera has no scan, but a field of view.
    width = positive(ini.get("IRBeam", {}).get("HFW"))
    across = positive(columns)
    size = width / across if width and across else None
    return (size, size), (rows, columns)


def _from_xml(text: str) -> tuple[_Pair, _Pair]:
    root = xml_of(text)
    if root is None:
        return (None, None), (None, None)
    # Of diffraction patterns the unit is 1/m.
    x, y = (root.find(f".//{{*}}PixelSize/{{*}}{letter}") for letter in "XY")
    rows, columns = (root.findtext(f".//{{*}}ImageSize/{{*}}{a}") for a in "YX")
    sizes = [None if e is None or e.get("unit", "m") != "m" else e.text for e in (x, y)]
    return (sizes[0], sizes[1]), (rows, columns)
