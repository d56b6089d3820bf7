"""Files that are dropped on a widget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QEvent, QObject
from qtpy.QtGui import QDragMoveEvent, QDropEvent
from qtpy.QtWidgets import QWidget


class FileDrop(QObject):
    """Hands the files and folders that are dropped on a widget to `act`.

    Parameters
    ----------
    target
        The widget.
    act
        Called with their paths.
    """

    def __init__(self, target: QWidget, act: Callable[[list[Path]], object]) -> None:
        super().__init__(target)
        self._act = act
        target.setAcceptDrops(True)
        target.installEventFilter(self)

    def eventFilter(  # noqa: N802 (Qt's own spelling)
        self, _watched: QObject | None, event: QEvent | None
    ) -> bool:
        """Take files, and leave everything else to the widget."""
        # What enters is a move, too, and so is what is dropped, to PySide6.
        if not isinstance(event, QDropEvent | QDragMoveEvent):
            return False
        paths = _paths(event)
        if not paths:
            return False
        event.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self._act(paths)
        return True


def _paths(event: QDropEvent) -> list[Path]:
    """Return the paths of the files that are dragged; none of anything else."""
    dragged = event.mimeData()
    urls = [] if dragged is None else dragged.urls()
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
