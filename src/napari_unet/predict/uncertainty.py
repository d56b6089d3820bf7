"""How unsure a network is of each pixel, from what it says of the image turned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_unet.errors import InputError
from napari_unet.predict.predictor import Predictor
from napari_unet.predict.suggest import entropy_of

if TYPE_CHECKING:
    from napari_unet.data.stack import ArrayLike

_FIRST = [(False, 0), (True, 1), (False, 2), (True, 3)]
TURNS = (*_FIRST, (True, 0), (False, 1), (True, 2), (False, 3))
"""Whether to mirror, and how many quarter turns; the first are the least alike."""
_SLAB = 16
"""Slices that a network with 3 dimensions is asked for at once."""
_PLANE = (-2, -1)


@dataclass(frozen=True, eq=False)
class SliceDone:
    """A slice whose uncertainty is known.

    Attributes
    ----------
    done, total
        Slices so far, and slices in all.
    z
        Index of the slice in the image.
    entropy
        (Y, X) float32: entropy of the mean over the turns, 0 where the network is
        sure, 1 where it finds all classes equally probable.
    disagreement
        (Y, X) float32: the part of the entropy that comes from the turns differing,
        0 where all say the same.
    """

    done: int
    total: int
    z: int
    entropy: NDArray[np.float32]
    disagreement: NDArray[np.float32]


def uncertainty(
    predictor: Predictor,
    image: ArrayLike,
    *,
    turns: int = 2,
    stop: Event | None = None,
) -> Iterator[SliceDone]:
    """Predict an image in several turns, and yield how unsure each slice is.

    With p the probabilities of a turn and H the entropy, `entropy` is H(mean of p) and
    `disagreement` is H(mean of p) - mean of H(p): the mutual information between the
    class of a pixel and the turn (Houlsby et al. 2011, arXiv:1112.5745, eq. 2, for the
    members of an ensemble). What looks ambiguous from all sides, such as the rim of a
    membrane, has entropy but hardly any disagreement.

    Slices come in an order that spreads over the stack, so that whoever stops early
    has seen some of all of it.

    Parameters
    ----------
    predictor
        The model and how it is applied.
    image
        (C, Z, Y, X), not normalised; may be lazy.
    turns
        How many of the 8 flips and quarter turns are taken, 2 or more; each costs a
        prediction of the image.
    stop
        Ends the work after the tile in hand once it is set; from any thread.

    Raises
    ------
    InputError
        When the image has other channels than the network was trained on, the
        predictor averages the turns itself, or `turns` is not 2 to 8.
    OutOfMemoryError
        As `Predictor.tiles`.
    """
    if not 2 <= turns <= len(TURNS):
        raise InputError(f"{turns} turns cannot be compared: take 2 to {len(TURNS)}.")
    if predictor.config.average:
        raise InputError("Averaged turns cannot differ: predict without averaging.")
    # Nothing is predicted here: it says in words what does not fit the model.
    predictor.tiles(image[:, :1])
    normalize = predictor.model.card.normalization
    flat = predictor.footprint.ndim == 2
    # Slices that stand by themselves are read one by one, when they are needed.
    alone = flat and normalize.per == "slice"
    source: Any = image if alone else normalize(image)
    done, total = 0, image.shape[1]
    for slab in _slabs(total, 1 if flat else _SLAB):
        part = source[:, slab] if flat else source
        part = normalize(part) if alone else part
        wanted = slice(0, 1) if flat else slab
        found = _compared(predictor, part, wanted, turns, stop)
        if found is None:
            return
        for z, *measures in zip(range(total)[slab], *found, strict=True):
            done += 1
            yield SliceDone(done, total, z, *measures)


def glance(
    predictor: Predictor,
    image: ArrayLike,
    box: tuple[slice, ...],
    stop: Event | None = None,
) -> NDArray[np.float32] | None:
    """Return the disagreement of two turns in a small (Z, Y, X) box alone, soon.

    What lies around the box is not shown to the network, and nothing but its slices is
    normalised: near its rim, and by models that normalise a whole image, it differs a
    little from what `uncertainty` tells. None once stopped.

    Raises
    ------
    InputError
        When the image has other channels than the network was trained on.
    OutOfMemoryError
        As `Predictor.tiles`.
    """
    predictor.check(image.shape)
    slices, rows, columns = box
    whole = predictor.model.card.normalization(image[:, slices])
    part = whole[..., rows, columns]
    wanted = slice(0, slices.stop - slices.start)
    found = _compared(predictor, part, wanted, 2, stop)
    return None if found is None else found[1]


def _slabs(total: int, size: int) -> Iterator[slice]:
    """Cut slices into slabs, in the order of their numbers' bits read backwards."""
    count = -(-total // size)
    bits = (count - 1).bit_length() or 1
    for number in range(2**bits):
        first = size * int(f"{number:0{bits}b}"[::-1], 2)
        if first < total:
            yield slice(first, min(total, first + size))


def _compared(
    predictor: Predictor,
    image: NDArray[np.float32],
    wanted: slice,
    turns: int,
    stop: Event | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Return entropy and disagreement, (z, Y, X), or None once stopped."""
    answers = []
    for turn in TURNS[:turns]:
        answer = _answer(predictor, image, wanted, turn, stop or Event())
        if answer is None:
            return None
        answers.append(answer)
    each = np.stack(answers)
    entropy = entropy_of(each.mean(axis=0))
    return entropy, np.maximum(entropy - entropy_of(each).mean(axis=0), 0)


def _answer(
    predictor: Predictor,
    image: NDArray[np.float32],
    wanted: slice,
    turn: tuple[bool, int],
    stop: Event,
) -> NDArray[np.float32] | None:
    """Return (num_classes, z, Y, X) of the slices wanted, or None once stopped."""
    mirrored, quarters = turn
    seen = image[..., ::-1] if mirrored else image
    seen = np.rot90(seen, quarters, _PLANE)
    height, width = seen.shape[-2:]
    shape = (predictor.num_classes, wanted.stop - wanted.start, height, width)
    found = np.empty(shape, np.float32)
    box = (wanted, slice(0, height), slice(0, width))
    for tile in predictor.normalised_tiles(seen, box):
        if stop.is_set():
            return None
        z, *plane = tile.core
        here = slice(z.start - wanted.start, z.stop - wanted.start)
        found[(slice(None), here, *plane)] = tile.probabilities
    found = np.rot90(found, -quarters, _PLANE)
    return found[..., ::-1] if mirrored else found
