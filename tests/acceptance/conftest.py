"""A hand with a mouse, and the coach that it follows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_unet.coach import Action

LEFT = Qt.MouseButton.LeftButton


class Hand:
    """Presses buttons and paints, in the window of a viewer, and counts its clicks."""

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.clicks = 0

    def click(self, button: Any) -> None:
        """Press a button that can be seen."""
        assert button.isVisible()
        assert button.isEnabled(), button.toolTip()
        QTest.mouseClick(button, LEFT)
        self.clicks += 1

    def click_on(self, layer: Any, y: float, x: float) -> None:
        """Click on a pixel of the slice in view."""
        native = self.viewer.window._qt_viewer.canvas.native
        QTest.mouseMove(native, self._place(layer, y, x))
        QTest.mouseClick(native, LEFT, pos=self._place(layer, y, x))
        self.clicks += 1

    def paint(self, layer: Any, mask: np.ndarray) -> None:
        """Draw strokes where a mask of the slice in view holds for long."""
        for row, start, stop in self.runs(mask)[:24:6]:
            self.stroke(layer, row, start + 1, stop - 2)

    @staticmethod
    def runs(mask: np.ndarray) -> list[tuple[int, int, int]]:
        """List where a mask holds: row, first column, and that after the last.

        The longest comes first; the rim is left out.
        """
        found = []
        for row in range(6, mask.shape[0] - 6):
            steps = np.flatnonzero(np.diff(np.pad(mask[row].astype(int), 1)))
            found += [(row, *run) for run in steps.reshape(-1, 2).tolist()]
        return sorted(found, key=lambda run: run[1] - run[2])

    def stroke(self, layer: Any, row: int, start: int, stop: int) -> None:
        """Draw a line with the brush, from column to column."""
        native = self.viewer.window._qt_viewer.canvas.native
        QTest.mouseMove(native, self._place(layer, row, start))
        QTest.mousePress(native, LEFT, pos=self._place(layer, row, start))
        for x in range(start, stop, 4):
            QTest.mouseMove(native, self._place(layer, row, x))
            QTest.qWait(5)
        QTest.mouseRelease(native, LEFT, pos=self._place(layer, row, stop))

    def _place(self, layer: Any, y: float, x: float) -> QPoint:
        """Return where a pixel of the slice in view lies on the canvas."""
        native = self.viewer.window._qt_viewer.canvas.native
        camera = self.viewer.scene.camera
        z = self.viewer.dims.current_step[0]  # of a volume
        world = np.asarray(layer.data_to_world((z, y, x)[-layer.ndim :]))[-2:]
        row, column = (world - np.asarray(camera.center)[-2:]) * camera.zoom
        ratio = native.devicePixelRatioF()
        return QPoint(
            round(native.width() / 2 + column / ratio),
            round(native.height() / 2 + row / ratio),
        )

    def follow(
        self, dock: Any, truth: Callable[[], np.ndarray], qtbot: Any
    ) -> list[Action]:
        """Do what the coach says until it has scored; return what was pressed.

        Parameters
        ----------
        dock
            The workflow dock.
        truth
            Returns the (Z, Y, X) cells.
        qtbot
            Waits.
        """
        coach, pressed = dock.coach, []
        while coach.advice.action is not Action.ERROR:
            advice = coach.advice
            if advice.action is Action.STOP:
                pass  # what runs may end by itself
            elif not advice.not_yet:
                self.click(coach.instead if advice.instead else coach.button)
                pressed.append(advice.instead or advice.action)
            elif advice.action is Action.BRUSH:
                cells = truth()[self.viewer.dims.current_step[0]] > 0
                layer = self.viewer.layers.selection.active
                self.paint(layer, cells if advice.label == 2 else ~cells)
            qtbot.waitUntil(lambda old=advice: coach.advice != old, timeout=90_000)
        return pressed


@pytest.fixture
def start(
    make_napari_viewer: Callable[..., Any], monkeypatch: Any, tmp_path: Path
) -> Callable[[], tuple[Hand, Any]]:
    """Opens napari with the workflow dock, and a hand to work there."""
    monkeypatch.setenv("NAPARI_UNET_HOME", str(tmp_path / "project"))
    # It waits for eyes, and there are none.
    monkeypatch.setattr("napari_unet.coach.LOOK_AFTER", 3)

    def open_window() -> tuple[Hand, Any]:
        viewer = make_napari_viewer(show=True)
        name = ("napari-unet-em", "U-Net workflow")
        _, dock = viewer.window.add_plugin_dock_widget(*name)
        QTest.qWait(100)
        return Hand(viewer), dock

    return open_window


@pytest.fixture
def hand_of() -> type[Hand]:
    """Makes a hand for a viewer."""
    return Hand
