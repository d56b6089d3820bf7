"""Order of the dimensions, and one unit for all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_unet.data.calibration import Calibration, normal_unit
from napari_unet.data.tiff import Loaded

ORDER = "CTZYXS"
# Along each axis a size, as the file states it, and the name of its unit.
Sizes = Mapping[str, tuple[Any, str]]


def in_order(
    data: Any,
    axes: str,
    source: str,
    sizes: Sizes | None = None,
    notes: tuple[str, ...] = (),
) -> Loaded:
    """Return what a file holds with its dimensions as C, T, Z, Y, X, S.

    Channels, time points and samples of which there is but one are dropped, and so is
    the only slice of a series.

    Parameters
    ----------
    source
        Where its pixel size is found, such as "MRC header".
    """
    empty = "CTSZ" if "T" in axes else "CTS"
    for place in reversed(range(len(axes))):
        if data.shape[place] == 1 and axes[place] in empty:
            data, axes = data.squeeze(place), axes[:place] + axes[place + 1 :]
    order = sorted(axes, key=ORDER.index)
    if list(axes) != order:
        data = data.transpose([axes.index(letter) for letter in order])
    stated = {
        letter: (size, unit)
        for letter, (value, unit) in (sizes or {}).items()
        if letter in axes and letter in "XYZ" and (size := _size(value))
    }
    return Loaded(data, "".join(order), _calibration(source, stated), notes)


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
    size = float(value)
    if not math.isfinite(size) or size <= 0:
        return None
    return float(f"{size:.7g}") if isinstance(value, np.float32) else size
