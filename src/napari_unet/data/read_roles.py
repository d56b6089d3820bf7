"""Image, annotations and ground truth read from files, and described in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from napari_unet.data.annotation import describe, guess_kind, to_target
from napari_unet.data.dimensions import of_labels
from napari_unet.data.doubts import check_names
from napari_unet.data.labels import check_same_size
from napari_unet.data.read import read_labels, read_stack
from napari_unet.data.stack import Stack
from napari_unet.errors import DoubtfulLabelsError
from napari_unet.words import sides

TITLES = {
    "image": "Image",
    "annotations": "Annotations",
    "truth": "Ground truth",
}
"""What may be read, by its role."""


@dataclass(frozen=True)
class Reading:
    """The file that is read next, and the share of all bytes that lies before it."""

    name: str
    share: float


def read_roles(
    paths: dict[str, Path],
    axes: str | None,
    stop: Event,
    level: int = 0,
    image: Stack | None = None,
) -> Iterator[Reading | tuple[str, Stack, str]]:
    """Read image and labels in turn; by their roles, as `TITLES` has them.

    `axes` and `level` are those of the image, as `read_stack` takes them; `image` is
    the one that labels belong to where none is read.

    Yields
    ------
    What is read next; then its role, its stack, and what was understood.

    Raises
    ------
    InputError
        When a file cannot be read, or labels have another size than the image.
    """
    sizes = {role: _bytes(path) for role, path in paths.items()}
    total, done = max(1, sum(sizes.values())), 0
    for role, path in paths.items():
        if stop.is_set():
            return
        yield Reading(path.name, done / total)
        done += sizes[role]
        if role == "image":
            image = read_stack(path, axes=axes, level=level)
            yield role, image, _describe_image(image)
            continue
        stack = read_labels(path, image, axes=of_labels(axes))
        labels = np.asarray(stack.as_zyx())
        if image is not None:
            shape = tuple(image.as_czyx().shape[1:])
            names = f"{path} is", "the image is"
            advice = "choose labels of this image"
            check_same_size(labels.shape, shape, names, advice)
        words = f"{TITLES[role]}: {_describe_labels(labels)}"
        yield role, stack, "\n".join([words, *_doubts(image, path)])


def _doubts(image: Stack | None, labels: Path) -> list[str]:
    try:
        check_names(None if image is None else Path(image.source), labels)
    except DoubtfulLabelsError as error:
        return [str(error)]
    return []


def _bytes(path: Path) -> int:
    """Return the size of a file or of all files of a folder; 0 where it is unknown."""
    try:
        files = path.iterdir() if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files if file.is_file())
    except OSError:
        return 0  # reading the file says what is wrong with it


def _describe_image(stack: Stack) -> str:
    z, y, x = stack.zyx_size
    deep = "Z" in stack.axes and "Z" not in stack.unknown_axes
    size = f"{z:g} x {y:g} x {x:g}" if deep else f"{y:g} x {x:g}"
    known = f"pixels of {size} {stack.unit} ({stack.calibration_source})"
    if stack.unit == "pixel":
        known = "pixels of unknown size"
    shape = sides(tuple(stack.as_czyx().shape[1:]))
    channels = f", {stack.num_channels} channels" if stack.num_channels > 1 else ""
    words = [f"Image: {shape} (slices x Y x X){channels}, {stack.dtype}, {known}"]
    return "\n".join([*words, *stack.notes])


def _describe_labels(labels: Any) -> str:
    if not labels.any():
        return "nothing is painted yet"
    guess = guess_kind(labels)
    target = to_target(labels, guess.kind)
    return "\n".join([f"{describe(target)} ({guess.reason})", *target.notes])
