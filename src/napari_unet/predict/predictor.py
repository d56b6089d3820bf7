"""A trained network applied to a stack, tile by tile."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from napari_unet.config import PredictConfig
from napari_unet.data.crop import crop_mirrored
from napari_unet.errors import InputError
from napari_unet.model.checkpoint import Model
from napari_unet.model.device import Device, choose_device, memory_errors
from napari_unet.model.losses import probabilities
from napari_unet.predict.tiles import Tile, plan_tiles

_ADVICE = "Lower the tile size, or choose the CPU as device."


@dataclass(frozen=True, eq=False)
class TileDone:
    """A part of the image that is predicted.

    Attributes
    ----------
    done, total
        Tiles so far, and tiles in all.
    core
        Where the part lies in the (Z, Y, X) image.
    probabilities
        (num_classes, z, y, x) float32.
    """

    done: int
    total: int
    core: tuple[slice, ...]
    probabilities: NDArray[np.float32]

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The most probable class of each pixel, (z, y, x)."""
        return np.asarray(self.probabilities.argmax(axis=0), np.uint8)


@dataclass(frozen=True, eq=False)
class Prediction:
    """A predicted stack that fills up tile by tile.

    Attributes
    ----------
    labels
        (Z, Y, X) uint8, the most probable class.
    probabilities
        (num_classes, Z, Y, X) float32, or None where they are not kept.
    """

    labels: NDArray[np.uint8]
    probabilities: NDArray[np.float32] | None = None

    @classmethod
    def empty(
        cls, shape: Sequence[int], num_classes: int, *, keep: bool = False
    ) -> Prediction:
        """Return a prediction of a (Z, Y, X) shape, all background so far."""
        kept = np.zeros((num_classes, *shape), np.float32) if keep else None
        return cls(np.zeros(tuple(shape), np.uint8), kept)

    def add(self, tile: TileDone) -> None:
        """Put a tile where it belongs."""
        self.labels[tile.core] = tile.labels
        if self.probabilities is not None:
            self.probabilities[(slice(None), *tile.core)] = tile.probabilities


class Predictor:
    """Applies a model to images.

    Parameters
    ----------
    model
        Network and card, as `load_model` returns them.
    config
        Tile size, batch and device.
    device
        Overrides the device of `config`, for callers that hold one already.
    """

    def __init__(
        self,
        model: Model,
        config: PredictConfig | None = None,
        device: Device | None = None,
    ) -> None:
        self.model = model
        self.config = config or PredictConfig()
        ndim = model.network.config.ndim
        self.device = device or choose_device(self.config.device, ndim)
        self._stop = threading.Event()

    def stop(self) -> None:
        """End the prediction that runs after the tile in work; from any thread."""
        self._stop.set()

    def predict(self, image: ArrayLike, *, keep: bool = False) -> Prediction:
        """Predict a (C, Z, Y, X) image; `keep` also returns the probabilities."""
        shape = np.shape(image)[1:]
        prediction = Prediction.empty(shape, self.num_classes, keep=keep)
        for tile in self.tiles(image):
            prediction.add(tile)
        return prediction

    @property
    def num_classes(self) -> int:
        """Channels of the probabilities: background and every class."""
        return max(2, self.model.network.config.num_classes)

    def tiles(self, image: ArrayLike) -> Iterator[TileDone]:
        """Normalise and predict a (C, Z, Y, X) image, yielding every tile when done.

        Raises
        ------
        InputError
            When the image has other channels than the network was trained on.
        OutOfMemoryError
            When a tile does not fit into the memory of the device.
        """
        self._check(np.shape(image))
        return self.normalised_tiles(self.model.card.normalization(image))

    def normalised_tiles(self, image: NDArray[np.float32]) -> Iterator[TileDone]:
        """Predict a (C, Z, Y, X) image that is normalised already."""
        self._stop.clear()
        self._prepare()
        depth, height, width = image.shape[1:]
        plan = plan_tiles(
            (depth, height, width), self.model.network.config, self.config
        )
        done = 0
        for batch in _batches(plan, self.config.batch_size):
            if self._stop.is_set():
                return
            with memory_errors(_ADVICE):
                answers = self._forward(image, batch)
            for tile, answer in zip(batch, answers, strict=True):
                done += 1
                yield TileDone(done, len(plan), tile.core, answer)

    def _prepare(self) -> None:
        network = self.model.network
        layout = self.device.memory_format(network.config.ndim)
        with memory_errors(_ADVICE):
            network.to(self.device.device, memory_format=layout)  # type: ignore[call-overload]

    def _forward(
        self, image: NDArray[np.float32], tiles: list[Tile]
    ) -> list[NDArray[np.float32]]:
        network = self.model.network
        crops = np.stack([_crop(image, tile) for tile in tiles])
        if network.config.ndim == 2:
            crops = crops[:, :, 0]
        inputs = torch.from_numpy(crops).to(
            self.device.device,
            memory_format=self.device.memory_format(network.config.ndim),
        )
        network.eval()
        with torch.inference_mode(), self.device.autocast():
            answer = probabilities(network(inputs)).cpu().numpy()
        if network.config.ndim == 2:
            answer = answer[:, :, None]
        return [
            np.ascontiguousarray(one[(slice(None), *(s.keep for s in tile.spans))])
            for one, tile in zip(answer, tiles, strict=True)
        ]

    def _check(self, shape: tuple[int, ...]) -> None:
        wanted = self.model.network.config.in_channels
        if len(shape) != 4:
            raise InputError(
                f"An image of shape {shape} cannot be predicted: give channels, "
                "slices, Y and X."
            )
        if shape[0] != wanted:
            raise InputError(
                f"The image has {shape[0]} channel(s), the model was trained on "
                f"{wanted}: choose another image or model."
            )


def _crop(image: NDArray[np.float32], tile: Tile) -> NDArray[np.float32]:
    starts = [span.start for span in tile.spans]
    return np.asarray(crop_mirrored(image, starts, tile.sizes), np.float32)


def _batches(plan: list[Tile], size: int) -> Iterator[list[Tile]]:
    """Group neighbouring tiles of equal size."""
    batch: list[Tile] = []
    for tile in plan:
        if batch and (len(batch) == size or tile.sizes != batch[0].sizes):
            yield batch
            batch = []
        batch.append(tile)
    if batch:
        yield batch
