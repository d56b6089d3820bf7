"""Doubts about labels that are asked before minutes are spent on training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import skimage
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind
from napari_unet.data.addresses import is_zarr
from napari_unet.data.file_names import alone, keys, masks_among
from napari_unet.data.label_survey import KindGuess
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.stack import ArrayLike, Stack
from napari_unet.errors import DoubtfulLabelsError

_SIDE = 512
_SLICES_LOOKED_AT = 3
# Of real labels, at most 40 % of the pieces of one value are so small, and there are 1
# to 3 pieces for each value; of images and smoothed masks 89 % and more, and 5 to 2000.
_TINY, _TINY_SHARE, _PIECES = 4, 0.6, 4
_FEW_VALUES = 8
_NEARLY_WHITE = 250
# Painted shares of a slice between these may be strokes or whole slices.
_CLEAR_SHARES = 0.2, 0.8
_UNCLEAR = (
    "Is what you left unpainted background, or did you not look at it? Say so above: "
    "whole slices, or strokes."
)
_BACKGROUND_AS_CLASS = (
    "Background is painted, too, and would be learnt as a class of its own: choose "
    "strokes in places."
)
_WHOLE_AS_STROKES = (
    "This looks like whole slices: as strokes, what is not painted teaches nothing."
)
_STROKES_AS_WHOLE = (
    "This looks like strokes: as whole slices, all that is not painted is learnt as "
    "background."
)
_OBJECTS_AS_CLASSES = (
    "This looks like numbered objects: by class, every number is a class of its own."
)
_MASK_AS_OBJECTS = (
    "All of it has one number, and would be one object: choose whole slices, by class."
)
TRUST = 'or, if they are right, go on with "Trust these labels" (--trust-labels)'
"""How every doubt ends that the user may overrule."""


def check_names(image: object, labels: object) -> None:
    """Question folders whose files do not go together by their names.

    Parameters
    ----------
    image, labels
        Folders of slices; anything else is not looked at.

    Raises
    ------
    DoubtfulLabelsError
        When the folder of the image holds masks too, or an image would be learnt with
        labels of another name.
    """
    # What reads files takes a while to load; docks that only open need not wait.
    from napari_unet.data.folder import slice_files

    if not _holds_slices(image):
        return
    images = slice_files(image)
    if masks := masks_among(images):
        raise DoubtfulLabelsError(
            f"{image} seems to hold masks among its images, such as {masks[0].name}: "
            f"move them into a folder of their own, {TRUST}."
        )
    if _holds_slices(labels):
        _check_pairs(images, slice_files(labels))


def _holds_slices(path: object) -> TypeGuard[Path]:
    return isinstance(path, Path) and path.is_dir() and not is_zarr(path)


def check_looks(image: Stack, labels: ArrayLike | SparseSlices[Any]) -> None:
    """Question (Z, Y, X) labels that look like an image, or like a blurred mask.

    Raises
    ------
    DoubtfulLabelsError
        Saying what they look like, and what to do.
    """
    channels: Any = image.as_czyx()
    if labels.dtype == bool or labels.shape != channels.shape[1:]:
        return
    labels = SparseSlices.of(labels)
    z = _speckled_slice(labels)
    if z is None:
        return
    plane, shown = _window(labels[z]), np.asarray(channels[0, z])
    if np.array_equal(shown, labels[z]):
        raise DoubtfulLabelsError(
            f"The annotations are the image itself: choose its labels, {TRUST}."
        )
    if not _is_speckled(_window(shown)):
        raise DoubtfulLabelsError(
            "Image and annotations seem to be swapped, for the image looks like labels "
            f"and the annotations like an image: exchange them, {TRUST}."
        )
    raise DoubtfulLabelsError(
        f"The annotations hold {np.unique(plane[plane != 0]).size} values in pieces of "
        "a few pixels, as an image does, or a mask that was smoothed, scaled with "
        "interpolation or saved as JPEG: choose the labels, or make a mask by a "
        f"threshold and save it as TIFF or PNG, {TRUST}."
    )


def doubt_look(labels: ArrayLike, what: str) -> str:
    """Question (Z, Y, X) values that look like an image; "" where they do not.

    Parameters
    ----------
    labels
        What is measured or scored.
    what
        How they are called, such as "labels".
    """
    if labels.dtype == bool or _speckled_slice(SparseSlices.of(labels)) is None:
        return ""
    return f"{what}: looks like an image; every grey value is taken for a label"


def doubt_kind(
    kind: AnnotationKind | None,
    guess: KindGuess | None,
    *,
    named: bool = False,
    background: bool = False,
) -> str:
    """Question what labels are said to mean; "" where it fits them.

    Parameters
    ----------
    kind
        As chosen; None takes the guess.
    guess
        What they look like; None where they are empty.
    named
        Whether their values have names, the first of them background, as brushes of
        this program give them.
    background
        Whether any background is painted.
    """
    if guess is None:
        return ""
    if kind is None:
        return _UNCLEAR if _is_unclear(guess) else ""
    if named:
        scribbles = kind is AnnotationKind.SCRIBBLES
        return "" if scribbles or not background else _BACKGROUND_AS_CLASS
    doubted = {
        (AnnotationKind.SCRIBBLES, AnnotationKind.CLASSES): _WHOLE_AS_STROKES,
        (AnnotationKind.SCRIBBLES, AnnotationKind.OBJECTS): _WHOLE_AS_STROKES,
        (AnnotationKind.CLASSES, AnnotationKind.SCRIBBLES): _STROKES_AS_WHOLE,
        (AnnotationKind.CLASSES, AnnotationKind.OBJECTS): _OBJECTS_AS_CLASSES,
    }
    if kind is AnnotationKind.OBJECTS:
        return _MASK_AS_OBJECTS if guess.is_mask else ""
    return doubted.get((kind, guess.kind), "")


def _is_unclear(guess: KindGuess) -> bool:
    low, high = _CLEAR_SHARES
    return guess.share is not None and low < guess.share < high


def _check_pairs(images: Sequence[Path], labels: Sequence[Path]) -> None:
    """Question slices that are paired by their position and not by their names."""
    schemes = list(zip(keys(images), keys(labels), strict=True))
    alike = any(one == other and len(set(one)) == len(one) for one, other in schemes)
    if min(len(images), len(labels)) < 2 or alike:
        return
    if len(images) != len(labels):
        if lone := alone(images, labels):
            raise DoubtfulLabelsError(
                f"{images[0].parent} holds {len(images)} files and {labels[0].parent} "
                f"{len(labels)}, of which none belongs to {lone}: add or remove it."
            )
        return  # what differs in number is told once it is read
    plain = zip(images, labels, *schemes[0], strict=True)
    differ = ((a, b) for a, b, key, of_other in plain if key != of_other)
    one, other = next(differ, (images[0], labels[0]))
    raise DoubtfulLabelsError(
        f"The names of the files in {one.parent} and {other.parent} do not match, so "
        f"that {one.name} would be learnt with {other.name}: give what belongs "
        f"together one name or number, {TRUST}."
    )


def _speckled_slice(labels: SparseSlices[Any]) -> int | None:
    """Return a slice that is speckled, where most of those are that are looked at."""
    touched = labels.slices
    looked_at = touched[:: max(1, -(-touched.size // _SLICES_LOOKED_AT))]
    odd = [int(z) for z in looked_at if _is_speckled(_window(labels[z]))]
    return odd[0] if 2 * len(odd) > looked_at.size else None


def _window(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    """Cut a part around the labelled pixel in the middle of all labelled ones."""
    if max(plane.shape) <= _SIDE:
        return np.asarray(plane)
    painted = np.flatnonzero(plane)
    middle = np.unravel_index(painted[painted.size // 2], plane.shape)
    return np.asarray(
        plane[tuple(slice(max(0, n - _SIDE // 2), n + _SIDE // 2) for n in middle)]
    )


def _is_speckled(plane: NDArray[np.generic]) -> bool:
    """Return whether most pieces of one value are tiny, as those of no labels are."""
    values, ranks = np.unique(plane, return_inverse=True)
    count, highest = np.count_nonzero(values), values[-1]
    if count <= _FEW_VALUES and not (count > 2 and highest >= _NEARLY_WHITE):
        return False
    ranks = np.where(plane == 0, 0, ranks.reshape(plane.shape) + 1)
    pieces = np.bincount(skimage.measure.label(ranks, connectivity=1).ravel())[1:]
    tiny = float((pieces <= _TINY).mean())
    return bool(pieces.size >= _PIECES * count) and tiny > _TINY_SHARE
