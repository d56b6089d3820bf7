"""The weight map of one slice, kept up to date while it is painted."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from napari_unet.config import AnnotationKind, Coverage, WeightMapConfig
from napari_unet.config.coverage import NOTHING_IGNORED
from napari_unet.data.annotation import IGNORE, Target, to_target
from napari_unet.data.boxes import Box, box_of, grow, moved, whole, within
from napari_unet.data.weight_map import (
    background_gain,
    reach_of,
    weigh_classes,
    weights_of_counts,
)
from napari_unet.live.live_objects import LiveObjects

_SQUARE = (1.0, 1.0)
# So many of the largest values tell how `to_target` reads all values of a slice.
_TELLING = 8


class LiveWeightMap:
    """The weight map of a slice, of which a stroke changes only the neighbourhood.

    After every `update` it equals the `weight_map` of the slice by itself, but for
    what `mask` says.

    Parameters
    ----------
    labels
        (Y, X) integers or bool, as painted; copied.
    kind
        What the values mean.
    config
        Settings of the weight map.
    mask
        As in `to_target`, where the slice is one of many.
    coverage
        Which pixels say anything; nothing is guessed.

    Attributes
    ----------
    values
        (Y, X) float32; `update` changes it in place.
    classes
        (Y, X) uint8, as in `Target`; `update` changes it in place.

    Raises
    ------
    InputError
        Where `to_target` would.
    """

    def __init__(
        self,
        labels: NDArray[np.generic],
        kind: AnnotationKind,
        config: WeightMapConfig | None = None,
        *,
        mask: bool | None = None,
        coverage: Coverage = NOTHING_IGNORED,
    ) -> None:
        self._kind, self._mask = kind, mask
        self._coverage = coverage
        self._config = config or WeightMapConfig()
        self._margin = math.ceil(reach_of(self._config)) + 1
        self.values = np.zeros(labels.shape, np.float32)
        self._labels = np.array(labels)
        self._start(labels)

    def update(
        self, labels: NDArray[np.generic], region: Box | None = None
    ) -> list[Box]:
        """Follow a change of the labels.

        Parameters
        ----------
        labels
            (Y, X): the whole slice as it is now.
        region
            Rows and columns outside of which nothing has changed; all when left out.

        Returns
        -------
        Boxes of `values` that were made anew.

        Raises
        ------
        InputError
            Where `to_target` would; make another map once the labels are right.
        """
        region = region or whole(labels.shape)
        wide = np.promote_types(self._labels.dtype, labels.dtype)
        self._labels = self._labels.astype(wide, copy=False)
        changed = box_of(np.asarray(labels[region] != self._labels[region]))
        if changed is None:
            return []
        region = moved(changed, region[0].start, region[1].start)
        read_so_far = self._reading()
        self._values.subtract(self._count(self._labels[region]))
        self._values.update(self._count(labels[region]))
        if self._reading() != read_so_far:
            self._start(labels)
            return [whole(labels.shape)]
        self._labels[region] = labels[region]
        boxes = self._repaint(grow(region, 1, labels.shape))
        return self._weigh(boxes)

    def _start(self, labels: NDArray[np.generic]) -> None:
        target = self._target(labels[None])
        self._labels = np.array(labels)
        self._values = self._count(labels)
        self.classes = target.classes[0]
        self._objects = LiveObjects(target.objects[0])
        self._counts = np.bincount(self.classes.ravel(), minlength=256)
        self._balance = weights_of_counts(self._counts[:IGNORE], self._config)
        self._gain = np.zeros(labels.shape, np.float32)
        self._weigh([whole(labels.shape)])

    def _target(self, labels: NDArray[np.generic]) -> Target:
        return to_target(
            labels,
            self._kind,
            mask=self._mask,
            coverage=self._coverage,
        )

    def _count(self, labels: NDArray[np.generic]) -> Counter[int]:
        values, counts = np.unique(labels, return_counts=True)
        present = (values != 0) & (values != self._coverage.ignored)
        pairs = zip(values[present].tolist(), counts[present].tolist(), strict=True)
        return Counter(dict(pairs))

    def _reading(self) -> list[int]:
        """Return what decides how the values are read: others mean a new start."""
        values = sorted(value for value, count in self._values.items() if count > 0)
        if self._kind is AnnotationKind.OBJECTS and values:
            # One object more changes nothing for the others, except where ids take
            # more than 32 bits and all are renumbered.
            return values if values[-1] > np.iinfo(np.int32).max else [1]
        return values[-_TELLING:]

    def _read(self, region: Box) -> Target:
        """Read a region as it would be read within the slice."""
        around = grow(region, 1, self._labels.shape)
        piece = self._labels[around]
        # Values are read in the light of all others of the slice: those that tell
        # are put under the piece, in a column of their own, and cut off again.
        reading = self._reading()
        below = np.zeros((len(reading) + 1, piece.shape[1]), piece.dtype)
        below[1:, 0] = reading
        both = np.concatenate([piece, below])[None]
        target = self._target(both)
        inside = (slice(None), *within(region, around))
        return Target(target.classes[inside], target.objects[inside], 2)

    def _repaint(self, region: Box) -> list[Box]:
        """Take over the labels of a region; return where that may change weights."""
        target = self._read(region)
        classes, objects = target.classes[0], target.objects[0]
        changed = classes != self.classes[region]
        self._counts += np.bincount(classes.ravel(), minlength=256)
        self._counts -= np.bincount(self.classes[region].ravel(), minlength=256)
        self.classes[region] = classes
        boxes: list[Box] = []
        if self._kind is AnnotationKind.OBJECTS:
            changed |= objects != self._objects.ids[region]
            self._objects.ids[region] = objects
        else:
            painted = (self.classes > 0) & (self.classes != IGNORE)
            boxes = self._objects.repaint(region, painted, self._margin)
        inner = box_of(changed)
        if inner is not None:
            inner = moved(inner, region[0].start, region[1].start)
            boxes.append(grow(inner, self._margin, self.classes.shape))
        return boxes

    def _weigh(self, boxes: list[Box]) -> list[Box]:
        """Weigh the pixels of some boxes; all, where the balance has moved."""
        for box in boxes:
            around = grow(box, self._margin, self.classes.shape)
            inside = within(box, around)
            wanted = np.zeros(self.classes[around].shape, bool)
            wanted[inside] = self.classes[box] == 0
            objects = self._objects.ids[around]
            gain = background_gain(objects, wanted, self._config, _SQUARE)
            self._gain[box] = gain[inside]
        balance = weights_of_counts(self._counts[:IGNORE], self._config)
        if not np.array_equal(balance, self._balance):
            self._balance = balance
            boxes = [whole(self.classes.shape)]
        for box in boxes:
            values = weigh_classes(self.classes[box], balance)
            self.values[box] = values + self._gain[box]
        return boxes
