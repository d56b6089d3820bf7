"""Events that a widget listens to for as long as it exists."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from qtpy.QtCore import QObject, QTimer


def when_gone(owner: QObject, act: Callable[[], object]) -> None:
    """Call `act` once Qt has destroyed a widget.

    A method of the widget itself would not be called any more, if it were connected
    without what lies between.
    """
    owner.destroyed.connect(lambda _gone=None: act())


def later(owner: QObject, act: Callable[[], object], milliseconds: int = 0) -> QTimer:
    """Return a timer that calls `act` once, so long after each time it is started."""
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(act)
    return timer


class Subscriptions:
    """Connections from events to one slot, which end with a widget or by `replace`.

    Parameters
    ----------
    owner
        Its end is that of the connections; None for those that `end` alone ends.
    slot
        Called with every event.
    *events
        Signals of psygnal, or events of napari.
    """

    def __init__(
        self, owner: QObject | None, slot: Callable[..., Any], *events: Any
    ) -> None:
        self._slot = slot
        self._events: list[Any] = []
        self.replace(events)
        if owner is not None:
            when_gone(owner, self.end)

    def replace(self, events: Iterable[Any]) -> None:
        """Listen to other events instead of those before."""
        self.end()
        self._events = list(events)
        for event in self._events:
            event.connect(self._slot)

    def end(self) -> None:
        """Listen to nothing any more."""
        for event in self._events:
            # The layer, or the viewer, may have gone before.
            with contextlib.suppress(ValueError):
                event.disconnect(self._slot)
        self._events = []
