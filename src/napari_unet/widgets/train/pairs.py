"""Pairs of image and annotations that make up a training set."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Labels

from napari_unet.config import AnnotationKind
from napari_unet.data.annotation import guess_kind, to_target
from napari_unet.data.labels import check_same_size
from napari_unet.data.read import read_stack
from napari_unet.data.stack import (
    Stack,
)
from napari_unet.errors import NapariUNetError
from napari_unet.train.roles import NO_SLICE
from napari_unet.widgets.layers.arrays import (
    image_stack,
    labels_array,
    placed_like,
    plane_shape,
)
from napari_unet.widgets.layers.marks import PREDICTED

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray


class Part(StrEnum):
    """What an image of a training set is for."""

    AUTOMATIC = "automatic"
    TRAIN = "train"
    VALIDATE = "validate"


@dataclass(frozen=True)
class TrainingPair:
    """An image with its annotations, as layers or as files.

    Attributes
    ----------
    name
        Of the image.
    image, labels
        Both layers of the viewer, or both files or folders.
    part
        Train with all of it, hold all of it out, or let regions and slices decide.
    kind
        What the annotations mean; None is a guess.
    """

    name: str
    image: Image | Path
    labels: Labels | Path
    part: Part = Part.AUTOMATIC
    kind: AnnotationKind | None = None

    @property
    def slices(self) -> dict[str, str | None]:
        """`train` and `validate` for `prepare_image`."""
        if self.part is Part.TRAIN:
            return {"train": ":", "validate": NO_SLICE}
        if self.part is Part.VALIDATE:
            return {"train": NO_SLICE, "validate": ":"}
        return {"train": None, "validate": None}

    def take(self) -> Callable[[], tuple[Stack, NDArray[np.generic]]]:
        """Copy what the layers hold, on the main thread.

        Returns
        -------
        A function that gives the image and (Z, Y, X) annotations, on any thread;
        files are read by it.
        """
        if isinstance(self.image, Path) or isinstance(self.labels, Path):
            image, labels = Path(str(self.image)), Path(str(self.labels))
            return lambda: read_pair(image, labels)
        taken = image_stack(self.image), labels_array(self.labels)
        return lambda: taken


def read_pair(image: Path, labels: Path) -> tuple[Stack, NDArray[np.generic]]:
    """Read image and annotations from files; a memory map stays one.

    Raises
    ------
    InputError
        When one of them cannot be read, or their shapes differ.
    """
    stack, painted = read_stack(image), read_stack(labels)
    array, shape = np.asarray(painted.as_zyx()), stack.as_czyx().shape[1:]
    names, advice = (f"{labels} is", f"{image} is"), "choose annotations of this image"
    check_same_size(array.shape, shape, names, advice)
    return stack, array


def class_pixels(
    labels: NDArray[np.generic], kind: AnnotationKind | None
) -> tuple[int, ...]:
    """Count the annotated pixels of each class, background first; none: empty."""
    if not labels.any():
        return ()
    target = to_target(labels, guess_kind(labels).kind if kind is None else kind)
    counts = np.bincount(target.classes.ravel(), minlength=target.num_classes)
    return tuple(counts[: target.num_classes].tolist())


@dataclass(frozen=True)
class Counted:
    """Shape and annotated pixels of a pair, or what is wrong with it."""

    shape: tuple[int, ...] = ()
    pixels: tuple[int, ...] | None = None
    error: str = ""


def counting(pair: TrainingPair) -> Callable[[], Counted]:
    """Take copies of layers, and return what counts their pixels on a thread."""
    labels = pair.labels
    if not isinstance(labels, Path):
        painted = labels_array(labels)
        return lambda: Counted(pixels=class_pixels(painted, pair.kind))
    image = Path(str(pair.image))

    def read() -> Counted:
        stack, painted = read_pair(image, labels)
        shape = tuple(stack.as_czyx().shape[1:])
        return Counted(shape, class_pixels(painted, pair.kind))

    return read


def count_each(
    work: list[Callable[[], Counted]], stop: Event
) -> Generator[tuple[int, Counted], None, None]:
    """Count one pair after the other; a worker's generator of index and result."""
    for index, count in enumerate(work):
        if stop.is_set():
            return
        try:
            result = count()
        except NapariUNetError as error:
            result = Counted(error=str(error))
        yield index, result


def find_pairs(
    viewer: ViewerModel, chosen: tuple[Image | None, Labels | None]
) -> list[TrainingPair]:
    """List the labels layers of a viewer, each with the image on which it lies.

    Where several images have its shape and place, it goes with the one that was
    `chosen` for it, or else with the one whose name is most like its own.
    Predictions are left out.
    """
    images = [layer for layer in viewer.layers if isinstance(layer, Image)]
    found = []
    for labels in viewer.layers:
        if not isinstance(labels, Labels) or PREDICTED in labels.metadata:
            continue
        under = [image for image in images if _lies_on(labels, image)]
        if labels == chosen[1] and chosen[0] in under:
            under = [image for image in under if image == chosen[0]]
        if under:
            image = max(under, key=lambda one: _likeness(one.name, labels.name))
            found.append(TrainingPair(image.name, image, labels))
    return found


def _lies_on(labels: Labels, image: Image) -> bool:
    try:
        if tuple(labels.data.shape) != plane_shape(image):
            return False
        place = placed_like(image)
    except NapariUNetError:
        return False
    return np.allclose(labels.scale, place["scale"]) and np.allclose(
        labels.translate, place["translate"]
    )


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.lower(), other.lower()).ratio()
