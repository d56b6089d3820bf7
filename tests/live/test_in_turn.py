"""Whoever waits comes before the one who had the lock."""

from __future__ import annotations

import threading

from napari_unet.live.in_turn import InTurn


def test_the_holder_comes_again_after_those_who_wait():
    turn, order, asking = InTurn(), [], threading.Event()

    def ask():
        asking.set()
        with turn:
            order.append("other")

    other = threading.Thread(target=ask)
    with turn:
        other.start()
        assert asking.wait(30)
        while not turn._next.locked():
            other.join(0.001)
    with turn:
        order.append("holder")
    other.join(30)
    assert order == ["other", "holder"]
