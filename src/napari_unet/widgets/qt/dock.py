"""The end of a dock."""

from __future__ import annotations

from typing import ClassVar

from qtpy.QtCore import QEvent, Signal
from qtpy.QtWidgets import QWidget

from napari_unet.widgets.qt.listen import later, when_gone


class Dock(QWidget):
    """A widget that ends once it is taken out of what it lay in.

    napari closes a dock by taking its widget out, and leaves that to whoever holds it:
    a training would go on unseen, and its keys would work on what nobody can see.

    Signals
    -------
    ended()
        It was closed, and is about to end.
    """

    ended = Signal()

    # Python may collect what nobody holds before it has cleaned up behind itself.
    _leaving: ClassVar[set[Dock]] = set()

    def __init__(self) -> None:
        super().__init__()
        self._end_timer = later(self, self._end)
        when_gone(self, lambda: self._leaving.discard(self))

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802 (Qt's spelling)
        """Notice that the widget was taken out."""
        super().changeEvent(event)
        if event is not None and event.type() == QEvent.Type.ParentChange:
            # Not at once: it may be on its way from one place to another.
            self._leaving.add(self)
            self._end_timer.start()

    def _end(self) -> None:
        if self.parent() is None:
            self.ended.emit()
            self.deleteLater()
        else:
            self._leaving.discard(self)
