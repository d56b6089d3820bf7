"""What each pixel of a training image is for, from regions and lists of slices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import NetworkConfig, Region, Role
from napari_unet.data.annotation import IGNORE
from napari_unet.data.leak import Reach
from napari_unet.data.regions import TRAIN, UNUSED, VALIDATION, hold_out, roles_on
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.sparse_target import SparseTarget
from napari_unet.data.stack import parse_slices
from napari_unet.errors import InputError
from napari_unet.model.geometry import receptive_field

NO_SLICE = "none"
"""Stands for no slice at all: an image may serve for validation only."""


def assign_roles(
    target: SparseTarget,
    regions: Sequence[Region],
    train: str | None,
    validation: str | None,
    notes: list[str],
) -> SparseSlices[np.uint8]:
    """Return what each pixel of annotated slices is for.

    `train` and `validation` are whole slices.

    Without any of them the last fifth of the annotated slices is held out. What was
    decided is added to `notes`.

    Returns
    -------
    (Z, Y, X) uint8, as of `napari_unet.data.regions.roles_on`.

    Raises
    ------
    InputError
        When no annotated pixel is left to train on, or to hold out where that was
        wanted.
    """
    count = len(target.classes)
    whole = [_slices(Role.TRAIN, train), _slices(Role.VALIDATION, validation)]
    everything = [*regions, *(one for one in whole if one is not None)]
    annotated = target.annotated_slices
    roles = roles_on(annotated, everything, target.classes.shape)
    if train is None and validation is None:
        hold_out(roles, everything, annotated)
    if train == NO_SLICE:
        roles = renamed(roles, TRAIN, UNUSED)
    held, learnt = slices_of(target, roles, VALIDATION), slices_of(target, roles, TRAIN)
    wanted = any(region.role is Role.VALIDATION for region in everything)
    if wanted and held.size == 0:
        if validation in (None, NO_SLICE):
            raise InputError(
                "The validation regions hold no annotated pixel: draw them around "
                "annotations, away from test and ignore regions."
            )
        raise InputError(
            f"Slices {validation} are to be held out, but none of them is annotated."
        )
    if train != NO_SLICE and learnt.size == 0:
        raise InputError(
            "No annotated slice is left to train on: annotate more slices, or hold "
            "out fewer."
        )
    # Where nothing is held out, another image may be; of a set the trainer tells.
    if held.size and not wanted:
        notes.append(f"{_named(held)} held out to score the network")
    elif train is not None and train != NO_SLICE:
        asked = np.arange(count)[parse_slices(train, count)]
        both = np.setdiff1d(np.intersect1d(asked, held), learnt)
        if both.size:
            notes.append(f"{_named(both)} held out and therefore not trained on")
    return roles


def slices_of(
    target: SparseTarget, roles: SparseSlices[np.uint8], role: int
) -> NDArray[np.intp]:
    """Return the indices of the slices with an annotated pixel of a role."""
    planes = target.classes.planes()
    found = [z for z, one in planes if ((one != IGNORE) & (roles[z] == role)).any()]
    return np.array(found, np.intp)


def renamed(
    roles: SparseSlices[np.uint8], role: int, other: int
) -> SparseSlices[np.uint8]:
    """Return roles of which one is another one."""
    change = np.uint8(other)
    return roles.changed(
        lambda _, plane: np.where(plane == role, change, plane), np.uint8
    )


def seen_around(network: NetworkConfig) -> Reach:
    """Return how far along Z, Y and X a validation pixel sees: half its field of view.

    A network of 2 dimensions sees no other slice, but neighbouring slices are near
    copies of each other: the next one on either side counts.
    """
    plane = (receptive_field(network) - 1) // 2
    if network.ndim == 2:
        return 1, plane, plane
    return (receptive_field(network, -3) - 1) // 2, plane, plane


def _slices(role: Role, text: str | None) -> Region | None:
    if text is None or text == NO_SLICE:
        return None
    return Region(role=role, slices=text)


def _named(slices: NDArray[np.intp]) -> str:
    first, last = slices[0], slices[-1]
    return f"slices {first} to {last} are" if last > first else f"slice {last} is"
