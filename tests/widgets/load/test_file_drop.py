"""Files that are dropped on the dock are opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QWidget

COPY, LEFT = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
NONE = Qt.KeyboardModifier.NoModifier


def drop(target: QWidget, *files: Path) -> bool:
    """Drop files on a widget as the mouse does; return whether it takes them."""
    dragged = QMimeData()
    dragged.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
    enters = QDragEnterEvent(QPoint(9, 9), COPY, dragged, LEFT, NONE)
    QApplication.sendEvent(target, enters)
    if enters.isAccepted():
        event = QDropEvent(QPointF(9, 9), COPY, dragged, LEFT, NONE)
        QApplication.sendEvent(target, event)
    return enters.isAccepted()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sentences: list[str] = []
    target = "napari_unet.widgets.load.dock.show_error"
    monkeypatch.setattr(target, sentences.append)
    return sentences


def test_several_files_are_opened_as_what_they_are_called(
    dock: Any, viewer: Any, files: Any, finish: Callable[..., None]
) -> None:
    assert drop(dock, files.truth, files.annotations, files.image)
    finish(dock.load)
    workspace = dock.load.workspace
    assert workspace.image == viewer.layers["em"]
    assert workspace.truth == viewer.layers["truth"]
    assert viewer.layers["truth"].contour == 2
    assert workspace.annotations == viewer.layers["annotations"]
    assert not workspace.truth.visible
    assert dock.load.rows["truth"].value() == files.truth


def test_a_truth_dropped_later_leaves_the_image_alone(
    dock: Any, viewer: Any, files: Any, finish: Callable[..., None]
) -> None:
    drop(dock.load, files.image)
    finish(dock.load)
    drop(dock, files.truth)
    finish(dock.load)
    assert [layer.name for layer in viewer.layers] == ["em", "truth"]


def test_a_model_is_shared(dock: Any, tmp_path: Path) -> None:
    model = tmp_path / "best.safetensors"
    assert drop(dock, model)
    assert dock.load.workspace.model == model
    assert not dock.load.running


def test_two_images_are_refused_in_one_sentence(
    dock: Any, viewer: Any, files: Any, tmp_path: Path, told: list[str]
) -> None:
    drop(dock, files.image, tmp_path / "other.tif")
    assert not dock.load.running
    (sentence,) = told
    assert "em.tif and other.tif" in sentence
    assert "one" in sentence


def test_what_cannot_be_read_is_told(
    dock: Any, tmp_path: Path, finish: Callable[..., None], monkeypatch: Any
) -> None:
    told: list[str] = []
    monkeypatch.setattr("napari_unet.widgets.qt.job.show_error", told.append)
    words = tmp_path / "notes.txt"
    words.write_text("no image")
    drop(dock, words)
    finish(dock.load)
    assert "notes.txt" in told[0]
    assert told[0] in dock.load.status.text()


def test_text_is_left_to_the_fields(dock: Any) -> None:
    dragged = QMimeData()
    dragged.setText("5:9")
    event = QDragEnterEvent(QPoint(9, 9), COPY, dragged, LEFT, NONE)
    QApplication.sendEvent(dock, event)
    assert not event.isAccepted()
    # A file would become text there.
    assert not any(row.edit.acceptDrops() for row in dock.load.rows.values())
