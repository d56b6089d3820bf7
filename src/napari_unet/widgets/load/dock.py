"""Load: from TIFF files to image, annotation and ground truth layers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QFileDialog, QLineEdit, QSizePolicy, QToolButton, QWidget

from napari_unet.data.annotation import describe, guess_kind, to_target
from napari_unet.data.labels import check_same_size
from napari_unet.data.read import read_stack
from napari_unet.data.stack import Stack
from napari_unet.widgets.layers.add import add_image, add_labels
from napari_unet.widgets.load.project_box import ProjectBox
from napari_unet.widgets.qt.panel import Panel
from napari_unet.widgets.qt.parts import in_row
from napari_unet.words import sides, time_left

if TYPE_CHECKING:
    import napari

_ROLES = {
    "image": ("Image", "TIFF file or folder of slices"),
    "annotations": ("Annotations", "What you painted: scribbles, classes or objects"),
    "truth": ("Ground truth", "Labels to score predictions against"),
}


class PathRow(QWidget):
    """A path with buttons to choose a file or a folder."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self.edit = QLineEdit()
        self.edit.setPlaceholderText("none")
        self.edit.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        row = in_row(self.edit, of=self, stretch=(1,))
        for text, slot in (("File", self._on_file), ("Folder", self._on_folder)):
            button = QToolButton()
            button.setText(text)
            button.clicked.connect(slot)
            row.addWidget(button)

    def value(self) -> Path | None:
        """Return the path, or None."""
        text = self.edit.text().strip()
        return Path(text) if text else None

    def setValue(self, path: str | Path | None) -> None:  # noqa: N802
        """Show a path."""
        self.edit.setText("" if path is None else str(path))

    def _on_file(self) -> None:
        types = "Images (*.tif *.tiff *.png);;All files (*)"
        name, _ = QFileDialog.getOpenFileName(self, self._title, "", types)
        if name:
            self.setValue(name)

    def _on_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self._title)
        if name:
            self.setValue(name)


class LoadWidget(Panel):
    """Opens an image, annotations and ground truth as layers that lie on each other.

    Parameters
    ----------
    napari_viewer
        The viewer that gets the layers.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, "Load", "Stop")
        self.project = ProjectBox(napari_viewer)
        self.form.addRow(self.project)
        self.rows: dict[str, PathRow] = {}
        for role, (label, tooltip) in _ROLES.items():
            self.rows[role] = PathRow(label)
            self.rows[role].edit.textChanged.connect(self.refresh)
            self.add_row(label, self.rows[role], tooltip)
        self.finish_layout()

    def why_not(self) -> str:
        """Return what is missing."""
        if any(row.value() for row in self.rows.values()):
            return ""
        return "Choose a TIFF file, or a folder of slices."

    def run(self) -> None:
        """Read the files on a thread."""
        chosen = {role: row.value() for role, row in self.rows.items()}
        paths = {role: path for role, path in chosen.items() if path is not None}
        self._words: list[str] = []
        self._began = time.monotonic()
        self.start("Loading", partial(_read, paths))

    def on_step(self, item: _Reading | tuple[str, Stack, str]) -> None:
        """Make the layer of a stack that was read."""
        if isinstance(item, _Reading):
            left = time_left(time.monotonic() - self._began, item.share)
            words = f"Reading {item.name} ... {left}".rstrip()
            self.show_progress(item.share, "\n".join([*self._words, words]))
            return
        role, stack, words = item
        name = Path(stack.source).stem
        if role == "image":
            self.workspace.image = add_image(self.viewer, stack, name)
        else:
            layer = add_labels(self.viewer, stack, name, self.workspace.image)
            setattr(self.workspace, role, layer)
        self._words.append(words)
        self.status.setText("\n".join(self._words))

    def on_done(self, result: None) -> None:
        """Show what was understood."""
        self.show_progress(1.0, "\n".join(self._words))


@dataclass(frozen=True)
class _Reading:
    """The file that is read next, and the share of all bytes that lies before it."""

    name: str
    share: float


def _read(
    paths: dict[str, Path], stop: Event
) -> Iterator[_Reading | tuple[str, Stack, str]]:
    """Read the files in turn."""
    shape: tuple[int, ...] | None = None
    sizes = {role: _bytes(path) for role, path in paths.items()}
    total, done = max(1, sum(sizes.values())), 0
    for role, path in paths.items():
        if stop.is_set():
            return
        yield _Reading(path.name, done / total)
        done += sizes[role]
        stack = read_stack(path)
        if role == "image":
            shape = tuple(stack.as_czyx().shape[1:])
            yield role, stack, _describe_image(stack)
            continue
        labels = np.asarray(stack.as_zyx())
        if shape is not None:
            names = f"{path} is", "the image is"
            advice = "choose labels of this image"
            check_same_size(labels.shape, shape, names, advice)
        yield role, stack, f"{_ROLES[role][0]}: {_describe_labels(labels)}"


def _bytes(path: Path) -> int:
    """Return the size of a file or of all files of a folder; 0 where it is unknown."""
    try:
        files = path.iterdir() if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files if file.is_file())
    except OSError:
        return 0  # reading the file says what is wrong with it


def _describe_image(stack: Stack) -> str:
    z, y, x = stack.zyx_size
    size = (
        f"{x:g} x {y:g} x {z:g} {stack.unit}"
        if "Z" in stack.axes
        else (f"{x:g} x {y:g} {stack.unit}")
    )
    known = (
        "no pixel size in the file" if stack.unit == "pixel" else f"pixels of {size}"
    )
    shape = sides(tuple(stack.as_czyx().shape[1:]))
    channels = f", {stack.num_channels} channels" if stack.num_channels > 1 else ""
    words = [f"Image: {shape} (slices x Y x X){channels}, {stack.dtype}, {known}"]
    return "\n".join([*words, *stack.notes])


def _describe_labels(labels: Any) -> str:
    if not labels.any():
        return "nothing is painted yet"
    guess = guess_kind(labels)
    target = to_target(labels, guess.kind)
    return f"{describe(target)} ({guess.reason})"
