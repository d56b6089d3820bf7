"""Programs that put the pixel size into the description of the image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from napari_unet.config.structured_text import parse_json
from napari_unet.data.calibration import Calibration, positive
from napari_unet.data.vendors.tags import xml_of

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_BOX = re.compile(rf"BoundingBox((?:\s+{_NUMBER}){{6}})")
_SIGHT_X_DPI = 93  # of the screen on which the magnification holds
_INCH = 0.0254


def open_fibsem(series: Any) -> Calibration | None:
    """Return the `pixel_size` in metres of the JSON that OpenFIBSEM writes."""
    text = series.keyframe.description
    if not text.startswith("{"):
        return None
    try:
        size = parse_json(text).get("pixel_size")
    except ValueError:
        return None
    if not isinstance(size, Mapping):
        return None
    found = {"X": (size.get("x"), "m"), "Y": (size.get("y"), "m")}
    return Calibration.of("OpenFIBSEM", found)


def sight_x(series: Any) -> Calibration | None:
    """Return the pixel size of JEOL's SightX: 1/93 inch over the magnification.

    Diffraction patterns have none.
    """
    page = series.keyframe
    text = page.description
    root = xml_of(text) if "<TemReporter" in text[:200] else None
    if root is None:
        return None
    magnification = positive(root.findtext("ImageFormingSystem/SelectorValue"))
    transmission = root.findtext("Eos/EosMode") == "eosTEM"
    image = root.findtext("ImageFormingSystem/ModeString") == "MAG"
    if not (magnification and transmission and image):
        return Calibration(
            doubt="JEOL SightX says that this is no plain TEM image: the size of its "
            "pixels is unknown"
        )
    size = _INCH / _SIGHT_X_DPI / magnification
    return Calibration.of("JEOL SightX", {"X": (size, "m")})


def bounding_box(series: Any) -> Calibration | None:
    """Return the pixel size of a box that reaches from the first voxel to the last.

    Amira's lies on the centres of the voxels, and MIB's as well; a single slice counts
    as two. Neither writes the unit: MIB's is the micrometre.
    """
    page = series.keyframe
    found = _BOX.match(page.description)
    if found is None:
        return None
    low_high = [float(number) for number in found[1].split()]
    names = {"I": "Z", "Q": "Z"}
    axes = (names.get(letter, letter) for letter in series.axes)
    lengths = dict(zip(axes, series.shape, strict=True))
    sizes = {
        axis: ((high - low) / (max(lengths.get(axis, 1), 2) - 1), "um")
        for axis, low, high in zip("XYZ", low_high[::2], low_high[1::2], strict=True)
    }
    return Calibration.of(
        "BoundingBox (Amira, MIB)",
        sizes,
        doubt="its BoundingBox states no unit: um is taken, as MIB writes it",
    )
