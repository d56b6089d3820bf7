"""What a network answers to an example, for other programs to compare with."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image

from napari_unet.model.losses import probabilities
from napari_unet.samples import em_stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_unet.model.checkpoint import Model
    from napari_unet.model.networks import SegmentationNetwork

_ORANGE = (1.0, 0.6, 0.1)


@dataclass(frozen=True, eq=False)
class Example:
    """A synthetic image and what a model makes of it.

    Attributes
    ----------
    image
        (1, C, [Z,] Y, X) float32, grey values.
    normalised
        The same as the network takes it.
    answer
        (1, classes, [Z,] Y, X) float32 probabilities; of one output foreground alone.
    moments
        Largest difference of `answer` to that with the model's own moments.
    """

    image: NDArray[np.float32]
    normalised: Tensor
    answer: NDArray[np.float32]
    moments: float


def example(model: Model, sides: Sequence[int], axes: Sequence[int]) -> Example:
    """Return an example of a model.

    Parameters
    ----------
    model
        What answers, on the CPU and not training.
    sides
        [Z,] Y and X of the image.
    axes
        Of (1, C, [Z,] Y, X), those whose pixels share mean and standard deviation.
    """
    config = model.network.config
    stack, _ = em_stack(tuple(sides))
    plane = np.asarray(stack.data, np.float32)
    image = np.stack([plane] * config.in_channels)[None]
    normalised = torch.from_numpy(plainly_normalised(image, axes))
    answer = _answer(model.network, normalised)
    slices = image[0] if config.ndim == 3 else image[0][:, None]
    own = model.card.normalization(slices)
    robust = torch.from_numpy(own if config.ndim == 3 else own[:, 0])[None]
    moments = float(np.abs(_answer(model.network, robust) - answer).max())
    return Example(image, normalised, answer, moments)


def plainly_normalised(
    image: NDArray[np.float32], axes: Sequence[int]
) -> NDArray[np.float32]:
    """Bring an image to mean 0 and standard deviation 1, as `zero_mean_unit_variance`.

    Parameters
    ----------
    image
        Grey values.
    axes
        Over which mean and standard deviation are taken.
    """
    axes = tuple(axes)
    mean = image.mean(axes, keepdims=True, dtype=np.float64)
    std = image.std(axes, keepdims=True, dtype=np.float64)
    normalised: NDArray[np.float32] = ((image - mean) / (std + 1e-6)).astype(np.float32)
    return normalised


def cover(example: Example) -> bytes:
    """Return a PNG, twice as wide as high: the image, and the foreground on it."""
    grey, foreground = example.image[0, 0], 1 - example.answer[0, 0]
    if example.answer.shape[1] == 1:
        foreground = example.answer[0, 0]
    if grey.ndim == 3:
        grey, foreground = grey[len(grey) // 2], foreground[len(foreground) // 2]
    inner = tuple(
        slice((have - want) // 2, (have + want) // 2)
        for have, want in zip(grey.shape, foreground.shape, strict=True)
    )
    picture = np.repeat(grey[inner][..., None] / 255, 3, -1)
    share = 0.5 * foreground[..., None]
    painted = picture * (1 - share) + share * np.asarray(_ORANGE)
    both = np.concatenate([picture, painted], 1).clip(0, 1)
    file = io.BytesIO()
    Image.fromarray((255 * both).round().astype(np.uint8)).save(file, "png")
    return file.getvalue()


def as_npy(array: NDArray[np.float32]) -> bytes:
    """Return an array as the content of a .npy file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _answer(network: SegmentationNetwork, image: Tensor) -> NDArray[np.float32]:
    with torch.inference_mode():
        answer: NDArray[np.float32] = probabilities(network(image)).numpy()
    return answer[:, 1:] if network.config.num_classes == 1 else answer
