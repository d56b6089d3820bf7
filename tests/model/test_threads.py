"""The number of threads that is fastest now is found, and followed when it changes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch

from napari_unet.model import threads as module
from napari_unet.model.device import Device, choose_device
from napari_unet.model.threads import Process, Threads

CPU = choose_device("cpu")


class Clock:
    """A clock that shows how long work would have taken."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def work(
        self, threads: Threads, paces: dict[int, float], amounts: list[int]
    ) -> list[int]:
        """Return with how many threads torch ran in units of these amounts."""
        taken = []
        for amount in amounts:
            with threads.fastest(amount):
                taken.append(torch.get_num_threads())
                self.seconds += amount * paces[taken[-1]]
        return taken


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made, before = Clock(), torch.get_num_threads()
    monkeypatch.setattr(module, "time", made)
    yield made
    torch.set_num_threads(before)


def test_what_is_fastest_is_taken_and_followed_when_it_changes(clock: Clock):
    threads = Threads(CPU, process=Process(4, given=False))
    idle, crowded = {4: 0.05, 2: 0.07, 1: 0.12}, {4: 2.4, 2: 0.9, 1: 0.12}
    taken = clock.work(threads, idle, [1] * 600)
    assert taken[0] == 4
    assert taken.count(4) > 580, "trials are few"
    taken = clock.work(threads, crowded, [1] * 600)
    assert taken.count(1) > 590
    taken = clock.work(threads, idle, [1] * 1200)
    assert taken[-300:].count(4) > 290


def test_a_unit_that_takes_much_longer_is_followed_by_a_trial_at_once(clock: Clock):
    threads = Threads(CPU, process=Process(2, given=False))
    clock.work(threads, {2: 0.05, 1: 0.08}, [1] * 20)
    crowded = {2: 2.4, 1: 0.16}
    assert clock.work(threads, crowded, [1] * 6) == [2, 1, 1, 1, 1, 1]


def test_one_slow_unit_changes_nothing(clock: Clock):
    threads = Threads(CPU, process=Process(2, given=False))
    paces = {2: 0.05, 1: 0.08}
    clock.work(threads, paces, [1] * 20)
    clock.work(threads, {2: 0.11, 1: 0.11}, [1])
    assert clock.work(threads, paces, [1, 1]) == [2, 2]


def test_long_units_are_not_tried_while_nobody_else_computes(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "others_seconds", lambda: 0.0)
    process, paces = Process(2, given=False), {2: 3.4, 1: 5.7}
    threads = Threads(CPU, process=process)
    assert clock.work(threads, paces, [1] * 20) == [2] * 20
    with Threads(CPU, process=process).fastest():
        assert clock.work(threads, paces, [1] * 2) == [2, 1]


def test_long_units_are_tried_while_others_compute(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "others_seconds", lambda: clock.seconds / 5)
    threads = Threads(CPU, process=Process(2, given=False))
    assert 1 in clock.work(threads, {2: 3.4, 1: 5.7}, [1] * 4)


def test_what_other_programs_compute_is_known():
    before = module.others_seconds()
    busy = "import time\nwhile time.process_time() < 0.5: pass"
    subprocess.run([sys.executable, "-c", busy], check=True)
    assert module.others_seconds() - before > 0.4


def test_new_ones_begin_with_what_was_the_fastest(clock: Clock):
    process = Process(2, given=False)
    clock.work(Threads(CPU, process=process), {2: 0.2, 1: 0.08}, [1] * 10)
    assert clock.work(Threads(CPU, process=process), {1: 0.08}, [1] * 3) == [1, 1, 1]


def test_units_of_other_sizes_are_compared_by_their_pixels(clock: Clock):
    process = Process(2, given=False)
    clock.work(Threads(CPU, process=process), {2: 0.05, 1: 0.08}, [4, 1, 1] * 20)
    assert process.fastest == 2


@pytest.mark.parametrize(
    ("made", "number"),
    [
        (Threads(CPU, 3, process=Process(2, given=False)), 3),
        (Threads(CPU, steady=True, process=Process(2, given=False)), 2),
        (Threads(CPU, process=Process(2, given=True)), 2),
        (Threads(Device(torch.device("cuda")), process=Process(2, given=False)), 2),
    ],
    ids=["set", "steady", "by the environment", "for a GPU"],
)
def test_a_number_that_is_settled_stays(clock: Clock, made: Threads, number: int):
    assert not made.changes
    assert set(clock.work(made, {number: 2.0}, [1] * 12)) == {number}


@pytest.mark.parametrize(
    ("cores", "given", "most"), [(2, None, 2), (8, None, 7), (8, "8", 8)]
)
def test_a_core_is_left_to_the_window_where_there_are_many(
    monkeypatch: pytest.MonkeyPatch, cores: int, given: str | None, most: int
):
    monkeypatch.setattr(torch, "get_num_threads", lambda: cores)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert Process.of_environment() == Process(most, given is not None)
