"""Large packages that threads load meanwhile, one after the other."""

from __future__ import annotations

import importlib
import sys
from threading import RLock
from types import ModuleType

_TURN = RLock()
_ASKED_FOR = "torch"
"""scipy asks for it by name in `sys.modules` while it is loaded itself."""


def imported(name: str) -> ModuleType:
    """Import a module on a thread, beside which other threads may do the same.

    Where two threads import what imports each other, or asks for it, one of them is
    handed a module that is half there, and names are missing in it. So they take turns,
    and wait for a torch that something else has begun to load.
    """
    with _TURN:
        if sys.modules.get(_ASKED_FOR) is not None:
            importlib.import_module(_ASKED_FOR)
        return importlib.import_module(name)
