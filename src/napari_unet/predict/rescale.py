"""A model applied to images of another pixel size than the one it learnt on."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray

from napari_unet.config import PredictConfig
from napari_unet.data.stack import Stack
from napari_unet.model.predictable import Predictable
from napari_unet.predict.pixel_size import Factors, check_growth, rescaling
from napari_unet.predict.prediction import TileDone
from napari_unet.predict.predictor import Predictor

_NOWHERE = (slice(0, 0),) * 3


def predictor_for(
    model: Predictable,
    stack: Stack,
    config: PredictConfig | None = None,
) -> Predictor:
    """Return what predicts `stack`: rescaled where `config` asks for it and it differs.

    Raises
    ------
    InputError
        When the sizes differ so much that one of them must be wrong, or a network of 3
        dimensions is to predict slices whose distance is unknown.
    """
    found = rescaling(model.card, stack, config)
    if found is None:
        return Predictor(model, config)
    return RescaledPredictor(model, found, config)


class RescaledPredictor(Predictor):
    """Brings an image to a model's pixel size, and the probabilities back.

    An image that shrinks is smoothed first, so that nothing shows up in it that is
    not there. What comes back are probabilities, on the grid of the image and
    interpolated linearly; classes and objects are made of them there, and have
    smoother borders than labels that are brought back themselves. Pixels are areas:
    the borders of the image stay where they are.

    Parameters
    ----------
    model, config
        As for a `Predictor`.
    by
        By how much the image grows along Z, Y and X, as from `factors`.

    Raises
    ------
    InputError
        When the image would have to grow or shrink more than 16 times.
    """

    def __init__(
        self,
        model: Predictable,
        by: Factors,
        config: PredictConfig | None = None,
    ) -> None:
        check_growth(by, "the model")
        super().__init__(model, config)
        self.by = by

    def tiles(self, image: ArrayLike, stop: Event | None = None) -> Iterator[TileDone]:
        """Predict a (C, Z, Y, X) image, yielding every slice or volume when done.

        The tiles before the last of each slice are yielded too, without any pixels:
        they tell how far the work is.

        Raises
        ------
        InputError, OutOfMemoryError
            As `Predictor.tiles`.
        """
        self.check(np.shape(image))
        return self._tiles(image, stop or Event())

    def _tiles(self, image: ArrayLike, stop: Event) -> Iterator[TileDone]:
        depth, height, width = of = np.shape(image)[1:]
        for part, resampled in self._parts(image):
            if stop.is_set():
                return
            length = part.stop - part.start
            whole = np.empty((self.num_classes, *resampled.shape[1:]), np.float32)
            for tile in self.normalised_tiles(resampled, stop=stop, of=of):
                whole[(slice(None), *tile.core)] = tile.probabilities
                core, answer = _NOWHERE, whole[:, :0, :0, :0]
                if tile.done == tile.total:
                    core = (part, slice(0, height), slice(0, width))
                    answer = resize(whole, (length, height, width))
                yield TileDone(
                    part.start // length * tile.total + tile.done,
                    depth // length * tile.total,
                    core,
                    answer.astype(self.config.probabilities, copy=False),
                    self.threshold,
                    tile.message,
                )

    def _parts(self, image: ArrayLike) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Yield what is predicted together: a slice, or for 3D networks the volume.

        It is normalised after it was resampled, as what the model learnt from was:
        the noise of small pixels would count among the contrast otherwise.
        """
        card, depth = self.model.card, np.shape(image)[1]
        slices, whole = [slice(z, z + 1) for z in range(depth)], slice(0, depth)
        flat = card.network.ndim == 2
        if flat and card.normalization.per == "slice":
            for part in slices:
                yield part, card.normalization(self._resampled(image, part))
            return
        volume = card.normalization(self._resampled(image, whole))
        for part in slices if flat else [whole]:
            yield part, volume[:, part] if flat else volume

    def _resampled(self, image: ArrayLike, part: slice) -> NDArray[np.float32]:
        """Read some slices one by one, and bring them to the model's pixel size."""
        depth, height, width = (
            max(1, round(length * factor))
            for length, factor in zip(np.shape(image)[1:], self.by, strict=True)
        )
        numbers = range(part.start, part.stop)
        planes = [
            resize(image[:, z : z + 1], (1, height, width))  # type: ignore[call-overload,index]
            for z in numbers
        ]
        flat = self.model.card.network.ndim == 2
        size = (len(numbers) if flat else depth, height, width)
        return resize(np.concatenate(planes, 1), size)


def resize(image: ArrayLike, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Resample a (C, Z, Y, X) image linearly to Z, Y and X of `shape`.

    Where it shrinks, every new pixel is a weighted mean of all that it covers.
    """
    values = torch.from_numpy(np.array(image, np.float32))
    if tuple(values.shape[2:]) != shape[1:]:
        # Slices pose as the channels of a batch of channels.
        values = F.interpolate(values, shape[1:], mode="bilinear", antialias=True)
    if values.shape[1] != shape[0]:
        columns = values.flatten(2).unsqueeze(1)
        size = (shape[0], columns.shape[-1])
        columns = F.interpolate(columns, size, mode="bilinear", antialias=True)
        values = columns.reshape(values.shape[0], *shape)
    return np.asarray(values.numpy())
