"""What is done to values before and after a network, as a package describes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_unet.data.crop import Cuttable
from napari_unet.data.normalize import Normalization, check_finite, check_grey_values
from napari_unet.data.stack import ArrayLike
from napari_unet.errors import InputError

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
class Measuring(Step):
    """Take something from all values and divide them, by what is measured of them."""

    eps: float = 1e-6

    def __call__(self, values: Tensor) -> Tensor:
        """Return the changed values."""
        less, by = self.measure(values)
        return ((values - less) / by).float()

    def measure(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return what is taken from values and what they are divided by."""
        raise NotImplementedError


@dataclass(frozen=True)
class Moments(Measuring):
    """Bring the mean to 0 and the standard deviation to 1."""

    def measure(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation."""
        exact = values.double()
        std = exact.std(self.axes, correction=0, keepdim=True)
        return exact.mean(self.axes, keepdim=True), std + self.eps


@dataclass(frozen=True)
class Percentiles(Measuring):
    """Bring one percentile to 0 and another to 1."""

    low: float = 0.0
    high: float = 100.0

    def measure(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return the lower percentile, and how far the other lies above it."""
        ends = np.percentile(
            values.numpy(), (self.low, self.high), axis=self.axes, keepdims=True
        )
        low, high = torch.from_numpy(np.asarray(ends, np.float32)).unbind()
        return low, high - low + self.eps


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
        return self.prepared(image, slice(0, None))

    def prepared(self, image: ArrayLike, slices: slice) -> NDArray[np.float32]:
        """Prepare some slices of a (C, Z, Y, X) image."""
        values = _read(image, slices)
        # Slices of a network with 2 dimensions are samples of a batch.
        flat = self.ndim == 2
        batch = values.transpose(0, 1).unsqueeze(2) if flat else values.unsqueeze(0)
        batch = _done(self.steps, batch)
        done = batch.squeeze(2).transpose(0, 1) if flat else batch.squeeze(0)
        return np.ascontiguousarray(done.numpy())

    def lazily(self, image: ArrayLike) -> Cuttable:
        """Prepare a (C, Z, Y, X) image: slice by slice where none depends on others."""
        check_grey_values(image)
        if self.per == "image":
            return self(image)
        return _PreparedSlices(image, self)

    def check_slices(self) -> None:
        """Raise InputError where a step measures more than slices one by one."""
        _, step, _ = self._parts()
        percentiles = self._together and isinstance(step, Percentiles)
        if percentiles or not {3, 4} <= {*step.axes}:
            raise InputError(_AT_ONCE)

    def of_slices(self, planes: Iterable[NDArray[np.float32]]) -> NDArray[np.float64]:
        """Measure (C, Y, X) slices, as `Normalization` does: (3, C, Z).

        Raises
        ------
        InputError
            Where a step needs the whole image at once.
        """
        self.check_slices()
        before, step, _ = self._parts()
        alone = replace(step, eps=0.0, axes=tuple({*step.axes} & {1, 3, 4}))
        # What does not fit into 32 bits is told by `combined`.
        with np.errstate(over="ignore", invalid="ignore"):
            found = [_of_plane(plane, before, alone) for plane in planes]
        return np.stack(found, -1)

    def combined(
        self, found: NDArray[np.float64], image: ArrayLike, first: int = 0
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return what is taken from slices, and what they are divided by.

        Raises
        ------
        InputError
            As `Normalization` does.
        """
        mean, variance, _ = found
        check_finite(mean, image, first)
        if self._together:
            whole = mean.mean(-1, keepdims=True)
            variance = (variance + (mean - whole) ** 2).mean(-1, keepdims=True)
            mean = whole
        std = np.sqrt(variance) + self._parts()[1].eps
        mean, std = mean[..., None, None], std[..., None, None]
        return mean.astype(np.float32), std.astype(np.float32)

    def applied(
        self, image: Cuttable, mean: NDArray[np.float32], std: NDArray[np.float32]
    ) -> Cuttable:
        """Prepare a (C, Z, Y, X) image where it is read, by what was measured of it."""
        before, _, after = self._parts()
        return _PreparedBoxes(image, before, (mean, std), after)

    @property
    def _together(self) -> bool:
        """Whether all slices share what is measured."""
        return (0 if self.ndim == 2 else 2) in self._parts()[1].axes

    def _parts(self) -> tuple[Sequence[Step], Measuring, Sequence[Step]]:
        """Return the only step that measures, and those before and after it."""
        at = [n for n, one in enumerate(self.steps) if isinstance(one, Measuring)]
        if len(at) > 1:
            raise InputError(_AT_ONCE)
        if not at:
            return self.steps, _Nothing((3, 4), 0.0), ()
        return self.steps[: at[0]], self.steps[at[0]], self.steps[at[0] + 1 :]


_AT_ONCE = (
    "The package measures more of an image than is read at once in blocks: predict "
    "it in memory, to a TIFF file or in the Predict tab."
)


class _Nothing(Measuring):
    """What no step measures."""

    def measure(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return 0 and 1."""
        one = torch.ones_like(values[..., :1, :1, :1])
        return one - 1, one


class _PreparedSlices:
    """A (C, Z, Y, X) image whose slices are prepared when they are read."""

    def __init__(self, image: ArrayLike, preprocessing: Preprocessing) -> None:
        self._image, self._prepare = image, preprocessing.prepared
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
            self._kept = {z: self._prepare(self._image, slice(z, z + 1))}
        return self._kept[z]


class _PreparedBoxes:
    """A (C, Z, Y, X) image that is prepared where it is read."""

    def __init__(
        self,
        image: Cuttable,
        before: Sequence[Step],
        moments: tuple[NDArray[np.float32], NDArray[np.float32]],
        after: Sequence[Step],
    ) -> None:
        self._image, self._before, self._after = image, before, after
        whole = (*image.shape[:2], 1, 1)
        self._mean, self._std = (np.broadcast_to(one, whole) for one in moments)

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, Z, Y, X)."""
        return tuple(self._image.shape)

    def __getitem__(self, box: tuple[slice, ...]) -> NDArray[np.float32]:
        """Return a box, given as slices of C, Z, Y and X."""
        part = torch.from_numpy(np.array(self._image[box], np.float32))
        less, by = (torch.tensor(one[box[:2]]) for one in (self._mean, self._std))
        values = (_done(self._before, part[None]) - less) / by
        return np.ascontiguousarray(_done(self._after, values)[0].numpy())


def _read(image: ArrayLike, slices: slice) -> Tensor:
    """Return slices of (C, Z, Y, X) as 32-bit floats, all of them numbers."""
    check_grey_values(image)
    with np.errstate(over="ignore", invalid="ignore"):  # it is told
        array = np.array(image[:, slices], np.float32)
        check_finite(array.mean((2, 3), dtype=np.float64), image, slices.start)
    return torch.from_numpy(array)


def _of_plane(
    plane: NDArray[np.float32], before: Sequence[Step], step: Measuring
) -> NDArray[np.float64]:
    """Return what a step takes from (C, Y, X), the square of by what, and pixels."""
    values = _done(before, torch.from_numpy(plane)[None, :, None])
    less, by = step.measure(values)
    both = torch.cat([less.double(), by.double() ** 2])[..., 0, 0, 0].numpy()
    # NaN where a value is no number, also if the steps before cut it off.
    number = 0 * plane.mean((1, 2), dtype=np.float64)
    mean, variance = np.broadcast_to(both, (2, values.shape[1])) + number
    return np.stack([mean, variance, np.full(len(mean), float(plane[0].size))])


def _done(steps: Sequence[Step], values: Tensor) -> Tensor:
    for step in steps:
        values = step(values)
    return values


def _channels(numbers: Numbers, values: Tensor) -> Tensor:
    """Return one number for all, or one for each channel, to compute with."""
    return values.new_tensor(numbers).view(1, -1, 1, 1, 1)
