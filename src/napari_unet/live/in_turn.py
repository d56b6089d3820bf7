"""A lock that lets everybody have a turn who waits for one."""

from __future__ import annotations

import threading


class InTurn:
    """A lock that its holder gets again only after those who wait for it now.

    A plain lock goes to whoever asks first: a loop that takes it anew at once can keep
    others waiting for ever.
    """

    def __init__(self) -> None:
        self._next, self._held = threading.Lock(), threading.Lock()

    def __enter__(self) -> None:
        with self._next:
            self._held.acquire()

    def __exit__(self, *_: object) -> None:
        self._held.release()
