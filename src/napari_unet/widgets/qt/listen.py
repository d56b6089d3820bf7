"""Events that a widget listens to for as long as it exists."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from qtpy.QtCore import QObject


class Subscriptions:
    """Connections from events to one slot, which end with a widget or by `replace`.

    Parameters
    ----------
    owner
        Its end is that of the connections.
    slot
        Called with every event.
    """

    def __init__(self, owner: QObject, slot: Callable[..., Any]) -> None:
        self._slot = slot
        self._events: list[Any] = []
        # A slot of what is being destroyed would not be called.
        owner.destroyed.connect(lambda _gone=None: self.replace(()))

    def replace(self, events: Iterable[Any]) -> None:
        """Listen to other events instead of those before."""
        for event in self._events:
            # The layer, or the viewer, may have gone before.
            with contextlib.suppress(ValueError):
                event.disconnect(self._slot)
        self._events = list(events)
        for event in self._events:
            event.connect(self._slot)
