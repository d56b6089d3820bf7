"""What the outputs of a network of another program mean, and what becomes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_unet.errors import InputError
from napari_unet.model.foreign.tensors import TensorDescription
from napari_unet.model.foreign.transforms import Above, Sigmoid, Softmax, Step

_IMAGES = {"denoising", "restoration", "image-restoration", "super-resolution"}
_SLACK = 1e-3
_MOST = 254


@dataclass(frozen=True)
class Meaning:
    """What the channels of an output are.

    Attributes
    ----------
    names
        Of all classes, background first.
    background
        Number of the channel that is background; None where there is none, and a pixel
        is background as far as no channel claims it.
    logits
        What still turns the channels into probabilities.
    words
        What becomes of them, to the user.
    """

    names: tuple[str, ...]
    background: int | None
    logits: Step | None
    words: str

    def probabilities(self, values: Tensor) -> Tensor:
        """Turn (B, C, Z, Y, X) outputs into probabilities of the classes."""
        if self.logits is not None:
            values = self.logits(values)
        values = values.clamp(0, 1)
        if self.background is None:
            return torch.cat([1 - values.amax(1, keepdim=True), values], 1)
        order = [self.background]
        order += [n for n in range(values.shape[1]) if n != self.background]
        return values[:, order]


def meaning_of(
    output: TensorDescription, tags: Sequence[str], example: NDArray[np.generic] | None
) -> Meaning:
    """Find out what an output means.

    Parameters
    ----------
    output
        Its description.
    tags
        Of the package.
    example
        The output for the package's own example, (B, C, Z, Y, X), where it has one.

    Raises
    ------
    InputError
        When no classes of pixels can be made of it.
    """
    _check(output, tags, example)
    count, names = output.channels, _names(output)
    ready = any(isinstance(step, Sigmoid | Softmax | Above) for step in output.steps)
    if example is not None:
        ready = bool(example.min() >= -_SLACK and example.max() <= 1 + _SLACK)
    what = "probabilities" if ready else "logits"
    if count == 1:
        logits: Step | None = None if ready else Sigmoid()
        words = f"1 channel, {what}: class 1 is {names[0]}"
        return Meaning(("background", names[0]), None, logits, words)
    if _exclusive(output, example, ready):
        known = [name for name in names if "background" in name.lower()]
        background = names.index(known[0]) if known else 0
        others = [name for n, name in enumerate(names) if n != background]
        words = (
            f"{count} channels, {what} of classes: background is {names[background]}, "
            f"{_listed(others)}"
        )
        logits = None if ready else Softmax()
        return Meaning(("background", *others), background, logits, words)
    words = (
        f"{count} channels, each by itself: {_listed(names)}; a pixel is of the most "
        "probable one, and background below 0.5"
    )
    return Meaning(("background", *names), None, None, words)


def _check(
    output: TensorDescription, tags: Sequence[str], example: NDArray[np.generic] | None
) -> None:
    images = _IMAGES.intersection(tag.lower() for tag in tags)
    if images:
        raise InputError(
            f"It makes images and no classes of pixels (its tags say {min(images)}): "
            "use the program that it is for."
        )
    named = " ".join([output.about, *_names(output)]).lower()
    if "affinit" in named:
        raise InputError(
            "It gives affinities between pixels, which become cells by a clustering "
            "that is not done here: use the program that it is for."
        )
    if output.channels > _MOST:
        raise InputError(
            f"Its output has {output.channels} channels; classes are at most {_MOST}."
        )
    if example is not None and example.dtype.kind in "iu" and example.max() > 1:
        raise InputError(
            "Its output is labels and no probabilities: use the program that it is for."
        )


def _exclusive(
    output: TensorDescription, example: NDArray[np.generic] | None, ready: bool
) -> bool:
    """Return whether the channels are classes of which every pixel has one."""
    if example is not None and ready:
        return bool(np.abs(example.sum(1, dtype=np.float64) - 1).max() < 10 * _SLACK)
    return not any(isinstance(step, Sigmoid | Above) for step in output.steps)


def _names(output: TensorDescription) -> list[str]:
    axis = output.axis("channel")
    if axis is not None and axis.names:
        return [name.replace("_", " ") for name in axis.names]
    if output.channels == 1:
        return [output.name]
    return [f"channel {number}" for number in range(output.channels)]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"class {n} is {name}" for n, name in enumerate(names, 1))
