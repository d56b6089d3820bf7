"""What the readers of this room hand over, and how it becomes a stack."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from napari_unet.data.calibration import Calibration, normal_unit
from napari_unet.data.dimensions import arrange
from napari_unet.data.tiff import Loaded

# Along each axis a size, as the file states it, and the name of its unit.
Sizes = Mapping[str, tuple[Any, str]]


class Held(NamedTuple):
    """What a file holds, as it holds it.

    Parameters
    ----------
    data, axes
        The array, and a letter for each of its dimensions.
    source
        Where its pixel size is found, such as "MRC header".
    sizes
        Size and unit along those axes of which they are stated.
    notes
        How it was understood, in single lines.
    """

    data: Any
    axes: str
    source: str
    sizes: Sizes
    notes: tuple[str, ...] = ()


def arranged(path: Path, held: Held, wanted: str | None = None) -> Loaded:
    """Bring dimensions into order, as `arrange` does, and sizes to one unit.

    The only slice of a series is dropped.
    """
    data, axes = held.data, held.axes
    if wanted is None and "T" in axes and "Z" in axes:
        place = axes.index("Z")
        if data.shape[place] == 1:
            data, axes = data.squeeze(place), axes.replace("Z", "")
    data, axes, doubts = arrange(path, data, axes, wanted)
    stated = {
        letter: (size, unit)
        for letter, (value, unit) in held.sizes.items()
        if letter in axes and letter in "XYZ" and (size := _size(value))
    }
    known = _calibration(held.source, stated)
    return Loaded(data, axes, known, held.notes + doubts)


def _calibration(source: str, stated: Mapping[str, tuple[float, str]]) -> Calibration:
    units = [unit for letter, (_, unit) in stated.items() if letter in "XY"]
    if not units:
        return Calibration()
    if {normal_unit(unit) for unit in units} == {"pixel"}:
        return _without_unit({letter: size for letter, (size, _) in stated.items()})
    strange = [unit for unit in units if normal_unit(unit) is None]
    doubt = (
        f"its pixels are stated in {strange[0]}, which is no length: set the pixel size"
        if strange
        else ""
    )
    return Calibration.of(source, stated, doubt=doubt)


def _without_unit(sizes: Mapping[str, float]) -> Calibration:
    """Keep what sizes without a unit still say: how they relate to each other."""
    if set(sizes.values()) <= {1.0} or "X" not in sizes:
        return Calibration()
    text = " x ".join(f"{sizes[k]:g} ({k})" for k in "ZYX" if k in sizes)
    doubt = f"states pixels of {text} without a unit: set the pixel size"
    ratios = {k: float(f"{size / sizes['X']:.8g}") for k, size in sizes.items()}
    if set(ratios.values()) == {1.0}:
        ratios = {}
    return Calibration(sizes=ratios, doubt=doubt)


def _size(value: Any) -> float | None:
    """Return a usable size, without the digits that 32 bits only pretend to hold."""
    try:
        size = float(value)
    except (TypeError, ValueError):
        return None
    if not math.isfinite(size) or size <= 0:
        return None
    return float(f"{size:.7g}") if isinstance(value, np.float32) else size
