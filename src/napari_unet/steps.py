"""Long work, which is a generator of its steps, run to its end."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from threading import Event
from typing import TypeVar

_FEW_CORES = 3

Item = TypeVar("Item")
Step = TypeVar("Step")
Other = TypeVar("Other")
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


def with_steps(
    steps: Generator[Step, None, Result], change: Callable[[Step], Other]
) -> Generator[Other, None, Result]:
    """Work as `steps` does, yielding what `change` makes of each step."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
        yield change(step)


def usable_cores() -> int:
    """Return how many cores this process may use, where the system keeps others back.

    A job of a cluster or `taskset` may leave it a few of many.
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def side_by_side(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    stop: Event,
    most: int = 8,
) -> Iterator[Result]:
    """Yield what `work` makes of each item, in their order, until `stop` is set.

    Several threads work at a time, which pays where the work lets others run Python,
    as numpy and scipy do; a core is left to the window where there are many.

    Parameters
    ----------
    work
        What is done with each item, on any thread.
    items
        Few are taken ahead of what was yielded.
    stop
        Ends the work after the items in hand once it is set.
    most
        Items that may be in hand at a time.
    """
    cores = usable_cores()
    threads = max(1, min(most, cores - 1 if cores > _FEW_CORES else cores))
    waiting, running = iter(items), deque[Future[Result]]()
    with ThreadPoolExecutor(threads) as pool:
        try:
            while not stop.is_set():
                more = islice(waiting, 2 * threads - len(running))
                running.extend(pool.submit(work, item) for item in more)
                if not running:
                    return
                yield running.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
