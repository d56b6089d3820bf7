"""Order of the dimensions, and one unit for all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from napari_unet.data.calibration import Calibration, normal_unit, unit_factor
from napari_unet.data.tiff import Loaded

ORDER = "CTZYXS"
# Along each axis a size, as the file states it, and the name of its unit.
Sizes = Mapping[str, tuple[Any, str]]


def in_order(
    data: Any, axes: str, sizes: Sizes | None = None, notes: tuple[str, ...] = ()
) -> Loaded:
    """Return what a file holds with its dimensions as C, T, Z, Y, X, S.

    Channels, time points and samples of which there is but one are dropped, and so is
    the only slice of a series.
    """
    empty = "CTSZ" if "T" in axes else "CTS"
    for place in reversed(range(len(axes))):
        if data.shape[place] == 1 and axes[place] in empty:
            data, axes = data.squeeze(place), axes[:place] + axes[place + 1 :]
    order = sorted(axes, key=ORDER.index)
    if list(axes) != order:
        data = data.transpose([axes.index(letter) for letter in order])
    stated = {letter: size for letter, size in (sizes or {}).items() if letter in axes}
    calibration, doubt = _calibration(stated)
    return Loaded(data, "".join(order), calibration, notes + doubt)


def _calibration(stated: Sizes) -> tuple[Calibration, tuple[str, ...]]:
    """Bring the sizes along Z, Y and X to one unit; what is no length is unknown."""
    sizes = {k: value for k in "XYZ" if (value := _size(stated.get(k, (0, ""))[0]))}
    units = {letter: normal_unit(stated[letter][1]) for letter in sizes}
    lengths = [k for k in sizes if units[k] not in (None, "pixel")]
    if not {"X", "Y"} & set(lengths):
        strange = [stated[k][1] for k in sizes if units[k] is None]
        if strange:
            note = f"its pixels are stated in {strange[0]}, which is no length"
            return Calibration(), (f"{note}: set the pixel size",)
        return _without_unit(sizes)
    # Microscopes that count in metres mean these.
    unit = {"m": "nm"}.get(units[lengths[0]] or "", units[lengths[0]] or "")
    found = {k: _rounded(sizes[k] * unit_factor(units[k] or "", unit)) for k in lengths}
    # One alone speaks for both: pixels are square.
    found = {"Y": found.get("X", 0.0), "X": found.get("Y", 0.0)} | found
    return Calibration(unit, found), ()


def _without_unit(sizes: Mapping[str, float]) -> tuple[Calibration, tuple[str, ...]]:
    """Keep what sizes without a unit still say: how they relate to each other."""
    if set(sizes.values()) <= {1.0} or "X" not in sizes:
        return Calibration(), ()
    text = " x ".join(f"{sizes[k]:g} ({k})" for k in "ZYX" if k in sizes)
    note = f"states pixels of {text} without a unit: set the pixel size"
    ratios = {k: _rounded(size / sizes["X"]) for k, size in sizes.items()}
    if set(ratios.values()) == {1.0}:
        return Calibration(), (note,)
    return Calibration("pixel", ratios), (note,)


def _size(value: Any) -> float | None:
    """Return a usable size, without the digits that 32 bits only pretend to hold."""
    size = float(value)
    if not math.isfinite(size) or size <= 0:
        return None
    return float(f"{size:.7g}") if isinstance(value, np.float32) else size


def _rounded(size: float) -> float:
    return float(f"{size:.12g}")
