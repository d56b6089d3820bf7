"""A trained network applied to a stack, tile by tile."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from threading import Event

import numpy as np
import torch
from torch import Tensor

from napari_unet.config import PredictConfig
from napari_unet.data.crop import Cuttable, crop_mirrored
from napari_unet.data.stack import ArrayLike
from napari_unet.errors import InputError, OutOfMemoryError
from napari_unet.model.device import Device, choose_device, memory_errors
from napari_unet.model.predictable import Predictable
from napari_unet.model.threads import Threads
from napari_unet.predict.averaging import averaged
from napari_unet.predict.backend import Backend
from napari_unet.predict.memory import Capacity, choose
from napari_unet.predict.prediction import Prediction, TileDone
from napari_unet.predict.tiles import Tile, align, from_middle, plan_tiles

_ADVICE = "Close other programs, or use a smaller network."


class Predictor:
    """Applies a model to images.

    Parameters
    ----------
    model
        Network and card, as `load_model` and `open_package` return them.
    config
        Tile size, batch, averaging and device.
    device
        Overrides the device of `config`, for callers that hold one already since they
        train the network. Torch then predicts by the network itself: weights that
        change are neither compiled nor folded.
    threads
        The CPU threads of its batches of tiles; those that are fastest when left out.

    Attributes
    ----------
    threshold
        Of the foreground, as in `classify`: that of `config`, else of the model.
    """

    def __init__(
        self,
        model: Predictable,
        config: PredictConfig | None = None,
        device: Device | None = None,
        threads: Threads | None = None,
    ) -> None:
        self.model = model
        self.config = config or PredictConfig()
        self.footprint = model.network.footprint
        chosen = device or choose_device(self.config.device, self.footprint.ndim)
        precise = chosen.precise or model.network.precise
        self.device = replace(chosen, precise=precise)
        backend = self.config.backend if device is None else None
        times = 8 if self.config.average else 1
        self._backend = Backend(model.network, self.device, backend, times)
        self._threads = threads or Threads(self.device)
        self.threshold = self.config.threshold
        if self.threshold is None:
            self.threshold = model.card.threshold

    def predict(
        self, image: ArrayLike, *, keep: bool = False, normalised: bool = False
    ) -> Prediction:
        """Predict a (C, Z, Y, X) image; `keep` also returns the probabilities."""
        prediction = self.empty(image.shape[1:], keep=keep)
        tiles = self.normalised_tiles if normalised else self.tiles
        for tile in tiles(image):
            prediction.add(tile)
        return prediction

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuse the (C, Z, Y, X) shape of an image that the model does not take.

        Raises
        ------
        InputError
            Saying what the model was trained on.
        """
        wanted = self.footprint.in_channels
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

    def empty(self, shape: Sequence[int], *, keep: bool = False) -> Prediction:
        """Return what the tiles of a (Z, Y, X) image can be added to: background."""
        sizes, dtype = (self.num_classes, *shape), self.config.probabilities
        kept = np.zeros(sizes, dtype) if keep else None
        if kept is not None:
            kept[0] = 1
        return Prediction(np.zeros(tuple(shape), np.uint8), kept)

    def device_for(self, shape: Sequence[int]) -> Device:
        """Return the device, whose words say what predicts a (Z, Y, X) image there."""
        return self._backend.device(shape)

    @property
    def num_classes(self) -> int:
        """Channels of the probabilities: background and every class."""
        return self.footprint.num_classes

    def tiles(self, image: ArrayLike, stop: Event | None = None) -> Iterator[TileDone]:
        """Normalise and predict a (C, Z, Y, X) image, yielding every tile when done.

        The image is read twice, slice by slice to normalise it and then tile by tile,
        and never copied as a whole.

        Where the memory of the device is full, fewer tiles go through the network at
        once, then smaller ones, and at last the CPU takes over; the next tile has a
        message that says so, and those that are done stay.

        Parameters
        ----------
        image
            Grey values, an array or a lazy one.
        stop
            Ends the prediction after the tile in hand once it is set; from any thread.

        Raises
        ------
        InputError
            When the image has other channels than the network was trained on.
        OutOfMemoryError
            When not even the CPU's memory holds the smallest tile.
        """
        self.check(image.shape)
        normalised = self.model.card.normalization.lazily(image)
        return self.normalised_tiles(normalised, stop=stop)

    def normalised_tiles(
        self,
        image: Cuttable,
        within: Sequence[slice] | None = None,
        stop: Event | None = None,
        *,
        middle_first: bool = False,
        of: Sequence[int] | None = None,
    ) -> Iterator[TileDone]:
        """Predict a (C, Z, Y, X) image that is normalised already.

        Only the box `within` (Z, Y and X) is predicted where one is given; tiles are
        laid from the pooling grid on, so that it gets what the whole would give. Those
        in its middle come first for somebody who looks there. `of` is the (Z, Y, X) of
        the image that this is a part of, for which one backend predicts all.
        """
        network, stop = self.footprint, stop or Event()
        capacity = choose(image.shape[1:], network, self.config, self.device)
        wanted = within or [slice(0, length) for length in capacity.shape]
        aligned = align(wanted, network)
        plan = plan_tiles(capacity.shape, network, capacity.config, aligned)
        waiting = deque(from_middle(plan, wanted) if middle_first else plan)
        compiled = self._backend.compiles(of or image.shape[1:])
        done, messages = 0, ""
        try:
            while waiting and not stop.is_set():
                batch = _next_batch(waiting, capacity.batch_size)
                pixels = len(batch) * math.prod(batch[0].sizes)
                with nullcontext() if compiled else self._threads.fastest(pixels):
                    answers = self._try(image, batch, capacity, compiled=compiled)
                if answers is None:
                    capacity, words = self._reduced(capacity)
                    messages = f"{messages}\n{words}".lstrip()
                    waiting = _cut([*batch, *waiting], capacity)
                    continue
                messages = f"{messages}\n{self._backend.told()}".strip()
                total = done + len(batch) + len(waiting)
                for tile, answer in zip(batch, answers, strict=True):
                    done += 1
                    kept = answer.numpy().astype(self.config.probabilities, copy=False)
                    parts = done, total, tile.core, kept, self.threshold, messages
                    yield TileDone(*parts).within(wanted)
                    messages = ""
        finally:
            self._backend.release()
            if capacity.device != self.device:
                # Whoever trains this network goes on where it was.
                self._place(self.device)

    def _reduced(self, capacity: Capacity) -> tuple[Capacity, str]:
        if capacity.device.device.type == "cuda":
            torch.cuda.empty_cache()
        reduced = capacity.reduced(self.config)
        if reduced is None:
            raise OutOfMemoryError(
                f"The memory does not hold the smallest tile of this network. {_ADVICE}"
            )
        return reduced

    def _try(
        self,
        image: Cuttable,
        tiles: list[Tile],
        capacity: Capacity,
        *,
        compiled: bool,
    ) -> list[Tensor] | None:
        """Return the probabilities of every tile, or None where memory is full.

        The error is not kept: its traceback would hold on to all that was computed.
        """
        try:
            with memory_errors(_ADVICE):
                self._place(capacity.device)
                return self._forward(image, tiles, capacity.device, compiled=compiled)
        except (OutOfMemoryError, MemoryError):
            return None

    def _place(self, device: Device) -> None:
        device.place(self._backend.network, self.footprint.ndim)

    def _forward(
        self, image: Cuttable, tiles: list[Tile], device: Device, *, compiled: bool
    ) -> list[Tensor]:
        network = self._backend.network
        probabilities = (self._backend if compiled else network).probabilities
        flat = self.footprint.ndim == 2
        layout = device.memory_format(self.footprint.ndim)
        crops = [
            crop_mirrored(image, [span.start for span in tile.spans], tile.sizes)
            for tile in tiles
        ]
        inputs = torch.from_numpy(np.asarray(crops, np.float32))
        inputs = inputs.squeeze(2) if flat else inputs
        inputs = inputs.to(device.device, memory_format=layout)

        def answers(images: Tensor) -> Tensor:
            images = images.contiguous(memory_format=layout)
            return probabilities(images)

        network.eval()
        with torch.inference_mode(), device.autocast():
            average = self.config.average
            answer = averaged(answers, inputs) if average else answers(inputs)
        answer = answer.unsqueeze(2) if flat else answer
        return [
            one[(slice(None), *(span.keep for span in tile.spans))].cpu().contiguous()
            for one, tile in zip(answer, tiles, strict=True)
        ]


def _next_batch(waiting: deque[Tile], size: int) -> list[Tile]:
    """Take the next tiles, up to `size` of them, that are equally large."""
    batch = [waiting.popleft()]
    while waiting and len(batch) < size and waiting[0].sizes == batch[0].sizes:
        batch.append(waiting.popleft())
    return batch


def _cut(tiles: Sequence[Tile], capacity: Capacity) -> deque[Tile]:
    """Cut tiles that are not predicted yet into what goes through the network now."""
    cut = (
        plan_tiles(capacity.shape, capacity.network, capacity.config, tile.core)
        for tile in tiles
    )
    return deque(part for parts in cut for part in parts)
