"""Which objects somebody has looked at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Reviewed:
    """What was reviewed of numbered objects; kept with their layer.

    Attributes
    ----------
    objects
        Numbers of objects that are as they should be.
    """

    objects: set[int] = field(default_factory=set)

    def next_object(self, numbers: Iterable[int], after: int = 0) -> int | None:
        """Return the next number that is not reviewed, round from the end to the start.

        None when all are.
        """
        left = sorted(set(numbers) - self.objects)
        later = [number for number in left if number > after]
        return next(iter(later or left), None)

    def forget(self, numbers: Iterable[int]) -> None:
        """Take objects back that were changed."""
        self.objects -= set(numbers)

    def as_dict(self) -> dict[str, list[int]]:
        """Return it as a list, for a file."""
        return {"objects": sorted(self.objects)}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Reviewed:
        """Read what `as_dict` wrote; what is missing is empty."""
        return cls(set(stored.get("objects", ())))
