"""What the dimensions of an array mean, and in which order they come."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_unet.errors import InputError
from napari_unet.words import sides

_ORDER = "CTZYXS"
_EMPTY = "TCSHPVERLA"
_FEW = 4
"""Pages that may well be detectors and no slices."""


def arrange(
    path: Path, data: Any, axes: str, wanted: str | None = None
) -> tuple[Any, str, tuple[str, ...]]:
    """Drop empty dimensions, name unknown ones Z and order them as C, T, Z, Y, X, S.

    Parameters
    ----------
    path
        What is read, for words to the user.
    data, axes
        The array, and a letter for each of its dimensions as the file tells them.
    wanted
        Letters that the user gives instead, in the order of the file; those of
        dimensions of length 1, and S, may be left out.

    Returns
    -------
    Array, axes, and how they were read where the file leaves it open.

    Raises
    ------
    InputError
        When the file does not say what its dimensions mean, or the user names others.
    """
    notes = _doubts(data.shape, axes) if wanted is None else ()
    if wanted is not None:
        data, axes = _named(path, data, axes, wanted)
    for place in reversed(range(len(axes))):
        if data.shape[place] == 1 and axes[place] in _EMPTY:
            data, axes = data.squeeze(place), axes[:place] + axes[place + 1 :]
    unknown = [letter for letter in axes if letter not in _ORDER]
    if len(unknown) == 1 and "Z" not in axes:
        axes = axes.replace(unknown[0], "Z")
    elif unknown or not {"Y", "X"} <= set(axes):
        raise unknown_dimensions(path, data.shape)
    order = sorted(axes, key=_ORDER.index)
    if list(axes) != order:
        data = data.transpose([axes.index(letter) for letter in order])
    return data, "".join(order), notes


def unknown_dimensions(path: str | Path, shape: Sequence[int]) -> InputError:
    """Return the error to raise for an array whose dimensions are not named."""
    return InputError(
        f"{path} does not say what its {len(shape)} dimensions ({sides(shape)}) mean: "
        "say it by --axes, such as --axes ZCYX, or in the Load tab."
    )


def all_letters(axes: str, shape: Sequence[int]) -> str:
    """Return the letters that a user gives, with those of length 1 that are left out.

    >>> all_letters("zyx", (1, 9, 20, 30))
    'TZYX'
    """
    letters = axes.upper()
    if len(letters) == sum(length > 1 for length in shape) < len(shape):
        spare = iter([letter for letter in "TCZ" if letter not in letters])
        given = iter(letters)
        letters = "".join(next(given if n > 1 else spare, "?") for n in shape)
    return letters


def of_labels(axes: str | None) -> str | None:
    """Return the axes of labels made on an image of `axes`: they have no channels."""
    return None if axes is None else axes.upper().replace("C", "")


def _named(path: Path, data: Any, axes: str, wanted: str) -> tuple[Any, str]:
    """Return the array with a letter for each dimension, from those of the user."""
    letters = wanted.upper()
    known = set(letters) <= set(_ORDER) and len(set(letters)) == len(letters)
    if not known or not {"Y", "X"} <= set(letters):
        raise InputError(
            f'axes "{wanted}" cannot be read: give one of the letters C, T, Z, Y, X, S '
            "for each dimension, such as ZCYX."
        )
    if axes.endswith("S") and "S" not in letters:
        letters += "S"
    shape = data.shape
    if len(letters) < len(shape):
        data = data.squeeze()
    if len(letters) != data.ndim:
        raise InputError(
            f'axes "{wanted}" do not fit {path}, which has {len(shape)} dimensions '
            f"({sides(shape)}): give one of the letters C, T, Z, Y, X, S for each."
        )
    return data, letters


def _doubts(shape: tuple[int, ...], axes: str) -> tuple[str, ...]:
    """Return how dimensions were read that may be meant otherwise."""
    long = dict(zip(axes, shape, strict=False))
    long = {letter: length for letter, length in long.items() if length > 1}
    pages = [letter for letter in long if letter not in _ORDER]
    channels, times = long.get("C", 1), long.get("T", 1)
    words = ""
    if "S" in long and not axes.endswith("S") and pages:
        words = (
            f"its {sides(shape)} values are read as {long[pages[0]]} slices of "
            f"{long['S']} colours: if they are not, --axes ZCYX or CZYX"
        )
    elif len(pages) == 1 and long[pages[0]] <= _FEW:
        words = (
            f"its {long[pages[0]]} pages of one size are read as slices: if they are "
            "channels or detectors, --axes CYX"
        )
    elif channels > _FEW and "Z" not in long:
        words = f"its {channels} channels are no slices: if they are, --axes ZYX"
    elif times > 1 and "Z" not in long:
        words = f"its {times} time points are read as slices"
        words += ": if Z are the channels, --axes CZYX" if channels > 1 else ""
    where = " (or Axes in the Load tab)" if "--axes" in words else ""
    return (f"{words}{where}",) if words else ()
