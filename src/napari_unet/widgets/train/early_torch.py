"""Loads torch while a dock is read, so that work that needs it starts at once."""

from __future__ import annotations

import sys
from threading import Thread

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget

from napari_unet.data.one_import import imported
from napari_unet.model.openmp import wait_briefly
from napari_unet.widgets.qt.job import keep_triton_out
from napari_unet.widgets.qt.listen import later

_WAIT_MS = 300
_NEEDED = "napari_unet.live.loop"


class EarlyTorch(QObject):
    """Loads torch on a thread once a dock is seen and torch will be needed soon.

    Never before the window was painted for the first time: whoever starts napari does
    not wait for it.

    Parameters
    ----------
    dock
        The dock that is watched.
    """

    def __init__(self, dock: QWidget) -> None:
        super().__init__(dock)
        self._dock = dock
        self._wanted = False
        self._timer = later(self, self._load, _WAIT_MS)
        dock.installEventFilter(self)

    def want(self, wanted: bool) -> None:
        """Note whether torch will be needed soon."""
        self._wanted = wanted
        self._timer.start()

    def eventFilter(  # noqa: N802 (Qt's own spelling)
        self, watched: QObject | None, event: QEvent | None
    ) -> bool:
        """Notice that the dock is shown."""
        if event is not None and event.type() == QEvent.Type.Show:
            self._timer.start()
        return super().eventFilter(watched, event)

    def _load(self) -> None:
        if not (self._wanted and self._dock.isVisible()) or _NEEDED in sys.modules:
            return
        window = self._dock.window()
        handle = None if window is None else window.windowHandle()
        if handle is None or not handle.isExposed():
            self._timer.start()
            return
        self._wanted = False
        keep_triton_out()
        wait_briefly()
        # No job: whoever closes the window meanwhile does not wait for it.
        Thread(target=imported, args=(_NEEDED,), daemon=True).start()
