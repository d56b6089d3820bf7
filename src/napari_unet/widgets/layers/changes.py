"""Which slices of a labels layer have changed, however they were changed."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from napari.layers import Labels
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

_CHECK_MS = 4
_PAUSE_MS = 20
# Slices that were never touched are compared too, where that takes a moment only.
_SMALL_BYTES = 256 * 2**20


class LabelChanges(QObject):
    """Watches a labels layer, and tells of every slice that changes.

    A stroke, a fill and an edit by the plugin tell what they changed; undo, redo and
    new data do not, so that slices are compared with what they were: first the slice
    in view and those that were touched before, then, in small portions, all others.

    Parameters
    ----------
    layer
        A layer of two or three dimensions.
    parent
        What the watch ends with.

    Signals
    -------
    changed(int, object)
        A slice and its labels, (Y, X), a copy.
    reshaped()
        The layer has data of another shape; nothing is told any more.
    """

    changed = Signal(int, object)
    reshaped = Signal()

    def __init__(self, layer: Labels, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._layer = layer
        self._known: NDArray[Any] = np.array(_volume(layer))
        self._shape = self._known.shape
        self._touched: set[int] = set(np.flatnonzero(self._known.any(axis=(1, 2))))
        self._waiting: deque[int] = deque()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timer)
        layer.events.paint.connect(self._on_paint)
        layer.events.set_data.connect(self._on_set_data)
        self.destroyed.connect(_Unwatch(layer, self._on_paint, self._on_set_data))

    def close(self) -> None:
        """End the watch."""
        self._timer.stop()
        _Unwatch(self._layer, self._on_paint, self._on_set_data)()

    def _on_paint(self, event: Any) -> None:
        if not self._fits():
            return
        slices: set[int] = set()
        for index, *_ in event.value:
            slices.update(_slices_of(index, self._shape[0], self._layer.ndim))
        for z in sorted(slices):
            self._compare(z)

    def _on_set_data(self, _event: Any) -> None:
        if not self._fits():
            return
        order = sorted(self._touched)
        if self._known.nbytes <= _SMALL_BYTES:
            order = [*order, *(set(range(self._shape[0])) - self._touched)]
        self._waiting = deque(order)
        if not self._timer.isActive():
            self._timer.start(0)

    def _on_timer(self) -> None:
        """Compare slices for a few milliseconds, and go on a moment later."""
        from time import perf_counter

        began = perf_counter()
        while self._waiting and 1000 * (perf_counter() - began) < _CHECK_MS:
            if not self._fits():
                return
            self._compare(self._waiting.popleft())
        if self._waiting:
            self._timer.start(_PAUSE_MS)

    def _compare(self, z: int) -> None:
        now = np.asarray(_volume(self._layer)[z])
        if np.array_equal(now, self._known[z]):
            return
        self._touched.add(z)
        self._known[z] = now
        self.changed.emit(z, now.copy())

    def _fits(self) -> bool:
        if _volume(self._layer).shape == self._shape:
            return True
        self.close()
        self.reshaped.emit()
        return False


class _Unwatch:
    """Ends the subscriptions to a layer, as often as it is asked to."""

    def __init__(self, layer: Labels, on_paint: Any, on_set_data: Any) -> None:
        self._events = layer.events
        self._slots = (on_paint, on_set_data)

    def __call__(self, _gone: Any = None) -> None:
        paint, set_data = self._slots
        self._events.paint.disconnect(paint)
        self._events.set_data.disconnect(set_data)


def _volume(layer: Labels) -> Any:
    data = layer.data
    if data.ndim == 4 and data.shape[0] == 1:
        data = data[0]
    return data[None] if data.ndim == 2 else data


def _slices_of(index: Any, depth: int, ndim: int) -> set[int]:
    """Return the slices of an index into the data of a layer."""
    if ndim == 2:
        return {0}
    along_z = index[ndim - 3] if isinstance(index, tuple) else index
    if isinstance(along_z, slice):
        return set(range(*along_z.indices(depth)))
    return {int(z) % depth for z in np.unique(along_z)}
