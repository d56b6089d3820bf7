"""Grey values brought to mean 0 and standard deviation 1."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import scipy
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pydantic import Field

from napari_unet.config import Settings
from napari_unet.data.crop import Cuttable
from napari_unet.data.kept_tiles import kept
from napari_unet.data.slabs import sampled_slices, sampling, slab_depth
from napari_unet.data.stack import ArrayLike as Source
from napari_unet.errors import InputError

_TAIL = 0.5
"""Percent of the pixels at either end that count as the last value before them."""
_SAMPLED = 2**20
_AT_ONCE = 2**16
_RUN = 16
"""Pixels in a row on the border whose value may be a filling's."""
_FILLINGS = 4
_ABRUPT = 0.4
"""Of the mean difference to the rest, how much the rim of filling has at least."""
_HOLES = 0.4
"""Of the pixels of filling, how many its rim has at most."""
_LIMIT = np.float32(10)


class Normalization(Settings):
    """How an image is normalised before the network; kept in the model file.

    By `slice`, every slice and channel takes its own mean and standard deviation,
    which evens out the brightness steps of serial sections and makes one slice look
    the same alone and in its stack. By `image`, all slices share them.

    `robust` moments leave out areas of exactly one value that touch the border, the
    filling of aligned and rotated sections, and take the darkest and brightest half
    percent as no darker or brighter than the rest; what lies more than 10 standard
    deviations from the mean is normalised to 10. A hot pixel then changes nothing
    around it. `plain` ones are those of all pixels, as in models of earlier versions.

    Of slices with more than 4 million pixels every n-th row and column is measured.
    """

    per: Literal["slice", "image"] = Field("slice", title="Normalise each")
    """slice evens out brightness steps between sections; image keeps the grey values of
    slices comparable, as CT needs."""
    moments: Literal["robust", "plain"] = Field("robust", title="Mean and deviation")
    """robust leaves out the constant filling of aligned sections and hot pixels; plain
    takes all pixels."""

    def __call__(self, image: Source) -> NDArray[np.float32]:
        """Normalise a (C, Z, Y, X) image; lazy arrays are read slice by slice.

        Raises
        ------
        InputError
            When the image is empty, or holds values that are no real numbers.
        """
        check_grey_values(image)
        out, step = np.empty(image.shape, np.float32), sampling(image)

        def read(z: int) -> NDArray[np.float32]:
            out[:, z] = image[:, z]
            return out[:, z, ::step, ::step]

        found = self.of_slices(map(read, range(out.shape[1])))
        return _normalised(out, *self.combined(found, image), self.limit)

    def lazily(self, image: Source) -> Cuttable:
        """Read a (C, Z, Y, X) image once, to normalise any part of it when it is read.

        What this gives holds no copy, however large the image. Raises as
        `__call__` does.
        """
        return self.applied(image, *self.measure(image))

    def applied(
        self, image: Cuttable, mean: NDArray[np.float32], std: NDArray[np.float32]
    ) -> Cuttable:
        """Normalise a (C, Z, Y, X) image where it is read, by what `measure` gave."""
        return NormalizedImage(image, mean, std, self.limit)

    def check_slices(self) -> None:
        """Raise InputError unless slices can be measured one by one."""

    def measure(self, image: Source) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Read a (C, Z, Y, X) image once, for the mean and deviation of its parts.

        (C, Z, 1, 1) by slice, (C, 1, 1, 1) by image. Raises as `__call__` does.
        """
        check_grey_values(image)
        return self.combined(self.of_slices(sampled_slices(image)), image)

    def where_read(self, image: Source, now: Iterable[int] = ()) -> Cuttable:
        """Return a (C, Z, Y, X) image of which a slice is measured once it is read.

        The slices of `now` are measured at once; by image, all are. The parts of a
        lazy image that were read last stay in memory. Raises as `__call__` does; of
        values that are no numbers once they are read.
        """
        check_grey_values(image)
        if self.per == "image":
            return NormalizedImage(kept(image), *self.measure(image), self.limit)
        found = _MeasuredWhereRead(image, self)
        found.measure(now)
        return found

    @property
    def limit(self) -> np.float32 | None:
        """Standard deviations from the mean that no value exceeds; None is any."""
        return _LIMIT if self.moments == "robust" else None

    def of_slices(self, planes: Iterable[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Return mean, variance and number of pixels of (C, Y, X) slices, (3, C, Z)."""
        of_plane = _robust if self.moments == "robust" else _plain
        # What does not fit into 32 bits is told by `combined`.
        with np.errstate(over="ignore", invalid="ignore"):
            return np.stack([of_plane(plane) for plane in planes], -1)

    def combined(
        self, found: NDArray[np.float64], image: Source, first: int = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what is taken from slices, and what they are divided by.

        Parameters
        ----------
        found
            What `of_slices` gave of them.
        image
            (C, Z, Y, X), of which a slice is read whose values are no numbers.
        first
            The first of them in the image.

        Raises
        ------
        InputError
            When there is one.
        """
        mean, variance, count = found
        check_finite(mean, image, first)
        if self.per == "image":
            share = count / count.mean(-1, keepdims=True)
            whole = (share * mean).mean(-1, keepdims=True)
            spread = share * (variance + (mean - whole) ** 2)
            mean, variance = whole, spread.mean(-1, keepdims=True)
        std = np.sqrt(np.where(variance > 0, variance, 1))
        mean, std = mean[..., None, None], std[..., None, None]
        return mean.astype(np.float32), std.astype(np.float32)


class NormalizedImage:
    """A (C, Z, Y, X) image that is normalised where it is read.

    What is read is a copy.

    Parameters
    ----------
    image
        The image, in memory or lazy.
    mean, std
        (C, Z, 1, 1) of every slice, or (C, 1, 1, 1) of all.
    limit
        Standard deviations from the mean that no value exceeds; None is any.
    """

    def __init__(
        self,
        image: Cuttable,
        mean: NDArray[np.float32],
        std: NDArray[np.float32],
        limit: np.float32 | None = None,
    ) -> None:
        self._image, self._limit = image, limit
        self._mean, self._std = (
            np.broadcast_to(one, (*image.shape[:2], 1, 1)) for one in (mean, std)
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, Z, Y, X)."""
        return tuple(self._image.shape)

    def __array__(
        self, dtype: Any = None, copy: bool | None = None
    ) -> NDArray[np.float32]:  # numpy's own signature
        """Read and normalise all of it."""
        return np.asarray(self[(slice(None),) * 4], dtype)

    def __getitem__(self, box: tuple[slice, ...]) -> NDArray[np.float32]:
        """Read and normalise a box, given as slices of C, Z, Y and X."""
        part = np.array(self._image[box], np.float32)
        return _normalised(part, self._mean[box[:2]], self._std[box[:2]], self._limit)


class _MeasuredWhereRead(NormalizedImage):
    """One whose slices are measured when they are read first, from any thread.

    Of a large volume in which a few slices are annotated, no more is read than these.
    """

    def __init__(self, image: Source, normalization: Normalization) -> None:
        unknown = np.full((*image.shape[:2], 1, 1), np.nan, np.float32)
        super().__init__(kept(image), unknown, unknown, normalization.limit)
        self._whole, self._normalization = image, normalization
        self._mean, self._std = unknown, unknown.copy()

    def __getitem__(self, box: tuple[slice, ...]) -> NDArray[np.float32]:
        """Read and normalise a box, given as slices of C, Z, Y and X."""
        self.measure(range(*box[1].indices(self.shape[1])))
        return super().__getitem__(box)

    def measure(self, slices: Iterable[int]) -> None:
        """Measure slices that are not yet; at once what is stored together."""
        unknown, deep = np.isnan(self._std[0, :, 0, 0]), slab_depth(self._whole)
        wanted = sorted(z for z in slices if unknown[z])
        for _, stored in itertools.groupby(wanted, lambda z: z // deep):
            together = list(stored)
            part = slice(together[0], together[-1] + 1)
            found = self._normalization.of_slices(sampled_slices(self._whole, part))
            moments = self._normalization.combined(found, self._whole, part.start)
            self._mean[:, part], self._std[:, part] = moments


def _normalised(
    values: NDArray[np.float32],
    mean: NDArray[np.float32],
    std: NDArray[np.float32],
    limit: np.float32 | None,
) -> NDArray[np.float32]:
    """Normalise (C, Z, Y, X) in place."""
    values -= mean
    values /= std
    return values if limit is None else np.clip(values, -limit, limit, out=values)


def _plain(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return mean, variance and number of the pixels of (C, Y, X), as (3, C)."""
    means = plane.mean((1, 2), dtype=np.float64)
    squares = [
        _squares(channel.ravel(), mean)
        for channel, mean in zip(plane, means, strict=True)
    ]
    count = np.full(len(plane), float(plane[0].size))
    return np.array([means, squares / count, count])


def _robust(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what `_plain` does, of pixels that are no filling, with tails cut."""
    found = _plain(plane)
    for index in np.flatnonzero(np.isfinite(found[0])):
        channel = plane[index]
        filled = _filling(channel)
        values = channel[~filled] if filled.any() else channel.ravel()
        if not values.size:
            found[2, index] = 1  # a lost section tells nothing of the others
            continue
        sample = values[:: -(-values.size // _SAMPLED)]
        low, high = np.percentile(sample, (_TAIL, 100 - _TAIL)).astype(np.float32)
        cut = values.clip(low, high)
        mean = cut.mean(dtype=np.float64)
        variance = _squares(cut, mean) / cut.size
        if variance > 0:  # else the rest is a shape of one value on a background
            found[:, index] = mean, variance, values.size
    return found


def _squares(values: NDArray[np.float32], mean: np.float64) -> np.float64:
    """Return the sum of squared distances of (N,) values from their mean.

    It is numpy's to the last bit, which halves what it adds up in this way too, but
    needs no array of 64 bits for all of them.
    """
    if values.size <= _AT_ONCE:
        return np.float64(np.square(values - mean).sum())
    half = values.size // 2 // 8 * 8
    return _squares(values[:half], mean) + _squares(values[half:], mean)


def _filling(channel: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the areas of (Y, X) that have exactly one value and touch the border.

    They end abruptly: a saturated background, which fades into what lies on it, and
    one whose noise leaves holes in it are none.
    """
    filled = np.zeros(channel.shape, bool)
    border = _border(channel)
    if border.size < _RUN:
        return filled
    steady = sliding_window_view(border[1:] == border[:-1], _RUN - 1).all(-1)
    values, counts = np.unique(border[: steady.size][steady], return_counts=True)
    for value in values[np.argsort(-counts)[:_FILLINGS]]:
        areas, number = scipy.ndimage.label(channel == value)
        touching = np.zeros(number + 1, bool)
        touching[_border(areas)] = True
        touching[0] = False
        area = touching[areas]
        rim = scipy.ndimage.binary_dilation(area) & ~area
        step, rest = (np.abs(channel[one] - value) for one in (rim, ~area))
        solid = step.size <= _HOLES * np.count_nonzero(area)
        if solid and step.sum() * rest.size >= _ABRUPT * step.size * rest.sum():
            filled |= area
    return filled


def _border(plane: NDArray[Any]) -> NDArray[Any]:
    """Return the outermost pixels of (Y, X), on the way around."""
    sides = plane[0], plane[1:, -1], plane[-1, -2::-1], plane[-2:0:-1, 0]
    return np.concatenate(sides)


def check_grey_values(image: Source) -> None:
    """Check that a (C, Z, Y, X) image holds real numbers, and any at all.

    Raises
    ------
    InputError
        Saying what it holds.
    """
    if len(image.shape) != 4 or 0 in image.shape:
        raise InputError(f"An image of shape {tuple(image.shape)} cannot be used.")
    if image.dtype.kind not in "buif":
        raise InputError(
            f"The image holds values of type {image.dtype}, which are no grey values: "
            "save it as integers or floats, complex numbers as their magnitude."
        )


def check_finite(mean: NDArray[np.float64], image: Source, first: int = 0) -> None:
    """Raise InputError where values are no 32-bit floats.

    `mean` is (C, Z) from slice `first` on: of slices with a NaN it is NaN, too.
    """
    wrong = first + np.flatnonzero(~np.isfinite(mean).all(0))
    if not wrong.size:
        return
    values = np.asarray(image[:, wrong[0] : wrong[0] + 1])
    if np.isfinite(values).all():
        raise InputError(
            f"Slice {wrong[0]} of the image holds values as large as "
            f"{np.abs(values).max():.1e}: divide the image by a number, so that they "
            "fit into 32-bit floats."
        )
    raise InputError(
        f"Slice {wrong[0]} of the image holds values that are no numbers (NaN or "
        "infinite): replace them, for example by 0."
    )
