"""A line that says what happens now: on which device, with how much memory."""

from __future__ import annotations

from qtpy.QtCore import QTimer

from napari_unet.model.started import Started
from napari_unet.widgets.qt.parts import WrappedLabel

_EVERY_MS = 1000


class DeviceLine(WrappedLabel):
    """Names the work and its device, and how much memory is in use and free.

    The memory is asked for once a second while the work runs.
    """

    def __init__(self) -> None:
        # An empty line only takes up room.
        super().__init__(hides=True)
        self._started: Started | None = None
        self._doing = ""
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._show)
        self.clear()

    def clear(self) -> None:
        """Show nothing."""
        self._started = None
        self.end()

    def begin(self, doing: str, started: Started) -> None:
        """Show that work has started, such as "Training"."""
        self._started = started
        self._timer.start()
        self.say(doing)

    def say(self, doing: str) -> None:
        """Show that something else is done now with the same device, if anything is."""
        self._doing = doing
        self._show()

    def end(self) -> None:
        """Name device and notes alone, once nothing happens any more."""
        self._timer.stop()
        self._show()

    def _show(self) -> None:
        started = self._started
        if started is None:
            self.setText("")
        elif self._timer.isActive():
            now = f"{self._doing} on {started.device}; {started.memory()}"
            self.setText("\n".join([now, *started.notes]))
        else:
            self.setText("\n".join([started.device, *started.notes]))
