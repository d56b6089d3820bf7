"""The units of length that all layers share, read before the first layer is made."""

from __future__ import annotations

from typing import Any

import pint
from pint.registry import LazyRegistry


def read_units() -> pint.UnitRegistry[Any]:
    """Return all units that pint knows; on any thread."""
    registry: pint.UnitRegistry[Any] = pint.UnitRegistry()
    registry.parse_units("nm")
    return registry


def share_units(registry: pint.UnitRegistry[Any]) -> None:
    """Give units to all layers to come; on the main thread.

    Units of two registries do not go together: what a first layer has read itself
    meanwhile stays.
    """
    if are_unread():
        pint.set_application_registry(registry)


def are_unread() -> bool:
    """Return whether the first layer would have to read the units itself.

    That takes longer than a window may stand still.
    """
    return isinstance(pint.application_registry.get(), LazyRegistry)
