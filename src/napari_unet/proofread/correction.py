"""A correction: new values for a box of labels; and where each object lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.data.boxes import Box, moved, union, whole
from napari_unet.errors import InputError

Labels = NDArray[np.integer]
"""Numbered objects, (Y, X) or (Z, Y, X); 0 is background."""

_LISTED = 2**24


@dataclass(frozen=True, eq=False)
class Correction:
    """What takes the place of labels.

    Attributes
    ----------
    box
        Where.
    values
        The new values of the box, in the type of the labels or a larger one.
    words
        What was done, such as "7 merged into 3".
    """

    box: Box
    values: Labels
    words: str


class ObjectBoxes:
    """Where each object of labels lies, so that a correction looks at its box alone.

    Found once for all objects; `include` keeps it true when labels change. A box may be
    larger than its object.

    Parameters
    ----------
    labels
        The array itself, not a copy: corrections read it.
    used
        Highest number that is taken elsewhere, such as in other slices.
    """

    def __init__(self, labels: Labels, used: int = 0) -> None:
        self.labels = labels
        self._used = used
        self._boxes: dict[int, Box] | None = None
        self._late: list[Box] = []
        self._changed: list[tuple[Box, set[int]]] = []
        # Of these, a box may be larger than the object.
        self._wide: set[int] = set()

    @property
    def highest(self) -> int:
        """Highest number that any object has, or had."""
        self._known()
        return self._used

    def find(self, number: int) -> Box:
        """Return the smallest box around an object.

        Raises
        ------
        InputError
            When there is none of that number.
        """
        if number <= 0:
            raise InputError("There is background here: choose an object, by a click.")
        boxes = self._known()
        wide = boxes.get(number, whole(self.labels.shape))
        inner = _inner(self.labels[wide] == number)
        if inner is None:
            boxes.pop(number, None)
            raise InputError(
                f"There is no object {number}: choose one that is there, by a click."
            )
        box = moved(inner, *(side.start for side in wide))
        boxes[number] = box
        self._wide.discard(number)
        return box

    def slices(self, number: int) -> range:
        """Return the slices from the first to the last that hold an object."""
        box = self._known()[number]
        depth, *_ = self.find(number) if number in self._wide else box
        return range(depth.start, depth.stop)

    def numbers(self) -> list[int]:
        """Return the numbers of all objects, in their order."""
        return sorted(number for number, _ in self.items())

    def items(self) -> list[tuple[int, Box]]:
        """Return number and box of all objects."""
        self._known()
        self._leave_out_gone()
        return [(number, box) for number, box in self._known().items() if number > 0]

    def __contains__(self, number: int) -> bool:
        """Return whether there is, or was a moment ago, an object of a number."""
        return number > 0 and number in self._known()

    def include(self, box: Box) -> None:
        """Take note that labels in a box have changed."""
        if self._boxes is None:
            self._late.append(box)
            return
        there = np.unique(self.labels[box]).tolist()
        self._changed.append((box, set(there)))
        self._wide.update(there)
        for number in there:
            self._used = max(self._used, number)
            before = self._boxes.get(number, box)
            self._boxes[number] = union([before, box])

    def renumbered(self, new: Mapping[int, int]) -> ObjectBoxes:
        """Return the same boxes by other numbers, which the labels have by now."""
        made = ObjectBoxes(self.labels, used=max(new.values(), default=0))
        made._boxes = {
            new[number]: box for number, box in self._known().items() if number in new
        }
        return made

    def _leave_out_gone(self) -> None:
        """Forget objects of which nothing is left where labels have changed."""
        changed, self._changed = self._changed, []
        boxes = self._known()
        if not changed or not boxes:
            return
        numbers = list(boxes)
        sides = [[(side.start, side.stop) for side in boxes[n]] for n in numbers]
        bounds: NDArray[np.intp] = np.array(sides)
        doubtful: set[int] = set()
        for box, there in changed:
            low, high = np.array([(side.start, side.stop) for side in box]).T
            met = ((bounds[..., 0] < high) & (bounds[..., 1] > low)).all(axis=1)
            doubtful |= {numbers[at] for at in np.flatnonzero(met)} - there
        for number in doubtful:
            if not any((part == number).any() for part in self.labels[boxes[number]]):
                del boxes[number]

    def _known(self) -> dict[int, Box]:
        """Return all boxes; what changed while they were found is taken in."""
        known = self._boxes
        return self._first(self._all()) if known is None else known

    def _first(self, found: dict[int, Box]) -> dict[int, Box]:
        """Keep boxes, unless another thread found them, which are up to date."""
        if self._boxes is None:
            self._boxes = found
            late, self._late = self._late, []
            for box in late:
                self.include(box)
        return self._boxes

    def _all(self) -> dict[int, Box]:
        highest = int(self.labels.max(initial=0))
        self._used = max(self._used, highest)
        if highest >= _LISTED:
            return self._all_listed()
        found = scipy.ndimage.find_objects(self.labels)
        return {n: box for n, box in enumerate(found, start=1) if box is not None}

    def _all_listed(self) -> dict[int, Box]:
        """Return all boxes where numbers are too high for a table of them."""
        numbers = np.unique(self.labels)
        numbers = numbers[numbers > 0]
        known = np.insert(numbers, 0, 0)
        ranks = np.empty(self.labels.shape, np.int32)
        for one, target in zip(self.labels, ranks, strict=True):
            target[...] = np.searchsorted(known, np.maximum(one, 0))
        found = scipy.ndimage.find_objects(ranks)
        return dict(zip(numbers.tolist(), found, strict=True))


def ball(ndim: int) -> NDArray[np.bool_]:
    """Return a pixel and its neighbours along the axes."""
    return np.asarray(scipy.ndimage.generate_binary_structure(ndim, 1))


def in_plane(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a mask of a single slice as (Y, X), others as they are.

    In three dimensions nothing that lies in one slice encloses anything, and all of it
    is as near to its outline.
    """
    return np.asarray(mask[0] if mask.ndim > 2 and len(mask) == 1 else mask)


def _inner(mask: NDArray[np.bool_]) -> Box | None:
    if not mask.any():
        return None
    (box,) = scipy.ndimage.find_objects(mask.view(np.uint8))
    return tuple(box)
