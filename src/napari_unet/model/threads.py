"""The number of CPU threads with which torch is fastest now.

On an idle machine that is all of them. Beside another program that computes, the
threads of a step wait for the one that has no core just then, some hundred times in
each step, and one thread, which waits for nobody, can be fifty times as fast.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psutil
import torch

from napari_unet.model.device import Device

_FEW_CORES = 3
_TRY_SECONDS = 5.0
_LONGEST_SECONDS = 30.0
# The time until the next trial, for each second that this one lost: half a percent at
# most, until the longest is reached.
_WAIT_PER_LOSS = 200.0
_SUDDEN = 3.0
"""A unit that takes so many times as long as those before is followed by a trial."""
_LONG_SECONDS = 0.5
"""A unit that is so long costs too much to be tried while nobody else computes."""
_QUIET = 0.1
"""The cores that others may take then."""


@dataclass
class Process:
    """What holds for all threads of this process.

    Attributes
    ----------
    most
        The threads that there are for one piece of work.
    given
        Whether somebody has set how many there are: then they are not tried.
    fastest
        The number that was the fastest lately; 0 before any was tried.
    working
        How many pieces of work are in the middle of a unit.
    """

    most: int
    given: bool
    fastest: int = 0
    working: int = 0

    @classmethod
    def of_environment(cls) -> Process:
        """Read what torch takes, and leave a core to the window where there are many.

        Where OMP_NUM_THREADS is set, it decides.
        """
        threads, given = torch.get_num_threads(), "OMP_NUM_THREADS" in os.environ
        spare = not given and threads > _FEW_CORES
        return cls(threads - 1 if spare else threads, given)


PROCESS = Process.of_environment()


class Threads:
    """The threads of work that comes in units which are much alike, such as steps.

    All, half of them and one are compared while the work goes on: another number is
    tried every few seconds, less often the more a trial costs, and at once where a unit
    takes much longer than those before. Units of half a second and more are not tried
    while no other program computes.

    Parameters
    ----------
    device
        Where the network runs; only on a CPU their number matters, and changes.
    count
        How many they are; 0 is the number that is fastest now.
    steady
        Whether they are as many as there are where `count` is 0: the sums of a step,
        and so the last bits of a network, differ with their number.
    process
        What holds for the whole process; a new one begins with what was the fastest.

    Attributes
    ----------
    changes
        Whether their number may change from one unit to the next.
    """

    def __init__(
        self,
        device: Device,
        count: int = 0,
        *,
        steady: bool = False,
        process: Process = PROCESS,
    ) -> None:
        self._process = process
        most = count or process.most
        fixed = count or steady or process.given or device.device.type != "cpu"
        self.changes = not fixed and most > 1
        self._choices = {most, most // 2, 1} if self.changes else {most}
        known = process.fastest in self._choices
        self._number = process.fastest if known else most
        self._due = time.monotonic() + (_TRY_SECONDS if known else 0.0)
        self._begun: set[int] = set()
        self._last = 0
        self._seconds: dict[int, float] = {}
        self._tried: dict[int, float] = {}
        self._quiet = False
        self._heard: tuple[float, float] | None = None

    def take(self) -> None:
        """Let torch use as many as were the fastest lately, in the calling thread."""
        if torch.get_num_threads() != self._number:
            torch.set_num_threads(self._number)

    @contextmanager
    def fastest(self, amount: float = 1) -> Iterator[None]:
        """Let torch use them for a unit of work, in the calling thread.

        Parameters
        ----------
        amount
            How much work it is, such as its pixels.
        """
        number = self._choose()
        if torch.get_num_threads() != number:
            torch.set_num_threads(number)
        began = time.monotonic()
        self._process.working += 1
        try:
            yield
        finally:
            self._process.working -= 1
        if self.changes:
            self._note(number, time.monotonic() - began, amount)

    def _choose(self) -> int:
        if self._number not in self._seconds or time.monotonic() < self._due:
            return self._number
        if self._quiet and self._number == max(self._choices):
            return self._number
        others = self._choices - {self._number}
        return min(others, key=lambda number: self._tried.get(number, 0))

    def _note(self, number: int, seconds: float, amount: float) -> None:
        if seconds > _LONG_SECONDS:
            self._listen()
        if number not in self._begun:
            # The first unit prepares convolutions for this number of threads.
            self._begun.add(number)
            return
        now, pace = time.monotonic(), seconds / amount
        # One slow unit is no proof, unless it is very slow.
        before = self._seconds[number] if number == self._last else pace
        if number == self._number and pace > _SUDDEN * before:
            self._due = now
        self._seconds[number], self._last = math.sqrt(before * pace), number
        self._tried[number] = now
        fastest = min(self._seconds, key=self._seconds.__getitem__)
        if {number, fastest} != {self._number}:
            slower = self._number if number == fastest else number
            lost = amount * (self._seconds[slower] - self._seconds[fastest])
            wait = max(_TRY_SECONDS, _WAIT_PER_LOSS * lost)
            self._due = now + min(wait, _LONGEST_SECONDS)
            self._number = fastest
        self._process.fastest = self._number

    def _listen(self) -> None:
        """Find out whether anybody else has computed since this was called before."""
        before, self._heard = self._heard, (time.monotonic(), others_seconds())
        if before is not None:
            passed, taken = np.subtract(self._heard, before)
            quiet = taken < _QUIET * passed and not self._process.working
            self._quiet = bool(quiet)


def others_seconds() -> float:
    """Return how long the cores of the machine have computed for other programs."""
    all_, own = psutil.cpu_times(), psutil.Process().cpu_times()
    rest = all_.idle + getattr(all_, "iowait", 0) + getattr(all_, "guest", 0)
    return float(sum(all_) - rest - own.user - own.system)
