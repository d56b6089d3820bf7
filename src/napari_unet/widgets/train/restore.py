"""Back to an earlier moment of a run, by a click on its curves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image
from qtpy.QtCore import QObject, Signal

from napari_unet.config import PredictConfig
from napari_unet.data.stack import Stack
from napari_unet.errors import telling
from napari_unet.model.card import ModelCard, read_card
from napari_unet.model.started import Started
from napari_unet.predict.onlooker import Preview
from napari_unet.predict.segment import Finishing, segment_steps
from napari_unet.train.checkpoints import nearest
from napari_unet.train.curves import Curves
from napari_unet.train.past_run import Moment, PastRun, read_run
from napari_unet.widgets.layers.arrays import image_stack
from napari_unet.widgets.layers.marks import PREDICTED
from napari_unet.widgets.layers.places import current_slice
from napari_unet.widgets.project.open_project import OpenProject
from napari_unet.widgets.qt.job import Job, Work, once
from napari_unet.widgets.qt.plot import drawn
from napari_unet.widgets.train.curve_plot import CurvePlot
from napari_unet.widgets.train.live_preview import LivePreview
from napari_unet.words import clock

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_unet.predict.prediction import TileDone
    from napari_unet.predict.segment import Segmentation, SegmentStep

_HINT = "Click to see the network of that moment."
_BUSY = "Stop first to go back to a checkpoint."
_TILE = 512
_Slot = Callable[[Any], None] | None


class Restore(QObject):
    """Chooses the network of a moment, and previews the slice in view with it.

    It follows the last run of the project, whose curves it draws when the project is
    opened and when training has ended.

    Parameters
    ----------
    viewer
        The viewer with the image.
    curves
        The curves that are clicked.
    parent
        What it ends with.

    Signals
    -------
    said(float, str)
        The share that is done, and words to the user.
    """

    said = Signal(float, str)

    def __init__(self, viewer: ViewerModel, curves: CurvePlot, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer, self._curves = viewer, curves
        self._project = OpenProject.of(viewer)
        self._past = PastRun(Curves())
        self._busy = False
        self._job = Job(self)
        self._job.failed.connect(self._on_failed)
        self._job.ended.connect(self._on_ended)
        self._wanted: Moment | None = None
        self._view: LivePreview | None = None
        curves.clicked.connect(self._on_clicked)
        self._project.opened.connect(self._on_opened)
        self.follow()

    @property
    def running(self) -> bool:
        """Whether a run is being read, or a preview predicted."""
        return self._job.running

    def set_busy(self, busy: bool) -> None:
        """Note whether a network is being trained, which cannot be gone back from."""
        if busy == self._busy:
            return
        self._busy = busy
        if busy:
            self._past = PastRun(Curves())
            self._curves.offer((), _BUSY)
            self._end()
        else:
            self.follow()

    def follow(self) -> None:
        """Draw the last run of the project, and offer its checkpoints."""
        history = self._project.history()
        if history is not None and not self._busy:
            run = history.parent
            work = once(lambda: read_run(run))
            self._start("Reading curves", work, self._show_run)

    def _on_opened(self, _file: Any) -> None:
        if not self._busy:
            self._past = PastRun(Curves())
            self._curves.clear()
            self.follow()

    def _on_clicked(self, moment: float) -> None:
        at = nearest(self._past.moments, moment)
        if self._busy:
            self.said.emit(0.0, _BUSY)
        elif at is None:
            self.said.emit(0.0, "This run kept no checkpoints to go back to.")
        else:
            self._at = at
            self._go_to(self._past.moments[at])

    def _go_to(self, moment: Moment) -> None:
        if self.running:
            # The moment that was clicked last counts.
            self._wanted = moment
            self._job.stop()
            return
        with telling(self._on_failed):
            card = read_card(moment.model)
            self._project.workspace.model = moment.model
            self._preview(moment, card)

    def _preview(self, moment: Moment, card: ModelCard) -> None:
        """Predict the slice in view on a thread."""
        workspace = self._project.workspace
        when = f", after {clock(self._at)}," if self._past.curves.timed else ""
        self._words = f"Step {moment.step}{when} is the model now."
        if workspace.image is None:
            words = f"{self._words} Load an image to see what it makes of it."
            self.said.emit(0.0, words)
            return
        self._z = current_slice(self._viewer, workspace.image)
        part, self._first = _part(workspace.image, self._z, card)
        self._open_view(workspace.image)
        settings = PredictConfig(tile_size=_TILE, batch_size=1)
        work = partial(segment_steps, moment.model, part, settings, None)
        self.said.emit(0.0, f"{self._words} Predicting slice {self._z} ...")
        self._start("Predicting a preview", work, self._on_done, self._on_step)

    def _open_view(self, image: Image) -> None:
        self._view = LivePreview(self._viewer, image, self)
        self._view.set_visible(True)
        self._view.removed.connect(self._on_removed)
        self._image, self._removed = image, False

    def _on_removed(self) -> None:
        self._removed = True
        self._end()

    def _start(self, title: str, work: Work, done: _Slot, step: _Slot = None) -> None:
        if not self.running:
            self._job.start(title, drawn(work), on_step=step, on_done=done)

    def _end(self) -> None:
        """Stop what is under way."""
        self._wanted = None
        self._job.stop()

    def _on_step(self, item: SegmentStep) -> None:
        if isinstance(item, Started | Finishing) or self._removed or self._busy:
            return
        if self._image in self._viewer.layers:
            self._show_tile(item)

    def _show_run(self, past: PastRun) -> None:
        if self._busy:
            return
        self._past = past
        self._curves.load(past.curves)
        hint = _HINT if past.moments else ""
        self._curves.offer(list(past.moments), hint)

    def _show_tile(self, tile: TileDone) -> None:
        index = self._z - self._first - tile.core[0].start
        if self._view is not None and 0 <= index < len(tile.labels):
            here = slice(index, index + 1)
            core = (slice(self._z, self._z + 1), *tile.core[1:])
            sure = tile.probabilities[:, here]
            self._view.show(Preview(core, tile.labels[here], sure, 0, 0))
            if self._view.layer is not None:
                # Slices of another network are not there any more.
                self._view.layer.metadata[PREDICTED] = [self._z]
        share = tile.done / tile.total
        left = self._job.left(share)
        words = f"{self._words} Predicting slice {self._z}: {left}".rstrip(": ")
        self.said.emit(share, words)

    def _on_done(self, _result: Segmentation) -> None:
        if not (self._removed or self._busy):
            self.said.emit(1.0, f"{self._words} The preview shows slice {self._z}.")

    def _on_failed(self, sentence: str) -> None:
        self.said.emit(0.0, sentence)

    def _on_ended(self) -> None:
        view, self._view = self._view, None
        if view is not None:
            view.close()
            view.deleteLater()
        wanted, self._wanted = self._wanted, None
        if wanted is not None and not self._busy:
            self._go_to(wanted)


def _part(image: Image, z: int, card: ModelCard) -> tuple[Stack, int]:
    """Copy a slice, with those around it for a network of three dimensions.

    Returns
    -------
    The slices, and the number of the first one.
    """
    around = card.train.patch_slices if card.network.ndim == 3 else 0
    first = max(0, z - around)
    stack = image_stack(image).slices(slice(first, z + around + 1))
    if isinstance(stack.data, np.ndarray):
        stack = dataclasses.replace(stack, data=stack.data.copy())
    return stack, first
