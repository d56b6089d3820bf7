"""Events of layers that a widget listens to for as long as it exists."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from qtpy.QtWidgets import QWidget


class Subscriptions:
    """Connections from events to one slot, which end with a widget or by `replace`.

    Parameters
    ----------
    widget
        Its end is that of the connections.
    slot
        Called with every event.
    """

    def __init__(self, widget: QWidget, slot: Callable[..., Any]) -> None:
        self._slot = slot
        self._events: list[Any] = []
        widget.destroyed.connect(lambda _gone=None: self.replace(()))

    def replace(self, events: Iterable[Any]) -> None:
        """Listen to other events instead of those before."""
        for event in self._events:
            # The layer, or the viewer, may have gone before.
            with contextlib.suppress(ValueError):
                event.disconnect(self._slot)
        self._events = list(events)
        for event in self._events:
            event.connect(self._slot)
