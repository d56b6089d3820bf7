"""How many pixels of each class are painted, counted as they change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject

from napari_unet.errors import NapariUNetError
from napari_unet.widgets.layers.annotations import class_names
from napari_unet.widgets.layers.axes import planes
from napari_unet.widgets.layers.changes import LabelChanges
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.listen import Subscriptions

if TYPE_CHECKING:
    from napari.layers import Labels
    from numpy.typing import NDArray

_COUNTED_BYTES = 256 * 2**20
"""Labels larger than this, or not in memory, are counted in slices that change."""


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
        self._counts: NDArray[np.int64] = np.zeros((0, 0), np.int64)
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
        """Count everything anew, where that takes a moment only."""
        self._counts = np.zeros((0, 0), np.int64)
        if self._layer is not None:
            try:
                data = planes(self._layer)
            except NapariUNetError:
                data = np.zeros((0, 1, 1), np.uint8)  # no annotations of a stack
            self._counts = np.zeros((len(data), self._values()), np.int64)
            if isinstance(data, np.ndarray) and data.nbytes <= _COUNTED_BYTES:
                for z, labels in enumerate(data):
                    self._counts[z] = self._of_slice(labels)
        self._tell()

    def _on_slice(self, z: int, labels: NDArray[np.integer], _rows: slice) -> None:
        if z < len(self._counts):
            self._counts[z] = self._of_slice(labels)
            self._tell()

    def _of_slice(self, labels: NDArray[np.integer]) -> NDArray[np.int64]:
        last = self._values() - 1
        return np.bincount(np.clip(labels, 0, last).ravel(), minlength=last + 1)

    def _values(self) -> int:
        """Return how many values are told apart: 0, the classes, and all others."""
        return len(class_names(self._layer)) + 2

    def _tell(self) -> None:
        counts = self._counts.sum(axis=0).tolist()
        # Without names all that is painted is one.
        named = counts[1:-1] or counts[1:]
        self._workspace.painted = tuple(named)
