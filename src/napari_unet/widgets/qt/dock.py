"""The end of a dock."""

from __future__ import annotations

from typing import ClassVar

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtWidgets import QWidget


class Dock(QWidget):
    """A widget that ends once it is taken out of what it lay in.

    napari closes a dock by taking its widget out, and leaves that to whoever holds it:
    a training would go on unseen, and its keys would work on what nobody can see.
    """

    # Python may collect what nobody holds before it has cleaned up behind itself.
    _leaving: ClassVar[set[Dock]] = set()

    def __init__(self) -> None:
        super().__init__()
        self._end_timer = QTimer(self)
        self._end_timer.setSingleShot(True)
        self._end_timer.timeout.connect(self._end)
        self.destroyed.connect(lambda _gone=None: self._leaving.discard(self))

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 (Qt's spelling)
        """Notice that the widget was taken out."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.ParentChange:
            # Not at once: it may be on its way from one place to another.
            self._leaving.add(self)
            self._end_timer.start(0)

    def _end(self) -> None:
        if self.parent() is None:
            self.deleteLater()
        else:
            self._leaving.discard(self)
