"""Leaks: validation pixels whose surroundings the network has been trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
import skimage
from numpy.typing import NDArray

from napari_unet.config import Region, Role
from napari_unet.data.regions import TRAIN, VALIDATION, role_map, runs
from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.stack import parse_slices

Reach = tuple[int, int, int]
"""Distance along Z, Y and X, in pixels, up to which a training pixel is too close."""


@dataclass(frozen=True)
class Leak:
    """How many validation pixels lie too close to training pixels.

    Attributes
    ----------
    pixels
        Annotated validation pixels that do.
    validation
        All annotated validation pixels.
    reach
        What counts as too close.
    """

    pixels: int
    validation: int
    reach: Reach

    @property
    def words(self) -> str:
        """One sentence on the leak; "" where there is none."""
        if not self.pixels:
            return ""
        slices, side, _ = self.reach
        apart = f"{side} pixels"
        if slices:
            apart += f" and {slices} {'slice' if slices == 1 else 'slices'}"
        number = f"{self.pixels:,} of {self.validation:,}"
        if self.pixels == self.validation:
            number = f"all {self.pixels:,}"
        return (
            f"{number} validation pixels lie within {apart} of training pixels: the "
            "score may be too good; leave a gap between them, or slices"
        )


def leaks(
    roles: NDArray[np.uint8] | SparseSlices[np.uint8],
    annotated: NDArray[np.bool_] | SparseSlices[np.bool_],
    reach: Reach,
) -> Leak:
    """Count the annotated validation pixels that lie too close to training pixels.

    Too close means that an annotated training pixel is at most `reach` away along
    each axis: in a box, not a ball, as what a network sees is a box.

    Parameters
    ----------
    roles
        (Z, Y, X) map of `role_map`.
    annotated
        (Z, Y, X) bool.
    reach
        Half of what the network sees along Z, Y and X, in pixels.
    """
    close = held = 0
    known = SparseSlices.of(annotated)
    for z, plane in known.planes():
        held += int(np.count_nonzero(plane & (roles[z] == VALIDATION)))
    for z, near in _near_slices(roles, known, reach, known.slices):
        close += int(np.count_nonzero(near & known[z]))
    deep, height, width = reach
    there = (min(deep, roles.shape[0] - 1), height, width)
    return Leak(close, held, there)


def shrink_regions(
    regions: Sequence[Region], annotated: NDArray[np.bool_], reach: Reach
) -> list[Region]:
    """Return regions without what leaks of the validation pixels, to the pixel.

    On slices with a leak the validation regions are drawn anew, along what remains of
    them. What they give up and would now be trained on is ignored: training loses
    nothing, and gains nothing.
    """
    depth, height, width = annotated.shape
    roles = role_map(regions, (depth, height, width))
    near = near_training(roles, annotated, reach)
    touched = np.flatnonzero(near.any(axis=(1, 2))).tolist()
    kept: list[Region] = []
    for region in regions:
        kept.extend(_beside(region, set(touched), depth))
    for z in touched:
        kept.extend(_drawn((roles[z] == VALIDATION) & ~near[z], z, Role.VALIDATION))
    trained = role_map(kept, (depth, height, width)) == TRAIN
    for z in touched:
        kept.extend(_drawn(near[z] & trained[z], z, Role.IGNORE))
    return kept


def near_training(
    roles: NDArray[np.uint8], annotated: NDArray[np.bool_], reach: Reach
) -> NDArray[np.bool_]:
    """Find the validation pixels, annotated or not, that are too close to training.

    Returns
    -------
    (Z, Y, X) bool
    """
    out = np.zeros(roles.shape, bool)
    known = SparseSlices.of(annotated)
    for z, near in _near_slices(roles, known, reach, range(len(roles))):
        out[z] = near
    return out


def _near_slices(
    roles: NDArray[np.uint8] | SparseSlices[np.uint8],
    annotated: SparseSlices[Any],
    reach: Reach,
    slices: Iterable[int],
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """Yield which of some slices hold validation pixels near to training, and where."""
    deep, *plane = reach
    for z in slices:
        held = np.asarray(roles[z] == VALIDATION)
        around = [other for other in annotated.slices if abs(other - z) <= deep]
        if not around or not held.any():
            continue
        trained = np.zeros(held.shape, bool)
        for other in around:
            trained |= annotated[other] & (roles[other] == TRAIN)
        near = trained.view(np.uint8)
        for axis, far in enumerate(plane):
            size = 2 * min(far, near.shape[axis]) + 1
            near = scipy.ndimage.maximum_filter1d(near, size, axis, mode="constant")
        yield int(z), held & (near > 0)


def outlines(mask: NDArray[np.bool_]) -> Iterator[tuple[tuple[float, float], ...]]:
    """Yield polygons, (y, x) corners, that together cover a (Y, X) mask exactly."""
    for part in _without_holes(mask):
        # A border all round closes the outline at the edge of the slice.
        (line,) = skimage.measure.find_contours(np.pad(part, 1).astype(np.uint8), 0.5)
        corners = skimage.measure.approximate_polygon(line - 1, tolerance=1e-6)[:-1]
        yield tuple((float(y), float(x)) for y, x in corners)


def _drawn(mask: NDArray[np.bool_], z: int, role: Role) -> Iterator[Region]:
    """Yield regions that cover a (Y, X) mask on slice `z`."""
    if mask.all():
        yield Region(role=role, slices=str(z))
        return
    for corners in outlines(mask):
        yield Region(role=role, slices=str(z), polygon=corners)


def _without_holes(mask: NDArray[np.bool_]) -> Iterator[NDArray[np.bool_]]:
    """Yield connected parts of a mask, cut apart where they have holes."""
    numbered, count = scipy.ndimage.label(mask)
    for number in range(1, count + 1):
        part = numbered == number
        columns = np.flatnonzero(
            (scipy.ndimage.binary_fill_holes(part) & ~part).any(axis=0)
        )
        if columns.size == 0:
            yield part
            continue
        left = np.arange(mask.shape[1]) <= columns[columns.size // 2]
        yield from _without_holes(part & left)
        yield from _without_holes(part & ~left)


def _beside(region: Region, touched: set[int], count: int) -> list[Region]:
    """Return the parts of a region that stay as they are."""
    slices = range(count)[parse_slices(region.slices or ":", count)]
    if region.role is not Role.VALIDATION or touched.isdisjoint(slices):
        return [region]
    others = runs(set(slices) - touched)
    return [region.model_copy(update={"slices": one}) for one in others]
