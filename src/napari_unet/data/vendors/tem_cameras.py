"""Cameras of transmission electron microscopes: Olympus (EMSIS), TVIPS, Gatan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from napari_unet.data.calibration import Calibration, positive
from napari_unet.data.vendors.tags import plain_text, tag

OLYMPUS = 33560


def olympus(series: Any) -> Calibration | None:
    """Return what iTEM writes into tag 33560, in metres."""
    found = tag(series.keyframe, OLYMPUS)
    if not isinstance(found, Mapping):
        return None
    sizes = {axis: (found.get(f"pixelsize{axis.lower()}"), "m") for axis in "XY"}
    return Calibration.of("Olympus iTEM", sizes)


def tvips(series: Any) -> Calibration | None:
    """Return what tag 37706 says, in nanometres; None where it says nothing."""
    found = tag(series.keyframe, 37706)
    size = positive(found.get("PixelSizeX")) if isinstance(found, Mapping) else None
    if size is None:
        return None
    # Before version 2026.3.3 tifffile made metres of it.
    unit = "m" if size < 1e-6 else "nm"
    sizes = {axis: (found.get(f"PixelSize{axis}"), unit) for axis in "XY"}
    return Calibration.of("TVIPS", sizes)


def digital_micrograph(series: Any) -> Calibration | None:
    """Return what Gatan's DigitalMicrograph writes: a scale and a unit for each axis.

    Seconds along a series of images, and the inverse lengths of diffraction patterns,
    are no length.
    """
    page = series.keyframe
    if tag(page, 65003) is None or tag(page, 65009) is None:
        return None
    found = {
        # Without a unit it is uncalibrated, and the scale is 1.
        axis: (tag(page, 65009 + index), plain_text(tag(page, 65003 + index) or "-"))
        for index, axis in enumerate("XYZ")
    }
    return Calibration.of("Gatan DigitalMicrograph", found)
