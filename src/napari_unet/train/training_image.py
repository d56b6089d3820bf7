"""One image of a training set, ready to draw patches from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import (
    AnnotationKind,
    Coverage,
    NetworkConfig,
    Region,
    UNetConfig,
    WeightMapConfig,
)
from napari_unet.data.annotation import IGNORE, Target, split_labels, to_target
from napari_unet.data.fingerprint import fingerprint
from napari_unet.data.labels import check_made_on
from napari_unet.data.leak import leaks
from napari_unet.data.normalize import Normalization
from napari_unet.data.regions import TRAIN, VALIDATION, choose_validation, runs
from napari_unet.data.stack import ArrayLike, Stack, list_slices
from napari_unet.data.weight_map import weight_map as make_weight_map
from napari_unet.errors import memory_told
from napari_unet.train.one_size import PixelSize, nearest
from napari_unet.train.region_roles import assign_roles, seen_around, slices_of

_IMAGE_NOTE = "the whole image is held out to score the network"
_CUBES_NOTE = "the pixel size is unknown: slices count as far apart as pixels"
_ONE_CLASS_NOTE = (
    "only one class is annotated: the network will find it everywhere; paint "
    "background too"
)


@dataclass(frozen=True, eq=False)
class TrainingImage:
    """A normalised image with its target, weights and the roles of its slices.

    Attributes
    ----------
    image
        (C, Z, Y, X) float32, normalised.
    target
        Classes and objects, (Z, Y, X).
    weight_map
        (Z, Y, X) float32, 0 where nothing is to be learnt: what is not annotated, and
        what is not for training.
    roles
        (Z, Y, X) uint8: what each pixel is for (`napari_unet.data.regions`).
    train, validation
        Indices of the slices with pixels that are trained on, and with pixels that
        choose the best model.
    seen
        The same, in the image as it was before it was rescaled.
    kind
        What the annotations mean.
    pixel_size, unit
        Of Z, Y and X.
    fingerprint, image_fingerprint
        Digits that belong to image and annotations, and to the image alone.
    notes
        Words to the user on what was understood or decided.
    regions
        What was drawn or listed.
    normalization
        How the image was normalised, which the model needs to know.
    class_names
        Names of the classes, background first; () where they have none.
    coverage
        Which pixels of the annotations say anything, without a guess.
    """

    name: str
    image: NDArray[np.float32]
    target: Target
    weight_map: NDArray[np.float32]
    roles: NDArray[np.uint8]
    train: NDArray[np.intp]
    validation: NDArray[np.intp]
    kind: AnnotationKind
    pixel_size: tuple[float, ...] = (1.0, 1.0, 1.0)
    unit: str = "pixel"
    fingerprint: str = ""
    image_fingerprint: str = ""
    notes: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    normalization: Normalization = field(default_factory=Normalization)
    class_names: tuple[str, ...] = ()
    coverage: Coverage = field(default_factory=Coverage)
    seen: tuple[NDArray[np.intp], NDArray[np.intp]] | None = None

    @property
    def truth(self) -> NDArray[np.uint8]:
        """Classes of the held-out slices, `IGNORE` where a pixel is not held out."""
        classes = self.target.classes[self.validation]
        chosen = self.roles[self.validation] == VALIDATION
        return np.where(chosen, classes, np.uint8(IGNORE))

    @property
    def train_pixels(self) -> int:
        """Annotated pixels that are trained on."""
        return int(np.count_nonzero(self.weight_map[self.train]))


@memory_told()
def prepare_image(  # noqa: PLR0913 (every option is one argument)
    stack: Stack,
    labels: NDArray[np.generic],
    *,
    kind: AnnotationKind | None = None,
    train: str | None = None,
    validation: str | None = None,
    regions: Sequence[Region] = (),
    network: NetworkConfig | None = None,
    weight_map: WeightMapConfig | None = None,
    normalization: Normalization | None = None,
    coverage: Coverage | None = None,
    like: PixelSize | None = None,
) -> TrainingImage:
    """Turn an image and its annotations into a `TrainingImage`.

    Parameters
    ----------
    stack
        The image.
    labels
        (Z, Y, X) annotations, as painted, of the size of the image. What is painted
        on its info bar counts for nothing.
    kind, coverage
        What the annotations mean, and which of them say anything; None is a guess.
    train, validation
        Slices as "start:stop"; "none" for no slice at all. Where neither they nor
        `regions` say otherwise, the last fifth of the annotated slices is held out,
        in one block, where there are at least five.
    regions
        Boxes, polygons or slices with their role, to the pixel.
    network, weight_map, normalization
        Settings; the defaults when left out.
    like
        Pixel size of the first image of a set; where that of this one differs, it is
        told, or the image is brought to it.

    Raises
    ------
    InputError
        When shapes differ, nothing is annotated or left to train on or hold out, or a
        network of 3 dimensions is to learn from slices of unknown distance.
    """
    network, normalization = network or UNetConfig(), normalization or Normalization()
    whole = stack.as_czyx()
    check_made_on(whole.shape[1:], labels.shape)
    given, labels = labels, labels[:, stack.picture_rows]
    coverage = split_labels(labels, kind, coverage).settle(coverage or Coverage())
    target = to_target(labels, kind, ndim=network.ndim, coverage=coverage)
    notes = list(target.notes)
    roles = assign_roles(target, regions, train, validation, notes)
    learnt, held = (slices_of(target, roles, role) for role in (TRAIN, VALIDATION))
    if like is not None and like.growth(PixelSize.of(stack), network.ndim):
        notes.append(like.note(PixelSize.of(stack), network.ndim))
        if like.rescale:
            known = target.kind, coverage, network.ndim
            stack, target, roles = _rescaled(stack, labels, roles, like, known)
    notes += _doubts(stack, target, roles, network)
    size, ndim = stack.size_for(network.ndim), network.ndim
    mapped = make_weight_map(target, weight_map, ndim=ndim, pixel_size=size)
    mapped[roles != TRAIN] = 0
    return TrainingImage(
        name=stack.source,
        image=normalization(stack.picture.as_czyx()),
        normalization=normalization,
        target=target,
        weight_map=mapped,
        roles=roles,
        regions=tuple(regions),
        train=slices_of(target, roles, TRAIN),
        validation=slices_of(target, roles, VALIDATION),
        kind=target.kind,
        pixel_size=size,
        unit=stack.unit,
        fingerprint=_fingerprint(whole, given),
        coverage=coverage,
        image_fingerprint=fingerprint(whole),
        seen=(learnt, held),
        notes=tuple(notes),
    )


def _rescaled(
    stack: Stack,
    labels: NDArray[np.generic],
    roles: NDArray[np.uint8],
    like: PixelSize,
    known: tuple[AnnotationKind, Coverage, int],
) -> tuple[Stack, Target, NDArray[np.uint8]]:
    """Return image, annotations and roles of another pixel size."""
    kind, coverage, ndim = known
    stack = like.rescaled(stack.picture, ndim)
    shape = stack.as_czyx().shape[1:]
    if coverage.complete:
        complete = np.zeros((len(labels), 1, 1), bool)
        complete[list_slices(coverage.complete, len(labels))] = True
        kept = runs(np.flatnonzero(nearest(complete, (shape[0], 1, 1))))
        coverage = coverage.model_copy(update={"complete": ",".join(kept) or None})
    # Objects that touch get their gap anew, a pixel of the new size wide.
    target = to_target(nearest(labels, shape), kind, ndim=ndim, coverage=coverage)
    return stack, target, nearest(roles, shape)


def _doubts(
    stack: Stack, target: Target, roles: NDArray[np.uint8], network: NetworkConfig
) -> list[str]:
    """Return what the user should think about before such a training."""
    leak = leaks(roles, target.annotated, seen_around(network)).words
    sizes = set(stack.zyx_size)
    found = {
        _ONE_CLASS_NOTE: _one_class(target, roles == TRAIN),
        leak: bool(leak),
        _CUBES_NOTE: network.ndim == 3 and stack.unit == "pixel" and sizes == {1.0},
    }
    return [note for note, holds in found.items() if holds]


def choose_validation_images(images: Sequence[TrainingImage]) -> list[TrainingImage]:
    """Hold out the last fifth of the images where no slice of any is held out.

    This is for sets of single images; with fewer than five nothing is changed.
    """
    if any(image.validation.size for image in images):
        return list(images)
    last = choose_validation(range(len(images)))
    return [_validation(one) if i in last else one for i, one in enumerate(images)]


def _validation(one: TrainingImage) -> TrainingImage:
    kept = [note for note in one.notes if note != _ONE_CLASS_NOTE]
    return replace(
        one,
        roles=np.where(one.roles == TRAIN, np.uint8(VALIDATION), one.roles),
        weight_map=np.zeros_like(one.weight_map),
        train=one.train[:0],
        validation=one.train,
        seen=None if one.seen is None else (one.seen[1], one.seen[0]),
        notes=(*kept, _IMAGE_NOTE),
    )


def _one_class(target: Target, trained: NDArray[np.bool_]) -> bool:
    """Return whether the network would learn to answer one class everywhere."""
    classes = np.unique(target.classes[trained])
    return bool(classes[classes != IGNORE].size == 1)


def _fingerprint(image: ArrayLike, labels: NDArray[np.generic]) -> str:
    digest = hashlib.sha256()
    for channel in range(image.shape[0]):
        for z in range(image.shape[1]):
            digest.update(np.ascontiguousarray(image[channel, z]).data)
    digest.update(np.ascontiguousarray(labels).data)
    return digest.hexdigest()[:16]
