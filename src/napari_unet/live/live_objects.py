"""The connected objects of one slice, kept up to date while it is painted."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_unet.data.boxes import Box, grow, moved, overlap, union, whole, within


class LiveObjects:
    """Objects that are joined and parted by strokes.

    Parameters
    ----------
    ids
        (Y, X) int32: 0 = none, every other value one object; changed in place.
    """

    def __init__(self, ids: NDArray[np.int32]) -> None:
        self.ids = ids
        self._boxes: dict[int, Box] = {}
        self._next = 1
        self._add(ids, whole(ids.shape))

    def repaint(
        self, region: Box, painted: NDArray[np.bool_], margin: int
    ) -> list[Box]:
        """Find the objects anew after pixels of `region` have changed.

        Parameters
        ----------
        region
            Box with the changed pixels and one pixel more on every side.
        painted
            (Y, X) bool: pixels that belong to an object now.
        margin
            Distance up to which an object counts for a pixel.

        Returns
        -------
        Boxes that hold every pixel within `margin` of two objects that became one, or
        of two parts of what was one.
        """
        touched = np.unique(self.ids[region])
        touched = touched[touched > 0]
        old_boxes = [self._boxes.pop(int(one)) for one in touched]
        box = union([region, *old_boxes])
        # Touched objects get numbers from 1 on; what else lies in the box stays.
        number = np.zeros(self._next, np.int32)
        number[touched] = np.arange(1, touched.size + 1)
        here = self.ids[box]
        old = number[here]
        mask = old > 0
        here[mask] = 0
        mask[within(region, box)] = True
        mask &= painted[box]
        new, count = scipy.ndimage.label(mask, output=np.int32)
        here[mask] = new[mask] + np.int32(self._next - 1)
        new_boxes = self._add(new, box)
        pairs = _pairs(old, new, count)
        groups = [
            *_groups(pairs[:, 1], pairs[:, 0], old_boxes),
            *_groups(pairs[:, 0], pairs[:, 1], new_boxes),
        ]
        return [box for group in groups for box in _between(group, margin, painted)]

    def _add(self, numbers: NDArray[np.int32], box: Box) -> list[Box]:
        """Note the boxes of new objects, numbered from 1 on within `box`."""
        rows, columns = box[0].start, box[1].start
        found = [
            None if one is None else moved(one, rows, columns)
            for one in scipy.ndimage.find_objects(numbers)
        ]
        for one in found:
            if one is not None:
                self._boxes[self._next] = one
            self._next += 1
        return [one for one in found if one is not None]


def _pairs(
    old: NDArray[np.int32], new: NDArray[np.int32], count: int
) -> NDArray[np.intp]:
    """Return which old and new numbers share a pixel, (pairs, 2)."""
    both = (old > 0) & (new > 0)
    keys = old[both].astype(np.intp) * (count + 1) + new[both]
    return np.stack(np.divmod(np.flatnonzero(np.bincount(keys)), count + 1), axis=1)


def _groups(
    wholes: NDArray[np.intp], parts: NDArray[np.intp], boxes: list[Box]
) -> list[list[Box]]:
    """Return the boxes of the parts of each whole that has several."""
    values, counts = np.unique(wholes, return_counts=True)
    return [
        [boxes[part - 1] for part in parts[wholes == value]]
        for value in values[counts > 1]
    ]


def _between(parts: list[Box], margin: int, painted: NDArray[np.bool_]) -> list[Box]:
    """Return a box around all that lies within `margin` of two of the parts."""
    wide = [grow(part, margin, painted.shape) for part in parts]
    shared = [overlap(a, b) for a, b in combinations(wide, 2)]
    met = [one for one in shared if one is not None]
    return [union(met)] if met else []
