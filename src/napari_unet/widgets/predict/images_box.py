"""All images of a viewer: what was done with each, and all predicted by one button."""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_unet.errors import NapariUNetError
from napari_unet.widgets.layers.arrays import painted_planes
from napari_unet.widgets.layers.changes import LabelChanges
from napari_unet.widgets.layers.marks import PREDICTED
from napari_unet.widgets.layers.places import lies_on, shape_in_space
from napari_unet.widgets.layers.review_marks import marks_of, review_changes
from napari_unet.widgets.layers.roles import Role, is_picture, role_changes, role_of
from napari_unet.widgets.project.open_project import OpenProject
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.listen import Subscriptions, later
from napari_unet.widgets.qt.parts import button, in_column
from napari_unet.widgets.qt.rows_table import Column, RowsTable
from napari_unet.words import counted

if TYPE_CHECKING:
    from napari_unet.widgets.predict.dock import PredictWidget

_PAUSE_MS = 300
_HEIGHT = 150
_YES, _NO = "✓", ""
_TIP = (
    "Predicts every image that is ticked as a whole, one after the other. What fails "
    "is told at the end."
)


@dataclass(eq=False)
class _Row:
    """An image, and what there is of it.

    `predicted` are slices, None without a prediction; `reviewed` objects and slices.
    """

    image: Image
    depth: int = 1
    used: bool = True
    annotated: bool = False
    predicted: int | None = None
    reviewed: tuple[int, int] = (0, 0)
    saved: datetime | None = None


