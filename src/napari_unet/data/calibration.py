"""Pixel sizes and their units, as files state them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_unet.errors import InputError

# Micrometres in one of each unit; the names are ones that pint reads.
_MICROMETRES = {
    "fm": 1e-9,
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
    "fm": ("femtometer", "femtometre"),
    "pm": ("picometer", "picometre"),
    "angstrom": ("a", "å", "Å".lower(), "ångström"),
    "nm": ("nanometer", "nanometre"),
    "um": ("µm", "μm", "µ", "μ", "micron", "micrometer", "micrometre"),
    "mm": ("millimeter", "millimetre"),
    "cm": ("centimeter", "centimetre"),
    "m": ("meter", "metre"),
    "inch": ("in", "inche"),
    "pixel": ("", "px", "voxel"),
}
_UNITS = {name: unit for unit, names in _SPELLINGS.items() for name in (unit, *names)}

# Without spaces, commas may be decimal ones; two of them are not.
_LISTED = re.compile(r"[^\s,]+,[^\s,]+,[^\s,]+")

GIVEN = "given by the user"
"""Source of a pixel size that no file states."""


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

    @classmethod
    def of(
        cls,
        source: str,
        found: Mapping[str, tuple[Any, str | None]],
        *,
        doubt: str = "",
        info_bar: int = 0,
    ) -> Calibration:
        """Return what was found, in one unit.

        Parameters
        ----------
        source, doubt, info_bar
            As they are kept.
        found
            Sizes with their units along "X", "Y" and "Z", as they were read. What is no
            length is left out; where only one of X and Y is stated, it speaks for both.
            Where one of them is no length, nothing is known.
        """
        stated = {
            letter: (size, normal_unit(text))
            for letter, (value, text) in found.items()
            if (size := positive(value))
        }
        if "X" not in stated or "Y" not in stated:
            either = stated.get("X") or stated.get("Y") or (1.0, None)
            stated = {"X": either, "Y": either} | stated
        known = {
            letter: (size, unit) for letter, (size, unit) in stated.items() if unit
        }
        if not {"X", "Y"} <= set(known):
            doubt = doubt or f"{source} states no pixel size: set the pixel size"
            return cls(doubt=doubt, info_bar=info_bar)
        width, unit = known["X"]
        if unit == "m":  # which no microscopist reads
            unit = "nm" if width < 1e-6 else "um"
        sizes = {
            letter: _tidy(size * unit_factor(own, unit))
            for letter, (size, own) in known.items()
            # A length and a count of pixels cannot be brought to one unit.
            if (own == "pixel") == (unit == "pixel")
        }
        return cls(unit, sizes, source, doubt, info_bar)

    @classmethod
    def given(cls, size: str | None, unit: str | None) -> Calibration | None:
        """Return what the user says; None where that is nothing.

        Parameters
        ----------
        size
            Size of a pixel along Z, Y and X, such as "50 4 4"; without Z, "4 4" or "4".
        unit
            In any spelling; nm when left out.

        Raises
        ------
        InputError
            When the sizes are none, or those of no microscope, or the unit is no
            length, or stands alone.
        """
        if size is None:
            if unit is None:
                return None
            raise InputError(f'The unit {unit} needs a pixel size, such as "50 4 4".')
        if re.search(r"\d,\d", size) and not _LISTED.fullmatch(size.strip()):
            raise InputError(
                f'The pixel size "{size}" can be read in two ways: write a point for '
                'decimals and spaces between numbers, such as "50 4.5 4.5".'
            )
        numbers = [positive(part) for part in re.split(r"[\s,x×]+", size.strip())]
        if len(numbers) > 3 or None in numbers:
            raise InputError(
                f'The pixel size "{size}" cannot be read: write Z, Y and X, numbers '
                'above 0, such as "50 4 4".'
            )
        if len(numbers) == 1:
            numbers *= 2
        axes = "ZYX"[-len(numbers) :]
        known = {axis: one for axis, one in zip(axes, numbers, strict=True) if one}
        made = cls(checked_unit(unit or "nm"), known, GIVEN)
        for one in known.values():
            if not _is_seen(one, made.unit):
                raise InputError(
                    f"No microscope has pixels of {one:g} {made.unit}: check the size "
                    "and its unit, such as 4 nm, which is 4e-9 m."
                )
        return made

    def agrees(self, other: Calibration) -> bool:
        """Return whether another states the same Y and X, to a thousandth."""
        if not (self.sizes and other.sizes):
            return bool(self.sizes) == bool(other.sizes)
        if "pixel" in (self.unit, other.unit):
            return self.unit == other.unit
        factor = unit_factor(self.unit, other.unit)
        return all(
            math.isclose(self.sizes[axis] * factor, other.sizes[axis], rel_tol=1e-3)
            for axis in "YX"
        )

    def pixel_size(self, axes: str) -> tuple[float, ...]:
        """Return one size for each spatial axis of `axes`; 1.0 where unknown."""
        return tuple(self.sizes.get(letter, 1.0) for letter in axes if letter in "ZYX")

    def unknown_axes(self, axes: str) -> str:
        """Return those of the spatial axes whose size is not stated, as others are.

        Z is one of them where time points are taken for slices.
        """
        if self.unit == "pixel":
            return ""
        spatial = [letter for letter in axes if letter in "ZYX"]
        if "T" in axes and "Z" not in axes:
            return "Z" + "".join(one for one in spatial if one not in self.sizes)
        return "".join(letter for letter in spatial if letter not in self.sizes)

    def axes_of(self, axes: str) -> str:
        """Return axes with Z for time points that a user gives a distance: slices."""
        slices = "Z" in self.sizes and "Z" not in axes
        return axes.replace("T", "Z") if slices else axes

    def words(self, axes: str) -> str:
        """Return where the size was found, and what is unknown of it."""
        if self.unit == "pixel":
            return "Unknown: no file states it, or it was not believed."
        missing = " How far apart the slices are is unknown: give Z, too."
        unstated = missing if "Z" in self.unknown_axes(axes) else ""
        source = self.source or "the layer"
        found = source if source == GIVEN else f"found in: {source}"
        letters = "Z, Y and X" if "Z" in axes else "Y and X"
        return f"{letters}, {found}.{unstated}"

    def notes(self, axes: str) -> tuple[str, ...]:
        """Return what the user should know, in single lines."""
        notes = [self.doubt] if self.doubt else []
        if "Z" in self.unknown_axes(axes):
            notes.append("how far apart its slices are is not stated: 3D asks for it")
        return tuple(notes)


def normal_unit(text: str | None) -> str | None:
    r"""Return the plain name of a unit of length, or None for one unknown here.

    "µm", "\u00B5m", "micron" and "micrometers" give "um"; nothing, "px" and "pixels"
    give "pixel".
    """
    plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), text or "")
    name = plain.strip(" \0\"'").lower()
    singular = name.removesuffix("s") if len(name) > 2 else name
    return _UNITS.get(name) or _UNITS.get(singular)


def checked_unit(text: str) -> str:
    """Return the plain name of a unit that the user gives.

    Raises
    ------
    InputError
        When it is none of length.
    """
    unit = normal_unit(text)
    if unit is None:
        raise InputError(f'unit "{text}" is not known: use nm, um, mm or pixel.')
    return unit


def _is_seen(size: float, unit: str) -> bool:
    """Return whether pixels are from 1 pm to 1 mm large; as nm without a unit."""
    return 1e-3 <= size * unit_factor("nm" if unit == "pixel" else unit, "nm") <= 1e6


def unit_factor(from_unit: str, to_unit: str) -> float:
    """Return how many of a unit make one of another; both as `normal_unit` names them.

    >>> round(unit_factor("um", "nm"))
    1000
    """
    if from_unit == to_unit:
        return 1.0
    return _MICROMETRES[from_unit] / _MICROMETRES[to_unit]


def positive(value: Any) -> float | None:
    """Return a usable size: ImageJ counts slices downwards with negative spacing."""
    try:
        size = abs(float(value))
    except (TypeError, ValueError):
        return None
    return size if math.isfinite(size) and size > 0 else None


def _tidy(size: float) -> float:
    """Round off what the fractions of resolution tags add: 0.00400000000372."""
    return float(f"{size:.8g}")
