"""One image of a training set, ready to draw patches from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypedDict

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
from napari_unet.data.annotation import IGNORE, split_labels
from napari_unet.data.crop import Cuttable
from napari_unet.data.fingerprint import fingerprint, fingerprint_of_pair
from napari_unet.data.labels import check_made_on
from napari_unet.data.leak import leaks
from napari_unet.data.normalize import Normalization
from napari_unet.data.regions import TRAIN, VALIDATION, choose_validation, runs
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.sparse_target import (
    SparseTarget,
    said,
    sparse_target,
    sparse_weights,
)
from napari_unet.data.stack import ArrayLike, Stack, list_slices
from napari_unet.errors import memory_told
from napari_unet.train.one_size import PixelSize, nearest
from napari_unet.train.region_roles import assign_roles, renamed, seen_around, slices_of

_IMAGE_NOTE = "the whole image is held out to score the network"
_CUBES_NOTE = "the pixel size is unknown: slices count as far apart as pixels"
_ONE_CLASS_NOTE = (
    "only one class is annotated: the network will find it everywhere; paint "
    "background too"
)


class _How(TypedDict):
    """How annotations are read, as `sparse_target` takes it."""

    kind: AnnotationKind | None
    ndim: int
    mask: bool | None
    coverage: Coverage


@dataclass(frozen=True, eq=False)
class TrainingImage:
    """An image with its target, weights and the roles of its slices.

    The image stays where and as it is, and is normalised where it is cut; all else
    exists in annotated slices only.

    Attributes
    ----------
    image
        (C, Z, Y, X), which gives float32, normalised, where a box of it is asked for.
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
    image: Cuttable
    target: SparseTarget
    weight_map: SparseSlices[np.float32]
    roles: SparseSlices[np.uint8]
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
        return sum(int(np.count_nonzero(self.weight_map[z])) for z in self.train)


@memory_told()
def prepare_image(  # noqa: PLR0913 (every option is one argument)
    stack: Stack,
    labels: ArrayLike | SparseSlices[Any],
    *,
    kind: AnnotationKind | None = None,
    train: str | None = None,
    validation: str | None = None,
    regions: Sequence[Region] = (),
    network: NetworkConfig | None = None,
    weight_map: WeightMapConfig | None = None,
    normalization: Normalization | None = None,
    coverage: Coverage | None = None,
    mask: bool | None = None,
    like: PixelSize | None = None,
) -> TrainingImage:
    """Turn an image and its annotations into a `TrainingImage`.

    Parameters
    ----------
    stack
        The image.
    labels
        (Z, Y, X) annotations as painted; those on the info bar count for nothing.
    kind, coverage, mask
        What the annotations mean, which of them say anything, and whether classes are
        a mask, as `to_target` takes it; None is a guess.
    train, validation
        Slices as "start:stop"; "none" for no slice at all. Where neither they nor
        `regions` say otherwise, the last fifth of the annotated slices is held out,
        in one block, where there are at least five.
    regions
        Boxes, polygons or slices with their role, to the pixel.
    network, weight_map, normalization
        Settings; the defaults when left out.
    like
        Pixel size of the first image of a set; another is told, or brought to it.

    Raises
    ------
    InputError
        When shapes differ, or nothing is annotated or left to train on or hold out.
    """
    network, normalization = network or UNetConfig(), normalization or Normalization()
    whole, kind = stack.as_czyx(), AnnotationKind.of(kind)
    check_made_on(whole.shape[1:], labels.shape)
    given = SparseSlices.of(labels)
    painted = given.rows(stack.picture_rows)
    coverage = _settled(painted, kind, coverage or Coverage())
    how = _How(kind=kind, ndim=network.ndim, mask=mask, coverage=coverage)
    target = sparse_target(painted, **how)
    notes = list(target.notes)
    roles = assign_roles(target, regions, train, validation, notes)
    learnt, held = (slices_of(target, roles, role) for role in (TRAIN, VALIDATION))
    if like is not None and like.growth(PixelSize.of(stack), network.ndim):
        notes.append(like.note(PixelSize.of(stack), network.ndim))
        if like.rescale:
            how["kind"] = target.kind
            stack, target, roles = _rescaled(stack, roles, like, painted, how)
    size, ndim = stack.size_for(network.ndim), network.ndim
    mapped = sparse_weights(target, weight_map, ndim=ndim, pixel_size=size)
    used = [slices_of(target, roles, role) for role in (TRAIN, VALIDATION)]
    return TrainingImage(
        name=stack.source,
        image=normalization.where_read(stack.picture.as_czyx(), np.concatenate(used)),
        normalization=normalization,
        target=target,
        weight_map=_trained(mapped, roles),
        roles=roles,
        regions=tuple(regions),
        train=used[0],
        validation=used[1],
        kind=target.kind,
        pixel_size=size,
        unit=stack.unit,
        fingerprint=fingerprint_of_pair(whole, given),
        coverage=coverage,
        image_fingerprint=fingerprint(whole),
        seen=(learnt, held),
        notes=(*notes, *_doubts(stack, target, roles, network)),
    )


