"""The mailbox of live training: what a window or a script asks of the thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_unet.model.checkpoint import Model

_BLOCK = 128


class View(NamedTuple):
    """What is looked at: a slice, its rows and columns, and whether how sure it is."""

    z: int
    region: tuple[slice, slice] | None
    probabilities: bool

    def within(self, shape: Sequence[int]) -> View:
        """Return the view within a (Z, Y, X) image, and in whole blocks."""
        depth, *plane = shape
        parts = zip(self.region or (slice(None),) * 2, plane, strict=True)
        rows, columns = (_widen(part, length) for part, length in parts)
        return View(min(max(self.z, 0), depth - 1), (rows, columns), self.probabilities)

    @property
    def box(self) -> tuple[slice, ...]:
        """The (Z, Y, X) box that is looked at, of a view with a region."""
        return (slice(self.z, self.z + 1), *(self.region or ()))


class Painted(NamedTuple):
    """(Y, X) labels of a slice, and the rows that have changed, where that is known."""

    labels: NDArray[np.generic]
    rows: slice | None


class LiveRequests:
    """What is asked of live training; from any thread, also before it has begun.

    Attributes
    ----------
    view
        What is looked at, or None.
    paused, kept
        Whether the training is held, and whether a model file is asked for.
    num_updates
        Updates of annotations so far; a preview tells how many of them it has seen.
    model
        Returns a copy of the network as it is, or None before there is one.
    """

    def __init__(self) -> None:
        self.view: View | None = None
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
        *,
        probabilities: bool = False,
    ) -> None:
        """Ask for previews of a part of slice `z`; None ends them."""
        with self._changed:
            self.view = None if z is None else View(z, region, probabilities)
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


def _widen(part: slice, length: int) -> slice:
    """Widen a part of an axis to whole blocks.

    The CPU's library keeps code for every size that it has seen: while somebody zooms
    these would be hundreds.
    """
    start, stop, _ = part.indices(length)
    return slice(start // _BLOCK * _BLOCK, min(length, -(-stop // _BLOCK) * _BLOCK))


def _around(one: slice | None, other: slice | None) -> slice | None:
    """Return the rows around both; None, which is all of them, stays that."""
    if one is None or other is None:
        return None
    return slice(min(one.start, other.start), max(one.stop, other.stop))
