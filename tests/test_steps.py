"""Work that is done side by side comes in order, ends when told and fails in words."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from threading import Event

import pytest

from napari_unet import steps
from napari_unet.steps import side_by_side


@pytest.fixture(autouse=True)
def _three_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "usable_cores", lambda: 3)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs affinity")
def test_cores_that_the_process_may_not_use_do_not_count():
    count = "from napari_unet.steps import usable_cores; print(usable_cores())"
    few = (
        f"import os; os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}}); {count}"
    )
    found = [
        subprocess.run([sys.executable, "-c", words], capture_output=True, check=True)
        for words in (few, count)
    ]
    assert [int(one.stdout) for one in found] == [1, len(os.sched_getaffinity(0))]


def test_several_are_done_at_a_time_and_come_in_order():
    together = threading.Barrier(3)

    def work(item: int) -> int:
        together.wait(30)
        return item * item

    assert list(side_by_side(work, range(9), Event())) == [n * n for n in range(9)]


def test_no_more_are_in_hand_than_may_be():
    here = threading.get_ident()
    seen: set[int] = set()
    done = side_by_side(lambda _: seen.add(threading.get_ident()), range(5), Event(), 1)
    assert len(list(done)) == 5
    assert len(seen - {here}) == 1


def test_it_ends_once_told_and_takes_little_ahead():
    taken: list[int] = []
    stop = Event()
    found = []
    for one in side_by_side(lambda item: taken.append(item) or item, range(99), stop):
        found.append(one)
        if one == 4:
            stop.set()
    assert found == [0, 1, 2, 3, 4]
    assert len(taken) <= 11


def test_what_fails_ends_the_work():
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(lambda item: 1 // (2 - item), range(5), Event()))
