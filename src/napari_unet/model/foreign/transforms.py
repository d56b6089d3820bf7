"""What is done to values before and after a network, as a package describes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_unet.data.crop import Cuttable
from napari_unet.data.normalize import Normalization, check_grey_values
from napari_unet.data.stack import ArrayLike

AXES = ("batch", "channel", "z", "y", "x")
"""The order in which steps are handed values; what a network lacks has size 1."""
Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Step:
    """Something that is done to (B, C, Z, Y, X) values.

    Attributes
    ----------
    axes
        Numbers of the axes over which it measures; () where it measures nothing.
    """

    axes: tuple[int, ...] = ()

    def __call__(self, values: Tensor) -> Tensor:
        """Return the changed values."""
        raise NotImplementedError


@dataclass(frozen=True)
class Linear(Step):
    """Multiply, then add; each once for all, or once for every channel."""

    gain: Numbers = (1.0,)
    offset: Numbers = (0.0,)

    def __call__(self, values: Tensor) -> Tensor:
        """Return the changed values."""
        return values * _channels(self.gain, values) + _channels(self.offset, values)


@dataclass(frozen=True)
class Moments(Step):
    """Bring the mean to 0 and the standard deviation to 1."""

    eps: float = 1e-6

    def __call__(self, values: Tensor) -> Tensor:
        """Return the changed values."""
        exact = values.double()
        mean = exact.mean(self.axes, keepdim=True)
        std = exact.std(self.axes, correction=0, keepdim=True)
        return ((exact - mean) / (std + self.eps)).float()


@dataclass(frozen=True)
class Percentiles(Step):
    """Bring one percentile to 0 and another to 1."""

    low: float = 0.0
    high: float = 100.0
    eps: float = 1e-6

    def __call__(self, values: Tensor) -> Tensor:
        """Return the changed values."""
        ends = np.percentile(
            values.numpy(), (self.low, self.high), axis=self.axes, keepdims=True
        )
        low, high = torch.from_numpy(np.asarray(ends, np.float32)).unbind()
        return (values - low) / (high - low + self.eps)


@dataclass(frozen=True)
class Clip(Step):
    """Take what is lower or higher for the limits."""

    low: float | None = None
    high: float | None = None

    def __call__(self, values: Tensor) -> Tensor:
        """Return the changed values."""
        return values.clamp(self.low, self.high)


@dataclass(frozen=True)
class Above(Step):
    """Return 1 above a threshold and 0 elsewhere."""

    threshold: Numbers = (0.5,)

    def __call__(self, values: Tensor) -> Tensor:
        """Return the changed values."""
        return (values > _channels(self.threshold, values)).float()


@dataclass(frozen=True)
class Sigmoid(Step):
    """Turn logits into probabilities, each by itself."""

    def __call__(self, values: Tensor) -> Tensor:
        """Return the changed values."""
        return torch.sigmoid(values)


@dataclass(frozen=True)
class Softmax(Step):
    """Turn logits into probabilities that add up to 1 over the channels."""

    def __call__(self, values: Tensor) -> Tensor:
        """Return the changed values."""
        return torch.softmax(values, 1)


@dataclass(frozen=True)
class Whole(Step):
    """Round down to whole numbers of a range, as a cast to them does."""

    low: float = 0.0
    high: float = 255.0

    def __call__(self, values: Tensor) -> Tensor:
        """Return the changed values."""
        return values.trunc().clamp(self.low, self.high)


class Preprocessing(Normalization):
    """The steps before a network of another program, in the place of ours.

    What is measured is measured over single slices for networks of 2 dimensions, over
    the stack where a step asks for all of the data, and over volumes in 3D.

    Attributes
    ----------
    steps
        What is done, in this order.
    ndim
        Dimensions of the network.
    """

    steps: tuple[Any, ...] = ()
    ndim: int = 2

    @classmethod
    def of(cls, steps: Sequence[Step], ndim: int) -> Preprocessing:
        """Return the preprocessing of some steps."""
        together = ndim == 3 or any(0 in step.axes for step in steps)
        return cls(per="image" if together else "slice", steps=tuple(steps), ndim=ndim)

    def __call__(self, image: ArrayLike) -> NDArray[np.float32]:
        """Prepare a (C, Z, Y, X) image.

        Raises
        ------
        InputError
            As `Normalization` does.
        """
        check_grey_values(image)
        values = torch.from_numpy(np.array(image, np.float32))
        # Slices of a network with 2 dimensions are samples of a batch.
        flat = self.ndim == 2
        batch = values.transpose(0, 1).unsqueeze(2) if flat else values.unsqueeze(0)
        for step in self.steps:
            batch = step(batch)
        done = batch.squeeze(2).transpose(0, 1) if flat else batch.squeeze(0)
        return np.ascontiguousarray(done.numpy())

    def lazily(self, image: ArrayLike) -> Cuttable:
        """Prepare a (C, Z, Y, X) image: slice by slice where none depends on others."""
        check_grey_values(image)
        if self.per == "image":
            return self(image)
        return _PreparedSlices(image, self)


class _PreparedSlices:
    """A (C, Z, Y, X) image whose slices are prepared when they are read."""

    def __init__(self, image: ArrayLike, preprocessing: Preprocessing) -> None:
        self._image, self._prepare = image, preprocessing
        self._kept: dict[int, NDArray[np.float32]] = {}

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, Z, Y, X)."""
        return tuple(self._image.shape)

    def __getitem__(self, box: tuple[slice, ...]) -> NDArray[np.float32]:
        """Return a box, given as slices of C, Z, Y and X."""
        wanted = range(*box[1].indices(self.shape[1]))
        planes = [self._slice(z) for z in wanted]
        return np.concatenate(planes, 1)[(box[0], slice(None), *box[2:])]

    def _slice(self, z: int) -> NDArray[np.float32]:
        if z not in self._kept:
            # The tiles of a slice follow each other.
            self._kept = {z: self._prepare(self._image[:, z : z + 1])}
        return self._kept[z]


def _channels(numbers: Numbers, values: Tensor) -> Tensor:
    """Return one number for all, or one for each channel, to compute with."""
    return values.new_tensor(numbers).view(1, -1, 1, 1, 1)
