"""One image of a training set, ready to draw patches from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, UNetConfig, WeightMapConfig
from napari_unet.data.annotation import IGNORE, Target, guess_kind, to_target
from napari_unet.data.normalize import Normalization
from napari_unet.data.stack import Stack, parse_slices
from napari_unet.data.weight_map import weight_map
from napari_unet.errors import InputError
from napari_unet.words import sides

_HELD_OUT_SHARE = 5
_NONE = "none"
_IMAGE_NOTE = "the whole image is held out to score the network"


@dataclass(frozen=True, eq=False)
class TrainingImage:
    """A normalised image with its target, weights and the roles of its slices.

    Attributes
    ----------
    image
        (C, Z, Y, X) float32, normalised.
    target
        Classes and objects, (Z, Y, X).
    weights
        (Z, Y, X) float32, 0 where nothing is to be learnt.
    train, held_out
        Indices of the slices that are trained on, and that choose the best model.
    kind
        What the annotations mean.
    pixel_size, unit
        Of Z, Y and X.
    notes
        Words to the user on what was understood or decided.
    """

    name: str
    image: NDArray[np.float32]
    target: Target
    weights: NDArray[np.float32]
    train: NDArray[np.intp]
    held_out: NDArray[np.intp]
    kind: AnnotationKind
    pixel_size: tuple[float, ...] = (1.0, 1.0, 1.0)
    unit: str = "pixel"
    fingerprint: str = ""
    notes: tuple[str, ...] = ()

    @property
    def train_pixels(self) -> int:
        """Annotated pixels that are trained on."""
        return int(np.count_nonzero(self.weights[self.train]))


def prepare_image(
    stack: Stack,
    labels: NDArray[np.generic],
    *,
    kind: AnnotationKind | None = None,
    train: str | None = None,
    validate: str | None = None,
    network: UNetConfig | None = None,
    weights: WeightMapConfig | None = None,
    normalization: Normalization | None = None,
) -> TrainingImage:
    """Turn an image and its annotations into a `TrainingImage`.

    Parameters
    ----------
    stack
        The image.
    labels
        (Z, Y, X) annotations, as painted, of the size of the image.
    kind
        What the annotations mean; guessed when left out.
    train, validate
        Slices as "start:stop". Without `validate` the last fifth of the annotated
        slices is held out where there are at least five.
    network, weights, normalization
        Settings; the defaults when left out.

    Raises
    ------
    InputError
        When shapes differ, nothing is annotated, or no annotated slice is left to
        train on.
    """
    network = network or UNetConfig()
    image = stack.as_czyx()
    if tuple(labels.shape) != tuple(image.shape[1:]):
        raise InputError(
            f"The annotations are {sides(labels.shape)} and the image is "
            f"{sides(image.shape[1:])} (slices x Y x X): choose annotations made on "
            "this image."
        )
    notes: list[str] = []
    if kind is None:
        guess = guess_kind(labels)
        kind = guess.kind
        notes.append(f"annotations are {kind}: {guess.reason}")
    target = to_target(labels, kind, ndim=network.ndim)
    notes.extend(target.notes)
    train_slices, held_out = split_slices(target, train, validate, notes)
    if _one_class(target, train_slices):
        notes.append(
            "only one class is annotated: the network will find it everywhere; paint "
            "background too"
        )
    pixel_size = stack.zyx_size
    mapped = weight_map(target, weights, ndim=network.ndim, pixel_size=pixel_size)
    return TrainingImage(
        name=stack.source,
        image=(normalization or Normalization())(image),
        target=target,
        weights=mapped,
        train=train_slices,
        held_out=held_out,
        kind=kind,
        pixel_size=pixel_size,
        unit=stack.unit,
        fingerprint=_fingerprint(image, labels),
        notes=tuple(notes),
    )


def hold_out_images(images: Sequence[TrainingImage]) -> list[TrainingImage]:
    """Hold out the last fifth of the images where no slice of any is held out.

    This is for sets of single images; with fewer than five nothing is changed.
    """
    count = len(images) // _HELD_OUT_SHARE
    if count == 0 or any(image.held_out.size for image in images):
        return list(images)
    last = [
        replace(one, train=one.train[:0], held_out=one.train, notes=(_IMAGE_NOTE,))
        for one in images[-count:]
    ]
    return [*images[:-count], *last]


def split_slices(
    target: Target, train: str | None, validate: str | None, notes: list[str]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose the annotated slices to train on and those that are held out.

    "none" stands for no slice at all: an image may serve for validation only.
    """
    annotated = target.annotated_slices
    held_out = _held_out(target, train, validate, notes)
    wanted = annotated
    if train is not None:
        wanted = np.intersect1d(annotated, _indices(train, len(target.classes)))
    learned = np.setdiff1d(wanted, held_out)
    if train is not None and wanted.size > learned.size > 0:
        both = np.intersect1d(wanted, held_out)
        notes.append(f"{_named(both)} held out and therefore not trained on")
    if learned.size == 0 and train != _NONE:
        raise InputError(
            "No annotated slice is left to train on: annotate more slices, or hold "
            "out fewer."
        )
    return learned, held_out


def _held_out(
    target: Target, train: str | None, validate: str | None, notes: list[str]
) -> NDArray[np.intp]:
    annotated = target.annotated_slices
    if validate is not None and validate != _NONE:
        chosen = np.intersect1d(annotated, _indices(validate, len(target.classes)))
        if chosen.size == 0:
            raise InputError(
                f"Slices {validate} are to be held out, but none of them is annotated."
            )
        return chosen
    if validate is None and train is None and annotated.size >= _HELD_OUT_SHARE:
        chosen = annotated[-(annotated.size // _HELD_OUT_SHARE) :]
        notes.append(f"{_named(chosen)} held out to score the network")
        return chosen
    notes.append("no slice is held out: the last state of the network is kept")
    return annotated[:0]


def _named(slices: NDArray[np.intp]) -> str:
    first, last = slices[0], slices[-1]
    return f"slices {first} to {last} are" if last > first else f"slice {last} is"


def _one_class(target: Target, train: NDArray[np.intp]) -> bool:
    """Say whether the network would learn to answer one class everywhere."""
    classes = np.unique(target.classes[train])
    return bool(classes[classes != IGNORE].size == 1)


def _indices(text: str, count: int) -> NDArray[np.intp]:
    if text == _NONE:
        return np.empty(0, np.intp)
    chosen: NDArray[np.intp] = np.arange(count)[parse_slices(text, count)]
    return chosen


def _fingerprint(image: object, labels: NDArray[np.generic]) -> str:
    digest = hashlib.sha256()
    for array in (image, labels):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
