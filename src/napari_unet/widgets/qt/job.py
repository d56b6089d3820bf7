"""Core work on a thread, with a window that stays usable and hears of every error."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from napari.qt.threading import create_worker
from napari.utils import progress
from napari.utils.notifications import show_error
from qtpy.QtCore import QObject, QThreadPool, Signal
from qtpy.QtWidgets import QApplication
from superqt.utils import GeneratorWorker

from napari_unet.errors import NapariUNetError, foreseen
from napari_unet.model.openmp import wait_briefly
from napari_unet.widgets.qt.listen import later
from napari_unet.widgets.qt.parts import present
from napari_unet.widgets.qt.turns import Turns
from napari_unet.words import time_left

_STEPS = 1000
_NICE = 5
_BAR_MS = 200
_HELD_SECONDS = 0.1
Work = Callable[[threading.Event], Iterator[Any]]
"""Long work: a generator function that ends soon, keeping what there is, once the event
that it is called with is set."""


def once(act: Callable[[], Any]) -> Work:
    """Return work that does one thing, which cannot be stopped, and returns it."""

    def work(_stop: threading.Event) -> Generator[None, None, Any]:
        yield from ()
        return act()

    return work


def keep_triton_out() -> None:
    """Keep triton from being loaded into a process that shows a window.

    With a CUDA build of torch on Linux, the first optimiser step imports
    torch._dynamo and that triton, whose LLVM collides with the LLVM of Mesa once a
    canvas was drawn: the process dies, and the user's unsaved work with it. Nothing
    here is compiled, so triton is not needed. Called before torch is imported.
    """
    drawn = QApplication.instance() is not None
    if drawn and "triton" not in sys.modules and importlib.util.find_spec("triton"):
        sys.modules["triton"] = None  # type: ignore[assignment]


class Job(QObject):
    """A slot for one piece of work at a time, on a thread.

    What it yields and returns is handed on one by one: the window is drawn, and answers
    the mouse, in between.

    Parameters
    ----------
    parent
        The widget that shows the work; when it goes, the work is stopped.
    quiet
        Leave the work out of napari's activity dock, whose bars take a tenth of a
        second to appear: for what starts by itself while somebody paints.

    Attributes
    ----------
    began
        When the work began, as `time.monotonic` has it; what comes before the first
        step may be left out.

    Signals
    -------
    stepped(object)
        An item that the work yielded.
    done(object)
        The result of the work; also after a stop.
    failed(str)
        One sentence on what went wrong; napari shows it too.
    ended()
        After either; the slot is free.
    """

    stepped = Signal(object)
    done = Signal(object)
    failed = Signal(str)
    ended = Signal()

    def __init__(self, parent: QObject, *, quiet: bool = False) -> None:
        super().__init__(parent)
        self._quiet = quiet
        self._title = ""
        self.began = 0.0
        self._worker: _StoppingWorker | None = None
        self._on_step: Callable[[Any], None] | None = None
        self._on_done: Callable[[Any], None] | None = None
        self._bar: progress | None = None
        self._shown = (0, "")
        self._going = _Going()
        self._timer = later(self, self._on_timer, _BAR_MS)
        self._turns = Turns(self)
        parent.destroyed.connect(self._on_parent_gone)

    @property
    def running(self) -> bool:
        """Whether work is under way."""
        return self._worker is not None

    def start(
        self,
        title: str,
        work: Work,
        *,
        on_step: Callable[[Any], None] | None = None,
        on_done: Callable[[Any], None] | None = None,
        quiet: bool = False,
    ) -> None:
        """Start work on a thread.

        Parameters
        ----------
        title
            What is being done, for napari's activity dock, such as "Training U-Net".
        work
            Called on the thread with the event that stops it; returns the generator to
            run, whose return value is the result. It must not touch the viewer, a
            layer or a widget.
        on_step, on_done
            Called on the main thread as `stepped` and `done` are, for this work alone.
        quiet
            Leave this work out of the activity dock.

        Raises
        ------
        RuntimeError
            When work is under way.
        """
        if self.running:
            raise RuntimeError(f"{self._title} is still running")
        keep_triton_out()
        wait_briefly()
        self._title, self._shown = title, (0, title)
        self._going = _Going()
        self._going.set()
        self.began = time.monotonic()
        worker: _StoppingWorker = create_worker(
            _Named(title, _shielded, work, stop := threading.Event(), self._going),
            _start_thread=False,
            _worker_class=_StoppingWorker,
        )
        worker.stop = stop
        # Slots of a QObject are called on its thread; a plain function may be not.
        worker.yielded.connect(self._on_yielded)
        worker.returned.connect(self._on_returned)
        self._worker, self._on_step, self._on_done = worker, on_step, on_done
        # Not cancelable and closed by hand: the bar belongs to this work alone.
        if not (quiet or self._quiet):
            self._bar = progress(total=_STEPS, desc=title)
        worker.start()

    def stop(self) -> None:
        """Ask the work to end soon and keep what there is."""
        if self._worker is not None:
            self._worker.stop.set()

    @property
    def is_paused(self) -> bool:
        """Whether the work is held."""
        return self._going.held

    def toggle_pause(self) -> None:
        """Hold the work after the step in hand, or let it go on."""
        (self._going.clear if self._going.is_set() else self._going.set)()

    def left(self, share: float) -> str:
        """Return in words the time left with a share done, 0 to 1; "" if unknown."""
        return time_left(time.monotonic() - self.began, share)

    def show_progress(self, share: float, words: str = "") -> None:
        """Show the share done, 0 to 1, in napari's activity dock."""
        if self._bar is None:
            return
        self._shown = (round(share * _STEPS), f"{self._title}  {words}".rstrip())
        if not self._timer.isActive():
            self._timer.start()

    def _on_timer(self) -> None:
        """Draw napari's bar, which lets waiting events in, the end of the job too."""
        bar = self._bar
        if bar is None:
            return
        bar.n = self._shown[0]
        bar.set_description(self._shown[1])
        if self._bar is not None:
            bar.update(0)

    def _on_yielded(self, item: object) -> None:
        self._turns.add(partial(self._tell_step, item))

    def _on_returned(self, result: object) -> None:
        self._turns.add(partial(self._tell_end, result))

    def _tell_step(self, item: object) -> None:
        if self._on_step is not None:
            self._on_step(item)
        self.stepped.emit(item)

    def _tell_end(self, result: object) -> None:
        self._close()
        try:
            if isinstance(result, _Failure):
                self._tell(result.error)
            else:
                self._hand_over(result)
        finally:
            # What handlers hold must not be held by a slot that is free; and one that
            # fails must not keep it taken for ever.
            self._worker = self._on_step = self._on_done = None
            self.ended.emit()

    def _hand_over(self, result: object) -> None:
        try:
            if self._on_done is not None:
                self._on_done(result)
        except NapariUNetError as error:
            self._tell(error)
        else:
            self.done.emit(result)

    def _tell(self, error: Exception) -> None:
        sentence = str(error)
        if not isinstance(error, NapariUNetError):
            sentence = f"{self._title} failed: {type(error).__name__}: {error}"
        show_error(sentence)
        self.failed.emit(sentence)

    def _on_parent_gone(self, _gone: object = None) -> None:
        # The slot goes next, and hears no more of its work.
        if self._worker is not None:
            self._worker.stop.set()
        self._close()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class _StoppingWorker(GeneratorWorker[Any, Any, Any]):
    """A worker whose `quit`, which napari calls as its window closes, keeps results.

    Plain `quit` leaves the generator where it is, to be closed by garbage collection;
    here the work is asked to end, and returns as if it were done.
    """

    stop: threading.Event

    def run(self) -> None:
        """Do the work; its signals may go before it, with the window."""
        # What the work itself raises is a result: only a signal can raise here.
        with contextlib.suppress(RuntimeError):
            super().run()

    def quit(self) -> None:
        """End the work in good order."""
        self.stop.set()


