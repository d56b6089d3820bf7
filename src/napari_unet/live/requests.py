"""The mailbox of live training: what a window or a script asks of the thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from napari_unet.predict.onlooker import Onlooker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet.model.checkpoint import Model


class Painted(NamedTuple):
    """(Y, X) labels of a slice, and the rows that have changed, where that is known."""

    labels: NDArray[np.generic]
    rows: slice | None


class LiveRequests(Onlooker):
    """What is asked of live training; from any thread, also before it has begun.

    Attributes
    ----------
    paused, kept
        Whether the training is held, and whether a model file is asked for.
    num_updates
        Updates of annotations so far; a preview tells how many of them it has seen.
    model
        Returns a copy of the network as it is, or None before there is one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.paused = self.kept = False
        self.num_updates = 0
        self.model: Callable[[], Model | None] = lambda: None
        self._painted: dict[int, Painted] = {}
        self._changed = threading.Condition()

    def update(
        self, z: int, labels: NDArray[np.generic], rows: slice | None = None
    ) -> None:
        """Hand over the labels of slice `z`, (Y, X), which nobody may change any more.

        Outside of `rows`, nothing has changed since the last update.
        """
        with self._changed:
            if z in self._painted:
                rows = _around(self._painted[z].rows, rows)
            self._painted[z] = Painted(labels, rows)
            self.num_updates += 1
            self._changed.notify_all()

    def look_at(
        self,
        z: int | None,
        region: tuple[slice, slice] | None = None,
    ) -> None:
        """Ask for previews of a part of slice `z`; None ends them."""
        with self._changed:
            super().look_at(z, region)
            self._changed.notify_all()

    def pause(self, paused: bool = True) -> None:
        """Hold the training, or let it go on."""
        with self._changed:
            self.paused = paused
            self._changed.notify_all()

    def keep(self) -> None:
        """Ask for a model file of the network as it is."""
        with self._changed:
            self.kept = True
            self._changed.notify_all()

    def take(self) -> tuple[dict[int, Painted], int]:
        """Take what was painted since the last time, and the number of updates."""
        with self._changed:
            painted, self._painted = self._painted, {}
            return painted, self.num_updates

    def wait(self, seconds: float, ready: Callable[[], bool]) -> None:
        """Sleep for some time, unless there is news, or something is `ready` to do."""
        with self._changed:
            if not (self._painted or ready()):
                self._changed.wait(seconds)


def _around(one: slice | None, other: slice | None) -> slice | None:
    """Return the rows around both; None, which is all of them, stays that."""
    if one is None or other is None:
        return None
    return slice(min(one.start, other.start), max(one.stop, other.stop))
