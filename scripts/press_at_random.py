"""Use the docks at random, as nobody would, and print what went wrong.

    python scripts/press_at_random.py --seed 0 --minutes 5

opens the docks in a viewer without a window, and goes on adding, changing and removing
layers, and pressing, choosing and typing what can be pressed, chosen and typed. What a
dock says in a sentence is right; an error that nobody caught is a fault, and is printed
with the last things that were done. Another seed does other things; a fault that
depends on a thread may need several tries.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import napari
import numpy as np
from napari.layers import Image, Labels, Layer
from napari.utils.notifications import notification_manager
from npe2 import PluginManager
from qtpy.QtCore import QCoreApplication, QTimer
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QLineEdit,
    QMenu,
    QMessageBox,
    QSpinBox,
    QWidget,
)

PLUGIN = "napari-unet-em"
SHAPES = ((24, 32), (3, 24, 32), (5, 40, 40), (1, 24, 32), (2, 3, 24, 32))
WORDS = ("", "0", "0:1", "0,2", "5", "-1", "2000", "abc", "/nowhere/x.tif")
ENDS = (".tif", ".csv", ".yaml", ".png", ".pdf", "")
MOST_LAYERS = 10
TAKEN = (QAbstractButton, QComboBox, QAbstractSpinBox, QLineEdit)


class Visitor:
    """Somebody who does anything that can be done.

    Parameters
    ----------
    seed
        Of the random numbers.

    Attributes
    ----------
    faults
        Errors that nobody caught.
    """

    def __init__(self, seed: int) -> None:
        self.random, self.pixels = random.Random(seed), np.random.default_rng(seed)
        self.viewer = napari.Viewer(show=False)
        self.docks: dict[str, QWidget] = {}
        self.done: deque[str] = deque(maxlen=12)
        self.faults = 0
        self._answer_dialogs()
        sys.excepthook = self._note
        threading.excepthook = lambda args: self._note(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        told: Any = notification_manager
        told.receive_error, told.receive_thread_error = (
            sys.excepthook,
            (threading.excepthook),
        )
        acts: dict[Callable[[], object], int] = {
            self.press: 40,
            self.add_image: 3,
            self.add_labels: 3,
            self.add_sample: 1,
            self.remove: 3,
            self.paint: 6,
            self.undo: 3,
            self.change: 3,
            self.look_elsewhere: 3,
            self.choose: 2,
            self.open_dock: 2,
            self.close_dock: 1,
        }
        self._acts, self._often = list(acts), list(acts.values())

    def act(self) -> None:
        """Do one thing, and let the window follow for a moment."""
        act: Any = self.random.choices(self._acts, self._often)[0]
        self.done.append(act.__name__)
        QTimer.singleShot(0, act)  # what it raises goes where errors of slots go
        end = time.monotonic() + self.random.choice((0, 0, 0.01, 0.05, 0.3))
        QCoreApplication.processEvents()
        while time.monotonic() < end:
            QCoreApplication.processEvents()

    # ------------------------------------------------------------------- the viewer

    def add_image(self) -> None:
        """Open an image of noise."""
        grey = self.pixels.random(self.random.choice(SHAPES)) * 255
        kind = self.random.choice(("u1", "u2", ">u2", "f4"))
        self._room()
        self.viewer.add_image(grey.astype(kind), **self._placed(grey.ndim))

    def add_labels(self) -> None:
        """Open labels with some squares."""
        shape = self.random.choice(SHAPES)
        kind = np.dtype(self.random.choice(("u1", "u2", "i4", "u8")))
        labels = np.zeros(shape, kind)
        for _ in range(self.random.randrange(8)):
            *slices, y, x = (self.random.randrange(side) for side in shape)
            value = self.random.choice((1, 1, 2, 3, 7, 255 if kind == "u1" else 300))
            labels[tuple(slices)][y : y + 6, x : x + 6] = value
        self._room()
        self.viewer.add_labels(labels, **self._placed(labels.ndim))

    def add_sample(self) -> None:
        """Open the plugin's own sample."""
        self._room(3)
        self.viewer.open_sample(PLUGIN, "synthetic-em")

    def remove(self) -> None:
        """Remove a layer."""
        if layer := self._layer():
            self.viewer.layers.remove(layer)

    def paint(self) -> None:
        """Paint somewhere."""
        layer = self._layer(Labels)
        if layer is None or not (layer.editable and layer.visible):
            return
        layer.selected_label = self.random.choice((0, 1, 2, 3, 9))
        place = [self.random.randrange(side) for side in layer.data.shape]
        layer.paint(place, layer.selected_label)

    def undo(self) -> None:
        """Take something back, or do it again."""
        if layer := self._layer(Labels):
            # napari cannot once the data have another shape.
            with suppress(ValueError):
                self.random.choice((layer.undo, layer.redo))()

    def change(self) -> None:
        """Give a layer another name, size, place or array."""
        layer = self._layer(Image, Labels)
        if layer is None:
            return
        what = self.random.randrange(5)
        if what == 0:
            layer.name = self.random.choice(("em", "cells"))
        elif what == 1:
            layer.scale = [self.random.choice((1, 4, 50)) for _ in layer.scale]
        elif what == 2:
            layer.translate = [self.random.choice((0, 3)) for _ in layer.translate]
        elif what == 3:
            layer.visible = not layer.visible
        elif min(layer.data.shape[-2:]) > 12:
            layer.data = np.array(layer.data)[..., :-4, :-6]

    def look_elsewhere(self) -> None:
        """Move the sliders, or turn to three dimensions and back."""
        dims = self.viewer.dims
        if self.random.random() < 0.1:
            dims.ndisplay = 5 - dims.ndisplay
        for axis, steps in enumerate(dims.nsteps):
            dims.set_current_step(axis, self.random.randrange(max(1, int(steps))))

    def choose(self) -> None:
        """Choose a layer in the list, and move it."""
        if layer := self._layer():
            layers = self.viewer.layers
            layers.selection.active = layer
            layers.move(layers.index(layer), self.random.randrange(len(layers)))

    # ------------------------------------------------------------------- the docks

    def open_dock(self) -> None:
        """Open one of the docks."""
        given = PluginManager.instance().get_manifest(PLUGIN).contributions.widgets
        name = self.random.choice(given or []).display_name
        if name not in self.docks:
            _, dock = self.viewer.window.add_plugin_dock_widget(PLUGIN, name)
            self.docks[name] = dock

    def close_dock(self) -> None:
        """Close a dock."""
        if self.docks:
            name = self.random.choice(list(self.docks))
            self.viewer.window.remove_dock_widget(self.docks.pop(name))

    def press(self) -> None:
        """Press, choose or type something in a dock."""
        parts = [
            (name, part)
            for name, dock in self.docks.items()
            for part in dock.findChildren(QWidget)
            if isinstance(part, TAKEN) and part.isEnabled() and part.isVisibleTo(dock)
        ]
        if not parts:
            return
        name, part = self.random.choice(parts)
        words = part.text() if isinstance(part, QAbstractButton) else part.toolTip()
        self.done.append(f"{name}: {type(part).__name__} {words:.40}")
        if isinstance(part, QAbstractButton):
            self._press(part)
        elif isinstance(part, QComboBox) and part.count():
            part.setCurrentIndex(self.random.randrange(part.count()))
            part.activated.emit(part.currentIndex())
        elif isinstance(part, QSpinBox | QDoubleSpinBox):
            box: Any = part
            more = box.value() + self.random.choice((-1, 1))
            box.setValue(self.random.choice((more, box.minimum())))
        elif isinstance(part, QLineEdit):
            part.setText(self.random.choice(WORDS))
            part.editingFinished.emit()

    def _press(self, part: QAbstractButton) -> None:
        menu = part.menu() if hasattr(part, "menu") else None
        entries = [one for one in menu.actions() if one.isEnabled()] if menu else []
        if menu is None:
            part.click()
        elif entries:
            self.random.choice(entries).trigger()

    # ------------------------------------------------------------------- parts

    def _layer(self, *kinds: type[Layer]) -> Any:
        fits = [one for one in self.viewer.layers if isinstance(one, kinds or Layer)]
        return self.random.choice(fits) if fits else None

    def _room(self, needed: int = 1) -> None:
        """Remove layers until there is room for more."""
        while len(self.viewer.layers) + needed > MOST_LAYERS:
            self.viewer.layers.remove(self.viewer.layers[0])

    def _placed(self, ndim: int) -> dict[str, Any]:
        sized = {"scale": (1, 50, 4, 5)[-ndim:], "units": ("nm",) * ndim}
        return self.random.choice(({}, sized, {"translate": (2,) * ndim}))

    def _answer_dialogs(self) -> None:
        """Answer whatever asks for a file, or whether somebody is sure."""
        dialogs: Any = QFileDialog
        dialogs.getOpenFileName = lambda *_: ("", "")
        dialogs.getExistingDirectory = lambda *_: ""
        dialogs.getSaveFileName = lambda *_: (self._file(), "")
        kinds: tuple[Any, ...] = (QDialog, QMessageBox, QMenu)
        for kind in kinds:
            kind.exec = lambda *_: self.random.randrange(2)

    def _file(self) -> str:
        name = f"{self.random.randrange(5)}{self.random.choice(ENDS)}"
        return str(Path.cwd() / name)

    def _note(
        self,
        kind: type[BaseException],
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        self.faults += 1
        print("\nafter", *self.done, sep="\n    ")
        print("".join(traceback.format_exception(kind, error, where)), flush=True)


def main() -> NoReturn:
    """Visit the docks for some minutes; the exit code tells whether all went well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["HOME"] = folder
        os.chdir(folder)
        visitor = Visitor(asked.seed)
        end, times = time.monotonic() + 60 * asked.minutes, 0
        while time.monotonic() < end:
            visitor.act()
            times += 1
        print(f"seed {asked.seed}: {times:,} things done, {visitor.faults} faults")
        os.chdir("/")
    sys.stdout.flush()
    os._exit(visitor.faults > 0)  # what still runs is not waited for


if __name__ == "__main__":
    main()
