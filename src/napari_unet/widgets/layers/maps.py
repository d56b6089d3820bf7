"""Layers with the probability of each class, one for each but background."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Labels

from napari_unet.widgets.layers.arrays import (
    add_or_update,
    find_marked,
    lay_on,
    placed_like,
)
from napari_unet.widgets.layers.axes import axes_of, planes, shape_of
from napari_unet.widgets.layers.marks import (
    PREDICTED,
    PROBABILITY_OF,
    image_id,
    made_by,
)
from napari_unet.widgets.layers.places import lies_on, shape_in_space

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_unet.data.boxes import Box

_NAMED = re.compile(r"probability|probabilities", re.IGNORECASE)


@dataclass(frozen=True)
class _MapOf:
    """Id and name of the image, the model, and which of how many classes it shows."""

    layer: str
    image: str
    model: Path
    number: int
    count: int


def make_maps(
    viewer: ViewerModel, of: Image, model: Path, count: int, shape: tuple[int, ...]
) -> list[Image]:
    """Return layers for the probabilities of `count` classes, on the image `of`.

    Slices that the same model predicted before stay.
    """
    which = str(of.unique_id), of.name
    return [
        _make(viewer, of, _MapOf(*which, model, number, count), shape)
        for number in range(1, count + 1)
    ]


def add_slice(layer: Image, z: int) -> None:
    """Note that a slice of a map is whole."""
    layer.metadata[PREDICTED] = sorted({*layer.metadata[PREDICTED], z})


def maps_of(viewer: ViewerModel, prediction: Labels | None) -> list[Image]:
    """Return the probabilities that belong to a prediction; none where some miss."""
    made = made_by(prediction)
    if made is None or prediction is None:
        return []
    found: dict[int, Image] = {}
    own = image_id(prediction)
    count = 0
    for layer in viewer.layers:
        of = layer.metadata.get(PROBABILITY_OF)
        if (
            isinstance(of, _MapOf)
            and of.model == made.model
            and isinstance(layer, Image)
            and shape_in_space(layer) == shape_in_space(prediction)
            and (of.layer == own if own else of.image == made.of)
        ):
            found[of.number], count = layer, of.count
    return [found[n] for n in sorted(found)] if len(found) == count else []


def maps_over(viewer: ViewerModel, labels: Labels) -> list[Image]:
    """Return the probabilities that tell of labels: their own, or what lies on them."""
    own = maps_of(viewer, labels)
    if own:
        return own
    for layer in viewer.layers:
        told = PROBABILITY_OF in layer.metadata or _NAMED.search(layer.name)
        grey = isinstance(layer, Image) and not layer.rgb
        if told and grey and lies_on(layer, labels):
            return [layer]
    return []


def foreground(maps: list[Image], box: Box) -> NDArray[np.float32]:
    """Return the probability of all classes but background in a box, (Z, Y, X).

    As in files, whole numbers are shares of the highest that their type holds, and of
    several channels the first is background.
    """
    found = np.zeros([side.stop - side.start for side in box], np.float32)
    for one in maps:
        values = np.asarray(planes(one)[box])
        likely = values.astype(np.float32)
        if values.dtype.kind in "ui":
            likely /= np.iinfo(values.dtype).max
        channels = axes_of(one).find("C")
        several = channels >= 0 and shape_of(one)[channels] > 1
        found += 1 - likely if several else likely
    return found


def probabilities(maps: list[Image], slices: slice) -> NDArray[np.float32]:
    """Return a copy of some slices of maps, (num_classes, Z, Y, X), background first.

    To be called on the main thread.
    """
    return with_background(copied(maps, slices))


def copied(
    maps: list[Image], slices: slice | Sequence[int]
) -> list[NDArray[np.float32]]:
    """Return copies of some slices of maps, each (Z, Y, X); on the main thread."""
    return [np.array(planes(one)[slices], np.float32) for one in maps]


def predicted_slices(
    maps: list[Image], at_most: int
) -> list[tuple[tuple[slice, ...], NDArray[np.float32]]]:
    """Return the probabilities of some slices that are whole, spread over the stack.

    Each is (num_classes, 1, Y, X), after its place; to be called on the main thread.
    """
    whole = [set(one.metadata.get(PREDICTED, ())) for one in maps]
    every = sorted(set.intersection(*whole)) if whole else []
    some = every[:: max(1, -(-len(every) // at_most))]
    boxes = [slice(z, z + 1) for z in some]
    return [((one,), probabilities(maps, one)) for one in boxes]


def with_background(others: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the probabilities of all classes, (num_classes, Z, Y, X).

    Parameters
    ----------
    others
        (Z, Y, X) of each class but background, which comes first.
    """
    background = np.subtract(1, sum(others), dtype=np.float32)
    return np.stack([background, *others])


def _make(viewer: ViewerModel, of: Image, key: _MapOf, shape: tuple[int, ...]) -> Image:
    old = find_marked(viewer, PROBABILITY_OF, key)
    if isinstance(old, Image) and old.data.shape == shape:
        lay_on(old, of)
        return old
    what = f"probability {key.number}" if key.count > 1 else "probability"
    layer: Image = add_or_update(
        viewer,
        Image,
        np.zeros(shape, np.float32),
        what,
        of,
        contrast_limits=(0, 1),
        visible=False,
        **placed_like(of),
    )
    layer.metadata[PROBABILITY_OF] = key
    layer.metadata[PREDICTED] = []
    return layer
