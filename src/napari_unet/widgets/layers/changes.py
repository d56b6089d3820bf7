"""Whether, where and how a labels layer has changed: one watch for all who ask."""

from __future__ import annotations

import time
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_unet.data.painted_slices import slices_in_memory
from napari_unet.data.row_marks import RowMarks, plane, reach
from napari_unet.widgets.layers.axes import finest
from napari_unet.widgets.layers.proxy import real

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari.layers import Labels

_CHECK_MS = 4
_PAUSE_MS = 20
# Slices that were never touched are compared too, where that takes a moment only.
_SMALL_BYTES = 256 * 2**20
_ALL = slice(None)


class LabelChanges:
    """Watches a labels layer; all who listen share one watch, `LabelChanges.of(layer)`.

    napari tells what a stroke, a fill or an edit by a plugin has changed, but not what
    undo, redo, new data and writing in place have: there it tells that it draws, as
    when it moves to another slice. So slices are compared with what they were: first
    those that were touched before, then, in small portions, all others of a layer that
    is small. Of every row 8 bytes are remembered, not a copy. Labels that cannot be
    written to, or do not lie in memory, are compared where they were painted.

    Signals
    -------
    changed(z, labels, rows)
        A slice, counted over all dimensions but the last two; its labels, a (Y, X)
        copy; and a slice of the rows outside of which nothing has changed.
    edited(layer)
        Labels have changed, whichever; a stroke is told at once, and when it is found.
    reshaped()
        The layer has data of another shape.
    drawn()
        The layer is drawn anew, for a brush in motion too: labels may have changed.
    """

    changed = Signal(int, object, object)
    edited = Signal(object)
    reshaped = Signal()
    drawn = Signal()
    _of_layer: ClassVar[weakref.WeakKeyDictionary[Labels, LabelChanges]] = (
        weakref.WeakKeyDictionary()
    )

    @classmethod
    def of(cls, layer: Labels) -> LabelChanges:
        """Return the watch of a layer, on the main thread."""
        own = real(layer)
        if own not in cls._of_layer:
            cls._of_layer[own] = cls(own)
        return cls._of_layer[own]

    def __init__(self, layer: Labels) -> None:
        self._layer = weakref.ref(layer)
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timer)
        layer.events.paint.connect(self._on_paint)
        layer.events.data.connect(self._on_data)
        layer.events.set_data.connect(self._on_set_data)
        for name in ("labels_update", "paint", "data", "set_data"):
            layer.events[name].connect(self._on_drawn)
        self._start(finest(layer))

    # ------------------------------------------------------------ what napari tells

    def _on_drawn(self, _event: Any) -> None:
        self.drawn.emit()

    def _on_paint(self, event: Any) -> None:
        data = self._data()
        if data is not None:
            planes, rows = reach(event.value, data.shape)
            self._marks.touched.update(planes)
            # Of a slice that was not looked at before, all rows are new.
            parts = [(z, rows if z in self._marks.known else _ALL) for z in planes]
            for part in parts:
                self._compare(data, *part)
            # A polygon, and what a program paints, are told before the data have them.
            self._compare_soon([*parts, *self._waiting])
            self.edited.emit(self._layer())

    def _on_set_data(self, _event: Any) -> None:
        data = self._data()
        if data is not None:
            small = data.nbytes <= _SMALL_BYTES
            self._compare_slices(slices_in_memory(data) if small else ())

    def _on_data(self, _event: Any) -> None:
        if self._data() is not None:
            self._compare_slices(self._marks.known)
            self.edited.emit(self._layer())

    def _data(self) -> Any:
        """Return the data, or None where there is nothing to compare them with."""
        layer = self._layer()
        if layer is None:
            return None
        data = finest(layer)
        if data.shape == self._marks.shape:
            return data
        self._start(data)
        self.reshaped.emit()
        self.edited.emit(layer)
        return None

    # ------------------------------------------------------------------- comparing

    def _start(self, data: Any) -> None:
        """Take the labels as they are for known."""
        self._marks = RowMarks(data)
        self._waiting: deque[tuple[int, slice]] = deque()

    def _compare_slices(self, others: Iterable[int]) -> None:
        order = [
            *sorted(self._marks.touched),
            *(z for z in others if z not in self._marks.touched),
        ]
        self._compare_soon((z, _ALL) for z in order)

    def _compare_soon(self, parts: Iterable[tuple[int, slice]]) -> None:
        if len(self.changed) or len(self.edited):
            self._waiting = deque(parts)
            if not self._timer.isActive():
                self._timer.start(0)

    def _on_timer(self) -> None:
        """Compare slices for a few milliseconds, and go on a moment later."""
        data = self._data()
        if data is None:
            return
        end = time.perf_counter() + _CHECK_MS / 1000
        edited = False
        while self._waiting and time.perf_counter() < end:
            edited |= self._compare(data, *self._waiting.popleft())
        if edited:
            self.edited.emit(self._layer())
        if self._waiting:
            self._timer.start(_PAUSE_MS)

    def _compare(self, data: Any, z: int, rows: slice) -> bool:
        """Return whether rows of a slice have changed, and tell of it."""
        found = self._marks.changed(data, z, rows)
        if found is not None and len(self.changed):
            self.changed.emit(z, np.array(plane(data, z)), found)
        return found is not None
