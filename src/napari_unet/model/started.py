"""The news that work has begun on a device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Started:
    """Work begins.

    Attributes
    ----------
    device
        The device and its precision, in words.
    notes
        What was understood.
    memory
        Returns words on the memory of the device as it is when called.
    """

    device: str
    notes: tuple[str, ...]
    memory: Callable[[], str]