class ImagesBox(QWidget):
    """A table of the images, and a button that predicts them all.

    Parameters
    ----------
    dock
        The dock that predicts, with what is chosen in it.
    """

    def __init__(self, dock: PredictWidget) -> None:
        super().__init__()
        self._dock, self._viewer = dock, dock.viewer
        self._project = OpenProject.of(dock.viewer)
        self._rows: list[_Row] = []
        self._queue: deque[_Row] = deque()
        self._now: _Row | None = None
        self._stopped = False
        self._done: list[str] = []
        self._failed: list[str] = []
        self.table = self._table()
        self.run_button = button("Predict all", self.predict_all, _TIP)
        in_column(self, self.table, self.run_button)
        self._timer = later(self, self.refresh, _PAUSE_MS)
        dock.job.done.connect(self._on_done)
        dock.job.failed.connect(self._on_failed)
        dock.job.ended.connect(self._on_ended)
        dock.run_button.clicked.connect(self._on_clicked)
        dock.model.valueChanged.connect(self._later)
        self._project.predictions.changed.connect(self._later)
        layers, events = self._viewer.layers.events, dock.workspace.events
        changes = (layers.inserted, layers.removed, layers.renamed, events.busy)
        marks = (role_changes.changed, review_changes.changed, events.annotations)
        Subscriptions(self, self._later, *changes, *marks)
        self._edits = Subscriptions(self, self._later)
        self.refresh()

    def predict_all(self) -> None:
        """Predict all images that are ticked, with what is chosen in the dock."""
        if self._dock.running:
            return
        self.refresh()
        self._model = self._dock.model.value()
        self._queue = deque(row for row in self._rows if row.used)
        self._stopped, self._done, self._failed = False, [], []
        self._go_on()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 (Qt's spelling)
        """Look at the images once somebody looks at the table."""
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Look anew at what there is of each image."""
        before = {id(row.image): row for row in self._rows}
        layers = [one for one in self._viewer.layers if is_picture(one)]
        labels = [one for one in self._viewer.layers if isinstance(one, Labels)]
        self._rows = [before.get(id(one)) or _Row(one) for one in layers]
        for row in self._rows:
            self._look(row, labels)
        painted = [one for one in labels if role_of(one) is Role.ANNOTATIONS]
        self._edits.replace(LabelChanges.of(one).edited for one in painted)
        self.table.show_rows(self._rows)
        self._enable()

    def _look(self, row: _Row, labels: list[Labels]) -> None:
        over = [one for one in labels if lies_on(one, row.image)]
        row.predicted, row.reviewed, row.saved = None, (0, 0), None
        with contextlib.suppress(NapariUNetError):  # told when it is predicted
            row.depth = (1, *shape_in_space(row.image))[-3]
        row.annotated = any(
            role_of(one) is Role.ANNOTATIONS and any(map(np.any, painted_planes(one)))
            for one in over
        )
        for one in over:
            if role_of(one) is Role.PREDICTION:
                row.predicted = len(one.metadata.get(PREDICTED, range(row.depth)))
                row.saved = self._project.predictions.kept_at(one)
            row.reviewed = max(row.reviewed, marks_of(one), key=sum)

    def _enable(self) -> None:
        used = any(row.used for row in self._rows)
        running = "Wait until this prediction has ended, or stop it."
        reason = running if self._dock.running else ""
        if not reason and self._dock.model.value() is None:
            reason = "Choose a model above."
        explain(self.run_button, reason or ("" if used else "Tick an image."))

    def _later(self, *_changed: Any) -> None:
        if self.isVisible():
            self._timer.start()

    # ------------------------------------------------------------- one after the other

    def _go_on(self) -> None:
        """Predict the next image, or tell what came of all."""
        dock = self._dock
        while self._queue:
            row = self._queue.popleft()
            if row.image not in self._viewer.layers:
                continue
            # What an image looks like may offer another model.
            dock.model.setValue(self._model)
            dock.predict_layer(row.image)
            if dock.running:
                self._now = row
                return
            self._on_failed(dock.why_not() or dock.status.text(), row)
        self._tell()

    def _tell(self) -> None:
        told = counted(len(self._done) + len(self._failed), "image")
        words = f"{len(self._done):,} of {told} predicted"
        lines = [f"Stopped. {words}" if self._stopped else words, *self._failed]
        head, line, more = lines[0], "\n".join(lines[1:2]), "\n".join(lines[2:])
        self._dock.status.say(head, line, "error" if self._failed else "info", more)

    def _on_done(self, _result: Any) -> None:
        if self._now is not None:
            self._done.append(self._now.image.name)

    def _on_failed(self, sentence: str, row: _Row | None = None) -> None:
        row = row or self._now
        if row is not None:
            self._failed.append(f"{row.image.name}: {sentence}")

    def _on_ended(self) -> None:
        self._later()
        if self._now is None:
            return
        self._now = None
        if self._stopped:
            self._done = self._done[:-1]
            self._queue.clear()
        self._go_on()

    def _on_clicked(self) -> None:
        self._stopped = self._now is not None

    # ------------------------------------------------------------------------- drawing

    def _table(self) -> RowsTable:
        table = RowsTable(
            Column(
                "",
                tip=lambda _row: "Untick to leave this image out.",
                ticked=lambda row: bool(row.used),
                tick=self._on_tick,
            ),
            Column("Image", _name, tip=_name, left=True, stretch=True),
            Column("Anno-\ntated", lambda row: _YES if row.annotated else _NO),
            Column("Pre-\ndicted", _predicted, about="Slices that are predicted."),
            Column("Re-\nviewed", _reviewed, tip=_reviewed_words),
            Column("Saved", _saved, about="When the prediction was kept last."),
            sorted_by=None,
        )
        table.setWordWrap(False)
        table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        table.headers[0].setMinimumSectionSize(24)
        table.setFixedHeight(_HEIGHT)
        return table

    def _on_tick(self, row: _Row, used: bool) -> None:
        row.used = used
        self._enable()


def _name(row: _Row) -> str:
    return str(row.image.name)


def _predicted(row: _Row) -> str:
    if row.predicted is None:
        return _NO
    return _YES if row.predicted >= row.depth else f"{row.predicted}/{row.depth}"


def _reviewed(row: _Row) -> str:
    objects, slices = row.reviewed
    if slices:
        return _YES if slices >= row.depth else f"{slices}/{row.depth}"
    return f"{objects} obj." if objects else _NO


def _reviewed_words(row: _Row) -> str:
    objects, slices = row.reviewed
    return f"{counted(objects, 'object')}, {slices} of {counted(row.depth, 'slice')}"


def _saved(row: _Row) -> str:
    return _NO if row.saved is None else f"{row.saved.astimezone():%H:%M}"