class _Going(threading.Event):
    """Set while work may go on; `held` tells that it waits for that."""

    held = False


class _Named(partial):  # type: ignore[type-arg]
    """A partial that napari shows by the title of the job."""

    title: str

    def __new__(cls, title: str, *args: Any) -> _Named:
        made = super().__new__(cls, *args)
        made.title = title
        return made

    def __repr__(self) -> str:
        return str(self.title)


@dataclass(frozen=True)
class _Failure:
    """An error as the result of the work."""

    error: Exception


def _give_way() -> None:
    """Let the window go first where it and this thread want the same core.

    Threads that torch starts for this one inherit it. Only Linux counts by thread.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def _shielded(
    work: Work, stop: threading.Event, going: _Going
) -> Generator[Any, Any, Any]:
    """Run the work, and return an error instead of raising it.

    A generator worker takes a RuntimeError, torch's running out of memory included,
    for a sign that it was deleted and says nothing of it; and on PySide6 the slots
    that napari connects to a worker's `errored` signal fail themselves.
    """
    _give_way()
    pool = present(QThreadPool.globalInstance())
    # Qt runs as many jobs as there are cores; what trains for hours must not keep the
    # next one waiting.
    pool.releaseThread()
    try:
        return (yield from _held(work(stop), stop, going))
    except Exception as error:  # noqa: BLE001 (all of them are told)
        known = foreseen(error)
        if known is None:
            traceback.print_exc()
        return _Failure(known or error)
    finally:
        pool.reserveThread()


def _held(
    steps: Iterator[Any], stop: threading.Event, going: _Going
) -> Generator[Any, Any, Any]:
    """Hand on steps, and wait between two of them until `going` or `stop` is set.

    A worker's own pause outlasts a stop: it would be held for ever once nobody is left
    who lets it go on.
    """
    while True:
        try:
            item = next(steps)
        except StopIteration as end:
            return end.value
        yield item
        while not (stop.is_set() or going.is_set()):
            going.held = True
            going.wait(_HELD_SECONDS)
        going.held = False
