"""How many pixels of each class are painted, counted as they change."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections import deque
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject

from napari_unet.data.painted_slices import slices_in_memory
from napari_unet.errors import NapariUNetError
from napari_unet.widgets.layers.annotations import class_names
from napari_unet.widgets.layers.axes import planes
from napari_unet.widgets.layers.changes import LabelChanges
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.listen import Subscriptions, later

if TYPE_CHECKING:
    from napari.layers import Labels
    from numpy.typing import NDArray

_COUNTED_BYTES = 256 * 2**20
"""Labels larger than this, or not in memory, are counted in slices that change."""
_PORTION = 2**18
"""Pixels that are counted at once."""
_MOMENT, _PAUSE_MS = 0.01, 2
"""Seconds that are counted for, until the window has its turn."""


class PaintedPixels(QObject):
    """Keeps `Workspace.painted` true to the annotations.

    Parameters
    ----------
    workspace
        Has the annotations, and gets the counts.
    owner
        What it ends with.
    """

    def __init__(self, workspace: Workspace, owner: QObject) -> None:
        super().__init__(owner)
        self._workspace = workspace
        self._layer: Labels | None = None
        # Of each slice and block of rows, how often there is each value.
        self._counts: NDArray[np.int64] = np.zeros((0, 0, 0), np.int64)
        self._rows = 1
        self._waiting: deque[tuple[int, ...]] = deque()
        self._unknown: set[int] = set()
        self._timer = later(self, self._go_on, _PAUSE_MS)
        self._slices = Subscriptions(self, self._on_slice)
        self._others = Subscriptions(self, self._count)
        Subscriptions(self, self._follow, workspace.events.annotations)
        self._follow(workspace.annotations)

    def _follow(self, layer: Labels | None) -> None:
        self._layer = layer
        if layer is None:
            self._slices.end()
            self._others.end()
        else:
            changes = LabelChanges.of(layer)
            self._slices.replace((changes.changed,))
            self._others.replace((changes.reshaped, layer.events.features))
        self._count()

    def _count(self, *_changed: Any) -> None:
        """Count everything anew."""
        data = self._data()
        self._shape = num_slices, height, width = data.shape
        self._rows = max(1, _PORTION // max(1, width))
        shape = num_slices, ceil(height / self._rows), self._values()
        self._counts = np.zeros(shape, np.int64)
        few = data.nbytes <= _COUNTED_BYTES
        held = slices_in_memory(data) if few else ()
        self._unknown = set(range(num_slices)) - set(held)
        self._waiting = deque(itertools.product(held, range(shape[1])))
        self._go_on()

    def _go_on(self) -> None:
        """Count for a moment, and the rest a moment later."""
        data, end = self._data(), time.perf_counter() + _MOMENT
        if data.shape != self._shape:
            self._count()
            return
        while self._waiting and time.perf_counter() < end:
            z, block = self._waiting.popleft()
            self._count_block(data[z], z, block)
        self._tell()
        if self._waiting:
            self._timer.start()

    def _on_slice(self, z: int, labels: NDArray[np.integer], rows: slice) -> None:
        if z >= len(self._counts):
            return
        first, last, _ = rows.indices(len(labels))
        if z in self._unknown:
            self._unknown.remove(z)
            first, last = 0, len(labels)
        for block in range(first // self._rows, ceil(last / self._rows)):
            self._count_block(labels, z, block)
        self._tell()

    def _count_block(self, labels: NDArray[np.integer], z: int, block: int) -> None:
        rows, last = slice(block * self._rows, (block + 1) * self._rows), self._values()
        values = np.clip(labels[rows], 0, last - 1).ravel()
        self._counts[z, block] = np.bincount(values, minlength=last)

    def _data(self) -> Any:
        """Return the labels, (Z, Y, X); without any where they are of no stack."""
        if self._layer is not None:
            with contextlib.suppress(NapariUNetError):
                return planes(self._layer)
        return np.zeros((0, 1, 1), np.uint8)

    def _values(self) -> int:
        """Return how many values are told apart: 0, the classes, and all others."""
        return 0 if self._layer is None else len(class_names(self._layer)) + 2

    def _tell(self) -> None:
        counts = self._counts.sum(axis=(0, 1)).tolist()
        # Without names all that is painted is one.
        named = counts[1:-1] or counts[1:]
        self._workspace.painted = tuple(named)
