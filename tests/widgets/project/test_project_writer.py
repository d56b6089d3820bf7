"""The thread that writes a project lets go of nothing that Qt has to destroy."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from napari_unet.widgets.project.project_writer import ProjectWriter


class Keeper:
    """Tells on which thread it goes, and on which it worked."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.gone: list[threading.Thread] = []
        weakref.finalize(self, lambda gone: gone.append(thread()), self.gone)

    def work(self, beside: Any) -> None:
        self.threads.append(thread())


def thread() -> threading.Thread:
    return threading.current_thread()


def test_what_an_errand_holds_goes_on_the_thread_that_gave_it(qtbot: Any) -> None:
    writer, given, made = ProjectWriter(), Keeper(), Keeper()
    threads, gone = made.threads, (made.gone, given.gone)
    begin = threading.Event()
    writer.submit(begin.wait)
    writer.submit(made.work, given)
    del made, given
    begin.set()
    qtbot.waitUntil(lambda: all(gone), timeout=10_000)
    assert threads != [thread()]
    assert gone == ([thread()], [thread()])
    writer.end()


def test_errands_are_done_in_their_order_before_the_end() -> None:
    writer, done = ProjectWriter(), list[int]()
    for number in range(5):
        writer.submit(done.append, number)
    writer.wait()
    assert done == [0, 1, 2, 3, 4]
    writer.submit(done.append, 5)
    writer.end()
    assert done[-1] == 5
