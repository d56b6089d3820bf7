"""Ctrl+C, and what a cluster or a closing terminal sends to end a program."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TextIO

from napari_unet.cli.show import say

_WORDS = {
    "SIGINT": "Stopping; press Ctrl+C again to leave at once.",
    "SIGTERM": "Told to end (SIGTERM): stopping.",
    "SIGHUP": "The terminal closes (SIGHUP): stopping.",
}
# Windows has none.
_HANGUP = getattr(signal, "SIGHUP", None)


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Yield what ends work in good order when the program is told to end.

    That is the first Ctrl+C, SIGTERM (a cluster ends its job) or SIGHUP (the terminal
    closes). A second Ctrl+C ends the program at once; SIGTERM and SIGHUP, which often
    come twice, do not. Under nohup, SIGHUP stays ignored.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    terminals = [s for s in (sys.stdout, sys.stderr) if s is not None and s.isatty()]

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()
        name = signal.Signals(number).name
        if name == "SIGINT":
            signal.signal(number, before[number])
        elif name == "SIGHUP":
            _leave(terminals)
        # A signal can come in the middle of another line: better no word than its end.
        with suppress(OSError, RuntimeError):
            say(_WORDS[name])

    numbers = [getattr(signal, name) for name in _WORDS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    if before.get(_HANGUP) == signal.SIG_IGN:
        del before[_HANGUP]
    for number in before:
        signal.signal(number, on_signal)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _leave(terminals: list[TextIO]) -> None:
    """Let what is still printed to a terminal that closes go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in terminals:
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
