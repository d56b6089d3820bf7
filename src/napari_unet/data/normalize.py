"""Grey values brought to mean 0 and standard deviation 1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from napari_unet.config import Settings
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

    def __call__(self, image: ArrayLike) -> NDArray[np.float32]:
        """Normalise a (C, Z, Y, X) image; lazy arrays are read slice by slice.

        Raises
        ------
        InputError
            When the image is empty or holds values that are no numbers.
        """
        out = np.empty(np.shape(image), np.float32)
        if out.ndim != 4 or out.size == 0:
            raise InputError(f"An image of shape {out.shape} cannot be used.")
        for z, one in _slices(image):
            out[:, z] = one
        axes = (2, 3) if self.per == "slice" else (1, 2, 3)
        mean = out.mean(axes, keepdims=True, dtype=np.float64)
        if not np.isfinite(mean).all():
            raise InputError(
                "The image holds values that are no numbers (NaN or infinite): "
                "replace them, for example by 0."
            )
        std = out.std(axes, keepdims=True, dtype=np.float64)
        out -= mean.astype(np.float32)
        out /= np.where(std > 0, std, 1).astype(np.float32)
        return out


def _slices(image: ArrayLike) -> Iterator[tuple[int, NDArray[np.float32]]]:
    for z in range(np.shape(image)[1]):
        yield z, np.asarray(image[:, z], np.float32)  # type: ignore[call-overload,index]
