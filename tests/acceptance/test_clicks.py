"""How many clicks lead from a TIFF file to scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication

from napari_unet.coach import Action
from napari_unet.data.write import write_stack
from napari_unet.samples import em_stack

CLICKS = 5
"""Beside strokes; it may become less."""


def test_an_opened_tiff_is_scored_after_few_clicks(
    start: Any, qtbot: Any, tmp_path: Path
) -> None:
    stack, objects = em_stack((4, 128, 128), seed=3)
    paths = [tmp_path / name for name in ("em.tif", "truth.tif")]
    for path, data in zip(paths, (stack.data, objects.astype("uint16")), strict=True):
        write_stack(path, data, like=stack)
    hand, dock = start()
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy = Qt.DropAction.CopyAction
    for event in (
        QDragEnterEvent(QPoint(9, 9), copy, dropped, left, none),
        QDropEvent(QPointF(9, 9), copy, dropped, left, none),
    ):
        QApplication.sendEvent(dock, event)
    loaded = lambda: dock.coach.advice.action is Action.BRUSH  # noqa: E731
    qtbot.waitUntil(loaded, timeout=30_000)
    hand.follow(dock, lambda: objects, qtbot)
    assert dock.scores.scores is not None
    assert hand.clicks <= CLICKS
