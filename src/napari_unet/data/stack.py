"""Image stacks: what they hold, how they are read and how they are written."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from napari_unet.errors import InputError


class ArrayLike(Protocol):
    """A numpy array or a dask array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along each dimension."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""

    @property
    def ndim(self) -> int:
        """Number of dimensions."""

    def __getitem__(self, key: Any, /) -> Any: ...

    def __array__(self) -> Any: ...


@dataclass(frozen=True, eq=False)
class Stack:
    """An image or labels, with the meaning of its dimensions and its pixel size.

    Parameters
    ----------
    data
        The values: a numpy array or a dask array.
    axes
        One letter for each dimension: C channels, T time, Z slices, Y, X, and S for
        the samples of a colour (RGB) image, always last.
    pixel_size
        Size along each of the spatial axes ("ZYX") of `axes`, in their order; 1.0
        where it is unknown.
    unit
        Unit of `pixel_size`, in a form that pint reads; "pixel" when unknown.
    source
        Where it came from: a path or a description.
    notes
        Single lines that the user should see, such as "holds 3 series; ...".
    calibration_source
        Where the pixel size was found, such as "Zeiss SmartSEM" or "resolution tags";
        "" where it is unknown.
    unknown_axes
        Those of the spatial axes whose size is unknown although `unit` is not: "Z"
        where nothing says how far apart the slices are. Counted as 1.0 in `pixel_size`.
    info_bar
        Rows at the bottom that a microscope wrote on, as far as the file says; else 0.

    Raises
    ------
    InputError
        When the axes, the pixel sizes or the info bar do not fit the data.
    """

    data: ArrayLike
    axes: str
    pixel_size: tuple[float, ...]
    unit: str
    source: str
    notes: tuple[str, ...] = ()
    calibration_source: str = ""
    unknown_axes: str = ""
    info_bar: int = 0

    def __post_init__(self) -> None:
        letters = set(self.axes)
        known = letters <= set("CTZYXS") and len(letters) == len(self.axes)
        if not known or len(self.axes) != self.data.ndim:
            raise InputError(
                f'{self.source}: axes "{self.axes}" do not fit {self.data.ndim} '
                "dimensions: give one of the letters C, T, Z, Y, X, S for each."
            )
        if len(self.pixel_size) != len(letters & set("ZYX")):
            raise InputError(
                f"{self.source}: {len(self.pixel_size)} pixel sizes do not fit the "
                f'axes "{self.axes}": give one for each of Z, Y and X that is there.'
            )
        if self.info_bar:
            check_info_bar(self.info_bar, self._length("Y"), self.source)

    @property
    def shape(self) -> tuple[int, ...]:
        """Size along each of the axes."""
        return tuple(self.data.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        return np.dtype(self.data.dtype)

    @property
    def scale(self) -> tuple[float, ...]:
        """One factor for each axis except S: the pixel size, or 1.0 for C and T."""
        sizes = iter(self.pixel_size)
        axes = self.axes.replace("S", "")
        return tuple(next(sizes) if letter in "ZYX" else 1.0 for letter in axes)

    @property
    def num_slices(self) -> int:
        """Length of Z, or of T where there is no Z, or 1."""
        return self._length("Z") if "Z" in self.axes else self._length("T")

    @property
    def num_channels(self) -> int:
        """Number of channels or colour samples, or 1."""
        return self._length("C") * self._length("S")

    @property
    def zyx_size(self) -> tuple[float, float, float]:
        """Pixel size along Z, Y and X; 1.0 along Z where there is none."""
        z, y, x = (1.0, *self.pixel_size)[-3:]
        return z, y, x

    def size_for(self, ndim: int) -> tuple[float, float, float]:
        """Return the pixel size along Z, Y and X for what works in `ndim` dimensions.

        Raises
        ------
        InputError
            When that is 3, and nothing says how far apart the slices are.
        """
        if ndim == 3 and "Z" in self.unknown_axes:
            raise InputError(
                f"{self.source} does not say how far apart its slices are, and 3D "
                'needs it: give the pixel size (--pixel-size "Z Y X" --unit nm, or '
                "the Load tab)."
            )
        return self.zyx_size

    @property
    def picture(self) -> Stack:
        """The stack without its info bar, which is a view of its upper rows.

        That is what networks learn from and predict; coordinates are the same.
        """
        if not self.info_bar:
            return self
        data = self.data[(slice(None),) * self.axes.index("Y") + (self.picture_rows,)]
        return dataclasses.replace(self, data=data, info_bar=0)

    @property
    def picture_rows(self) -> slice:
        """The rows above the info bar."""
        return slice(0, self._length("Y") - self.info_bar)

    def picture_like(self, image: Stack) -> Stack:
        """Return labels of an image without the rows of its info bar.

        All of them where they are not as high as the image: they may be of its picture.
        """
        if self._length("Y") != image._length("Y"):
            return self
        return dataclasses.replace(self, info_bar=image.info_bar).picture

    def single_channel(self, array: ArrayLike) -> Stack:
        """Return labels or weights, (Z, Y, X), as a stack that lies on this one."""
        axes = "".join(letter for letter in "TZYX" if letter in self.axes)
        data: Any = array
        lengths = [self._length(letter) for letter in axes]
        return dataclasses.replace(self, data=data.reshape(lengths), axes=axes)

    def as_czyx(self) -> ArrayLike:
        """Return a view as `(C, Z, Y, X)`, the form that the engine takes.

        Time points without slices are taken as slices, colour samples as channels.
        A dask array stays one.

        Raises
        ------
        InputError
            When there are both time points and slices, or both channels and colours.
        """
        if "T" in self.axes and "Z" in self.axes:
            raise InputError(
                f"{self.source} holds {self._length('T')} time points of "
                f"{self._length('Z')} slices: choose one time point and save it as a "
                "stack."
            )
        if "C" in self.axes and "S" in self.axes:
            raise InputError(
                f"{self.source} holds channels that are colour (RGB) images: save one "
                "of them, or convert them to grey."
            )
        axes = self.axes.replace("T", "Z").replace("S", "C")
        present = [letter for letter in "CZYX" if letter in axes]
        data: Any = self.data
        data = data.transpose([axes.index(letter) for letter in present])
        sizes = dict(zip(present, data.shape, strict=True))
        view: ArrayLike = data.reshape([sizes.get(letter, 1) for letter in "CZYX"])
        return view

    def as_zyx(self) -> ArrayLike:
        """Return a view as `(Z, Y, X)`, the form of labels.

        Raises
        ------
        InputError
            When there are several channels or colours.
        """
        if self.num_channels > 1:
            raise InputError(
                f"{self.source} has {self.num_channels} channels or colours, labels "
                "have one number for each pixel: export the labels as an image of one "
                "channel."
            )
        view: ArrayLike = self.as_czyx()[0]
        return view

    def slices(self, selection: str | slice | None) -> Stack:
        """Return the stack of some slices (time points, where there is no Z).

        Parameters
        ----------
        selection
            "24:30", "7" or "::5" as in `parse_slices`, a slice, or None for all.

        Raises
        ------
        InputError
            When the selection cannot be read, is out of range or selects nothing.
        """
        if selection is None:
            return self
        try:
            chosen = parse_slices(selection, self.num_slices)
        except InputError as error:
            raise InputError(f"{self.source}: {error}") from error
        letter = "Z" if "Z" in self.axes else "T"
        if letter not in self.axes:
            return self
        key = (slice(None),) * self.axes.index(letter) + (chosen,)
        size, step = self.pixel_size, chosen.step or 1
        if letter == "Z":
            size = (size[0] * step, *size[1:])
        return dataclasses.replace(self, data=self.data[key], pixel_size=size)

    def _length(self, letter: str) -> int:
        return self.shape[self.axes.index(letter)] if letter in self.axes else 1


def check_info_bar(rows: int, height: int, source: str) -> None:
    """Refuse an info bar that leaves no picture.

    Raises
    ------
    InputError
        When it does not lie within the image.
    """
    if not 0 <= rows < height:
        raise InputError(
            f"{source}: an info bar of {rows} rows does not fit an image of {height}: "
            "give the rows at the bottom that hold writing, 0 for none."
        )


def parse_slices(selection: str | slice, count: int) -> slice:
    """Read a selection of slices, counted from 0, the stop not included.

    Parameters
    ----------
    selection
        "start:stop" or "start:stop:step" with any part left out, or one number; below
        0 counts from the end, as in Python.
    count
        Number of slices that there are.

    Returns
    -------
    slice
        Start, stop and step are set, and lie within the stack.

    Raises
    ------
    InputError
        When the selection cannot be read, is out of range or selects nothing.

    Examples
    --------
    >>> parse_slices("24:", 30)
    slice(24, 30, 1)
    >>> parse_slices("7", 30)
    slice(7, 8, 1)
    """
    parts, text = _parts(selection)
    start, stop, step = parts
    bounds = [bound for bound in (start, stop) if bound is not None]
    if any(not -count <= bound <= count for bound in bounds) or start == count:
        raise InputError(
            f"slices {text} asked for, the stack has {count} (0 to {count - 1})."
        )
    chosen = slice(*slice(start, stop, step).indices(count))
    if not range(count)[chosen]:
        raise InputError(f"slices {text} are none: the start must lie before the stop.")
    return chosen


def list_slices(selection: str, count: int) -> list[int]:
    """Read several selections of slices, such as "3,7,10:20", or "all".

    Raises
    ------
    InputError
        As `parse_slices`.

    Examples
    --------
    >>> list_slices("1,4:6", 10)
    [1, 4, 5]
    """
    if selection.strip() == "all":
        return list(range(count))
    chosen = (parse_slices(part, count) for part in selection.split(","))
    return sorted({z for part in chosen for z in range(count)[part]})


def _parts(selection: str | slice) -> tuple[list[int | None], str]:
    """Return start, stop and step, and the selection as the user would write it."""
    if isinstance(selection, slice):
        given = (selection.start, selection.stop, selection.step)
        selection = ":".join("" if part is None else str(part) for part in given)
    text = selection.strip()
    if re.fullmatch(r"-?\d+", text):
        only = int(text)
        return [only, only + 1 if only != -1 else None, 1], text
    plain = re.sub(r"\s*:\s*", ":", text)
    if not re.fullmatch(r"(-?\d+)?:(-?\d+)?(:[1-9]\d*|:)?", plain):
        raise InputError(
            f'slices "{text}" cannot be read: write start:stop such as 24:30, one '
            "number, or ::5 for every fifth."
        )
    numbers = [int(part) if part else None for part in plain.split(":")]
    return [*numbers, None][:3], text
