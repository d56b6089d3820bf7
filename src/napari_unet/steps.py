"""Long work, which is a generator of its steps, run to its end."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

Step = TypeVar("Step")
Result = TypeVar("Result")


def result_of(
    steps: Generator[Step, None, Result],
    show: Callable[[Step], object] | None = None,
) -> Result:
    """Run work to its end and return its result; `show` is called with every step."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
        if show is not None:
            show(step)
