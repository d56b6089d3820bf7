"""Grey values brought to mean 0 and standard deviation 1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from napari_unet.config import Settings
from napari_unet.data.stack import ArrayLike as Source
from napari_unet.errors import InputError


class Normalization(Settings):
    """How an image is normalised before the network; kept in the model file.

    By `slice`, every slice and channel takes its own mean and standard deviation,
    which evens out the brightness steps of serial sections and makes one slice look
    the same alone and in its stack. By `image`, all slices share them.
    """

    per: Literal["slice", "image"] = Field(
        "slice",
        title="Normalise each",
        description="slice evens out brightness steps between sections; image keeps "
        "the grey values of slices comparable, as CT needs.",
    )

    def __call__(self, image: Source) -> NDArray[np.float32]:
        """Normalise a (C, Z, Y, X) image; lazy arrays are read slice by slice.

        Raises
        ------
        InputError
            When the image is empty, or holds values that are no real numbers.
        """
        _check(image)
        out = np.empty(image.shape, np.float32)

        def read(z: int) -> NDArray[np.float32]:
            out[:, z] = image[:, z]
            return out[:, z]

        mean, std = self._moments(map(read, range(out.shape[1])))
        out -= mean
        out /= std
        return out

    def lazily(self, image: Source) -> NormalizedImage:
        """Read a (C, Z, Y, X) image once, to normalise any part of it when it is read.

        What this gives holds no copy, however large the image. Raises as
        `__call__` does.
        """
        _check(image)
        planes = (np.asarray(image[:, z], np.float32) for z in range(image.shape[1]))
        return NormalizedImage(image, *self._moments(planes))

    def _moments(
        self, planes: Iterable[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what is taken from (C, Z, Y, X), and what it is divided by."""
        axes, exact = (1, 2), np.float64
        found = [(p.mean(axes, dtype=exact), p.var(axes, dtype=exact)) for p in planes]
        mean, variance = np.moveaxis(np.array(found), 0, -1)
        _check_finite(mean)
        if self.per == "image":
            # Slices are equally large, so that their moments add up.
            whole = mean.mean(-1, keepdims=True)
            variance = (variance + (mean - whole) ** 2).mean(-1, keepdims=True)
            mean = whole
        std = np.sqrt(np.where(variance > 0, variance, 1))
        mean, std = mean[..., None, None], std[..., None, None]
        return mean.astype(np.float32), std.astype(np.float32)


class NormalizedImage:
    """A (C, Z, Y, X) image that is normalised where it is read.

    Parameters
    ----------
    image
        The image, in memory or lazy.
    mean, std
        (C, Z, 1, 1) of every slice, or (C, 1, 1, 1) of all.
    """

    def __init__(
        self, image: Source, mean: NDArray[np.float32], std: NDArray[np.float32]
    ) -> None:
        self._image = image
        self._mean, self._std = (
            np.broadcast_to(one, (*image.shape[:2], 1, 1)) for one in (mean, std)
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, Z, Y, X)."""
        return tuple(self._image.shape)

    def __getitem__(self, box: tuple[slice, ...]) -> NDArray[np.float32]:
        """Read and normalise a box, given as slices of C, Z, Y and X."""
        part = np.array(self._image[box], np.float32)
        part -= self._mean[box[:2]]
        part /= self._std[box[:2]]
        return part


def _check(image: Source) -> None:
    if len(image.shape) != 4 or 0 in image.shape:
        raise InputError(f"An image of shape {tuple(image.shape)} cannot be used.")
    if image.dtype.kind not in "buif":
        raise InputError(
            f"The image holds values of type {image.dtype}, which are no grey values: "
            "save it as integers or floats, complex numbers as their magnitude."
        )


def _check_finite(mean: NDArray[np.float64]) -> None:
    """`mean` is (C, Z): of slices with a NaN it is NaN, too."""
    wrong = np.flatnonzero(~np.isfinite(mean).all(0))
    if wrong.size:
        raise InputError(
            f"Slice {wrong[0]} of the image holds values that are no numbers (NaN or "
            "infinite): replace them, for example by 0."
        )
