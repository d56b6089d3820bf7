"""The thread that writes what a project keeps."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from qtpy.QtCore import QObject, Signal


class ProjectWriter(QObject):
    """A thread that does one errand after the other, and keeps nothing of them.

    Errands hold Qt objects, such as keepers of layers that were removed. Where the
    thread let go of the last reference to one, PySide destroyed it there, and waited
    for Python, which waited for Qt: the window stood still for good. So an errand is
    taken apart by the thread that made this, once it is done.
    """

    _done = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._pool = ThreadPoolExecutor(1, "napari-unet-project")
        self._errands: list[tuple[Future[Any], _Errand]] = []
        self._done.connect(self._let_go)

    def submit(self, work: Callable[..., Any], *given: Any) -> Future[Any] | None:
        """Do something on the thread; at once, and None, where Python is ending."""
        errand = _Errand(work, given)
        try:
            future = self._pool.submit(errand)
        except RuntimeError:
            # Python is ending and takes no more threads.
            work(*given)
            return None
        self._errands.append((future, errand))
        future.add_done_callback(self._tell)
        return future

    def wait(self) -> None:
        """Wait until all errands are done."""
        waited = self.submit(lambda: None)
        if waited is not None:
            waited.result()

    def end(self) -> None:
        """Wait, and let the thread end; without Qt, which may have gone."""
        self._pool.shutdown()
        self._let_go()

    def _tell(self, _future: Future[Any]) -> None:
        with contextlib.suppress(RuntimeError):  # Qt has gone before Python
            self._done.emit()

    def _let_go(self) -> None:
        errands, self._errands = self._errands, []
        for future, errand in errands:
            if future.done():
                errand.parts.clear()
            else:
                self._errands.append((future, errand))


class _Errand:
    def __init__(self, work: Callable[..., Any], given: tuple[Any, ...]) -> None:
        self.parts: list[Any] = [work, *given]

    def __call__(self) -> Any:
        return self.parts[0](*self.parts[1:])
