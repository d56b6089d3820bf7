"""Files and folders that the user is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

Act = Callable[[Path], object]


def open_file(parent: QWidget, title: str, types: str, act: Act) -> None:
    """Ask for a file to open, and call `act` with it unless the user changes mind."""
    name, _ = QFileDialog.getOpenFileName(parent, title, "", types)
    if name:
        act(Path(name))


def open_image(parent: QWidget, title: str, act: Act) -> None:
    """Ask for an image or labels, as `open_file` does."""
    # What reads files takes a while to load; docks that only open need not wait.
    from napari_unet.data.formats.kinds import READABLE

    types = f"Images (*{' *'.join(READABLE)});;All files (*)"
    open_file(parent, title, types, act)


def open_folder(parent: QWidget, title: str, start: str | Path, act: Act) -> None:
    """Ask for a folder, beginning at `start`, as `open_file` does."""
    name = QFileDialog.getExistingDirectory(parent, title, str(start))
    if name:
        act(Path(name))


def save_file(parent: QWidget, title: str, name: str, types: str, act: Act) -> None:
    """Ask for a file to write, called `name` at first, as `open_file` does."""
    name, _ = QFileDialog.getSaveFileName(parent, title, name, types)
    if name:
        act(Path(name))