def _trained(
    weights: SparseSlices[np.float32], roles: SparseSlices[np.uint8]
) -> SparseSlices[np.float32]:
    """Return weights, changed in place, of the pixels that are trained on."""
    for z, plane in weights.planes():
        plane[roles[z] != TRAIN] = 0
    return weights


def _settled(
    labels: SparseSlices[Any], kind: AnnotationKind | None, coverage: Coverage
) -> Coverage:
    """Return a coverage in which the value to ignore is no guess any more."""
    slices, of_them = said(labels, coverage)
    return split_labels(labels[slices], kind, of_them).settle(coverage)


def _rescaled(
    stack: Stack,
    roles: SparseSlices[np.uint8],
    like: PixelSize,
    labels: SparseSlices[Any],
    how: _How,
) -> tuple[Stack, SparseTarget, SparseSlices[np.uint8]]:
    """Return image, annotations and roles of another pixel size."""
    coverage, known = how["coverage"], roles.slices
    stack = like.rescaled(stack.picture, how["ndim"])
    shape = stack.as_czyx().shape[1:]
    if coverage.complete:
        chosen, one = list_slices(coverage.complete, len(labels)), np.ones((1, 1), bool)
        complete = SparseSlices[np.bool_](
            (len(labels), 1, 1), bool, 0, dict.fromkeys(chosen, one)
        )
        named = runs(nearest(complete, (shape[0], 1, 1), known).slices.tolist())
        coverage = coverage.model_copy(update={"complete": ",".join(named) or None})
    # Objects that touch get their gap anew, a pixel of the new size wide.
    thin = how["kind"] is AnnotationKind.SCRIBBLES
    resized = nearest(labels, shape, known, thin=thin)
    how = {**how, "coverage": coverage}
    target = sparse_target(resized, **how)
    return stack, target, nearest(roles, shape, known)


def _doubts(
    stack: Stack,
    target: SparseTarget,
    roles: SparseSlices[np.uint8],
    network: NetworkConfig,
) -> list[str]:
    """Return what the user should think about before such a training."""
    leak = leaks(roles, target.annotated, seen_around(network)).words
    sizes = set(stack.zyx_size)
    found = {
        # The network would learn to answer it everywhere.
        _ONE_CLASS_NOTE: len(_trained_classes(target, roles)) == 1,
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


def doubts_of_set(images: Sequence[TrainingImage]) -> list[TrainingImage]:
    """Take back that an image shows one class alone, where others show another."""
    classes = (_trained_classes(one.target, one.roles) for one in images)
    noted = any(_ONE_CLASS_NOTE in one.notes for one in images)
    if not noted or len(set[int]().union(*classes)) == 1:
        return list(images)
    return [replace(one, notes=_without_one_class(one)) for one in images]


def _without_one_class(one: TrainingImage) -> tuple[str, ...]:
    return tuple(note for note in one.notes if note != _ONE_CLASS_NOTE)


def _validation(one: TrainingImage) -> TrainingImage:
    kept = _without_one_class(one)
    return replace(
        one,
        roles=renamed(one.roles, TRAIN, VALIDATION),
        weight_map=SparseSlices(one.weight_map.shape, np.float32),
        train=one.train[:0],
        validation=one.train,
        seen=None if one.seen is None else (one.seen[1], one.seen[0]),
        notes=(*kept, _IMAGE_NOTE),
    )


def _trained_classes(target: SparseTarget, roles: SparseSlices[np.uint8]) -> set[int]:
    """Return the classes of the pixels that are trained on."""
    planes = target.classes.planes()
    found = {
        int(one) for z, plane in planes for one in np.unique(plane[roles[z] == TRAIN])
    }
    return found - {IGNORE}
