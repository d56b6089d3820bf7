"""Acts on the main thread that would hold up the window if they came at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from qtpy.QtCore import QObject

from napari_unet.widgets.qt.listen import later


class Turns(QObject):
    """Does one act after another; the window is drawn, and answers, in between.

    Parameters
    ----------
    owner
        Its end is that of the acts that are left.
    pause
        Milliseconds before each act: what lets waiting events in, as napari's bars do,
        lets in one of them at most.
    """

    def __init__(self, owner: QObject, pause: int = 0) -> None:
        super().__init__(owner)
        self._acts: deque[Callable[[], object]] = deque()
        self._timer = later(self, self._next, pause)

    def add(self, act: Callable[[], object]) -> None:
        """Do something after all that waits already, and never at once."""
        self._acts.append(act)
        if len(self._acts) == 1:
            self._timer.start()

    def _next(self) -> None:
        try:
            self._acts[0]()
        finally:
            # Not before: an act may let waiting events in.
            self._acts.popleft()
            if self._acts:
                self._timer.start()
