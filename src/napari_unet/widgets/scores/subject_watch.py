"""Whether layers still are as they were when they were scored."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_unet.widgets.layers.changes import LabelChanges
from napari_unet.widgets.qt.listen import Subscriptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_unet.data.stack import ArrayLike
    from napari_unet.widgets.scores.subject import Subject

_IGNORED = "Other pixels are ignored since: score again."


class SubjectWatch(QObject):
    """Tells when the layers are not as they were read any more, or are so again.

    Parameters
    ----------
    subject
        What was read, a moment ago.
    parent
        What the watch ends with.

    Signals
    -------
    changed()
        `words` says something else.
    """

    changed = Signal()

    def __init__(self, subject: Subject, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.subject = subject
        self._watches: list[Subscriptions] = []
        self._differs: dict[str, set[int]] = {}
        self._ignored = False
        pairs = (
            (subject.prediction, subject.predicted_labels),
            (subject.truth, subject.truth_labels),
        )
        for layer, read in pairs:
            changes = LabelChanges.of(layer)
            for signal, slot in (
                (changes.changed, partial(self._on_slice, layer.name, read)),
                (changes.reshaped, partial(self._on_reshaped, layer.name)),
            ):
                self._watches.append(Subscriptions(self, slot, signal))

    def words(self) -> str:
        """Return what has changed, "" where all is as it was read."""
        names = [name for name, slices in self._differs.items() if slices]
        if not names:
            return _IGNORED if self._ignored else ""
        have = "have" if len(names) > 1 else "has"
        return f"{' and '.join(names)} {have} changed since: score again."

    def ignore(self) -> None:
        """Take note that other pixels are to be left out."""
        self._ignored = True
        self.changed.emit()

    def close(self) -> None:
        """End the watch."""
        for watch in self._watches:
            watch.end()
        self.deleteLater()

    def _on_slice(
        self,
        name: str,
        read: ArrayLike,
        z: int,
        now: NDArray[np.generic],
        _rows: slice,
    ) -> None:
        before = self.words()
        slices = self._differs.setdefault(name, set())
        # What was painted may have been taken back.
        (slices.discard if np.array_equal(now, read[z]) else slices.add)(z)
        if self.words() != before:
            self.changed.emit()

    def _on_reshaped(self, name: str) -> None:
        self._differs.setdefault(name, set()).add(-1)
        self.changed.emit()
