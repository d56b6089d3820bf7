"""Large packages that threads load meanwhile, one after the other."""

from __future__ import annotations

import importlib
from threading import RLock
from types import ModuleType

_TURN = RLock()


def imported(name: str) -> ModuleType:
    """Import a module on a thread, beside which other threads may do the same.

    Where two threads import what imports each other, Python hands one of them a module
    that is half there, and names are missing in it. So they take turns.
    """
    with _TURN:
        return importlib.import_module(name)
