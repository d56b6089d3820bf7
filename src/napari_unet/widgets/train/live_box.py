"""A training in the window: what is painted is learnt, what is seen is predicted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QGridLayout, QSizePolicy, QWidget
from superqt import QElidingLabel

from napari_unet.data.sparse_slices import SparseSlices
from napari_unet.data.sparse_target import said
from napari_unet.live.requests import LiveRequests
from napari_unet.predict.onlooker import Onlooker, Preview
from napari_unet.widgets.choose.part_layers import PartLayers
from napari_unet.widgets.layers.changes import LabelChanges
from napari_unet.widgets.layers.eye import Eye
from napari_unet.widgets.layers.places import shape_in_space
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import button, check_box
from napari_unet.widgets.qt.turns import Turns
from napari_unet.widgets.train.live_preview import LivePreview

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_unet.train.training_source import TrainingSource

_AGE_MS = 1000
_KEPT = 8
"""Tiles of the slice in view."""


class LiveBox(QWidget):
    """Controls of a training that is watched, and the wires between layers and it.

    What is painted goes to a live training; a timed one only shows what it makes of the
    image.

    Parameters
    ----------
    viewer
        The viewer whose view is followed.

    Signals
    -------
    undoWanted()
        Go back to the model before this training.
    stackWanted()
        Predict the whole stack with the network as it is.
    ready()
        The layer of the preview is there.
    broken(str)
        The layers no longer allow live training; why, in a sentence.
    """

    undoWanted = Signal()  # noqa: N815 (Qt's own spelling)
    stackWanted = Signal()  # noqa: N815
    ready = Signal()
    broken = Signal(str)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self.requests: LiveRequests | None = None
        self._onlooker: Onlooker | None = None
        self.view: LivePreview | None = None
        self._image: Image | None = None
        self._layers: tuple[Image, Labels] | None = None
        self._beside = PartLayers(self, viewer)
        self._turns = Turns(self)
        self._drawn: list[Preview] = []
        self._drawn_of: object = None
        self._was_seen = False
        self.undo_button = button("Undo this training", self.undoWanted.emit)
        tip = "Pause, keep the network, and predict all slices with it."
        self.stack_button = button("Predict whole stack", self.stackWanted.emit, tip)
        tip = "Show what the network makes of the part in view."
        self.preview = check_box("Preview", self._on_preview, tip)
        self.preview.setChecked(True)
        tip = "Show how sure it is, as an image layer too."
        self.probability = check_box("Probability", self._on_probability, tip)
        self.age = QElidingLabel()
        self.age.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._timer = QTimer(self)
        self._timer.setInterval(_AGE_MS)
        self._timer.timeout.connect(self._show_age)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.undo_button, 0, 0)
        grid.addWidget(self.stack_button, 0, 1)
        grid.addWidget(self.preview, 1, 0)
        grid.addWidget(self.probability, 1, 1)
        grid.addWidget(self.age, 2, 0, 1, 2)
        self._reshapes = Subscriptions(self, self._on_reshaped)
        self._removals = Subscriptions(self, self._on_removed)
        self._exchanges = Subscriptions(self, self._on_exchanged)
        chosen = Workspace.of(viewer).events.annotations
        Subscriptions(self, self._on_chosen, chosen)
        Subscriptions(self, self._on_eye, Eye.of(viewer).changed)
        self.refresh(undo=False)

    @property
    def running(self) -> bool:
        """Whether a network learns live."""
        return self.requests is not None

    @property
    def watching(self) -> bool:
        """Whether a network is watched that learns, live or for a time."""
        return self._onlooker is not None

    def refresh(self, *, undo: bool) -> None:
        """Show and enable what can be used now."""
        timed = self.watching and not self.running
        self.undo_button.setVisible(not timed)
        self.stack_button.setVisible(self.running)
        for part in (self.preview, self.probability, self.age):
            part.setVisible(self.watching)
        explain(self.preview, "" if self.watching else "Start a training first.")
        self.undo_button.setEnabled(undo)
        self.undo_button.setToolTip(
            "Go back to the model before this training; its run folder stays."
            if undo
            else "No live training was started yet."
        )

    def begin(
        self,
        image: Image,
        annotations: Labels,
        source: TrainingSource,
    ) -> LiveRequests:
        """Wire the layers to the requests of a training that is about to start.

        What they hold now is in the arrays of its source.

        Raises
        ------
        InputError
            When a slice that is called complete is not there.
        """
        _, labels, _ = source.read()
        painted = SparseSlices.of(labels)
        slices, _ = said(painted, source.coverage)
        self.requests = LiveRequests()
        self._layers = (image, annotations)
        for z in slices:
            self.requests.update(int(z), painted[z])
        changes = LabelChanges.of(annotations)
        changes.changed.connect(self.requests.update)
        self._reshapes.replace((changes.reshaped,))
        self.watch(image, self.requests)
        return self.requests

    def watch(self, image: Image, onlooker: Onlooker) -> Onlooker:
        """Let somebody look at what is seen of an image, and show what comes of it."""
        self._onlooker, self._drawn = onlooker, []
        self._drawn_of = (image.unique_id, shape_in_space(image))
        view = LivePreview(self._viewer, image, self)
        view.looked.connect(self._on_looked)
        view.removed.connect(self._on_preview_removed)
        view.exchanged.connect(self._end_at)
        self._removals.replace((self._viewer.layers.events.removed,))
        self._exchanges.replace((image.events.data,))
        self.view, self._image = view, image
        self._timer.start()
        # The start takes long enough: the window is drawn in between.
        self._turns.add(partial(self._make, view))
        self._look()
        return onlooker

    def _make(self, view: LivePreview) -> None:
        if self.view is view:
            view.make()
            self._on_eye()
            self.ready.emit()

    def hold(self, held: bool) -> None:
        """Hold the steps, or go on: a preview that was seen before is seen again."""
        if self.requests is None:
            return
        self.requests.pause(held)
        if held:
            self._was_seen = self.preview.isChecked()
        elif self._was_seen:
            self.preview.setChecked(True)

    def end(self, *_: Any) -> None:
        """Cut the wires; the layers stay as they are."""
        if self._layers is not None and self.requests is not None:
            changes = LabelChanges.of(self._layers[1])
            changes.changed.disconnect(self.requests.update)
        self.requests = self._onlooker = self._layers = self._image = None
        self._timer.stop()
        self.age.setText("")
        for wires in (self._reshapes, self._removals, self._exchanges):
            wires.end()
        self._leave_view()

    def _leave_view(self) -> None:
        if self.view is not None:
            self.view.close()
            self.view.deleteLater()
            self.view = None

    def show_preview(self, preview: Preview) -> None:
        """Show a part of the image as the network sees it."""
        if self.view is None or not self.preview.isChecked():
            return
        z, core = preview.core[0], preview.core
        others = [one for one in self._drawn if one.core[0] == z and one.core != core]
        self._drawn = [*others[1 - _KEPT :], preview]
        self.view.show(preview)
        if self.probability.isChecked():
            self._show_probability(preview)
        self._show_age()

    def drawn(self, image: Image) -> Sequence[Preview]:
        """Return what was drawn last of a slice of an image, also after the end."""
        of = self._drawn_of == (image.unique_id, shape_in_space(image))
        return tuple(self._drawn) if of else ()

    @property
    def updates_seen(self) -> int:
        """Strokes that the newest preview has learnt from."""
        return self._drawn[-1].updates if self._drawn else 0

    def _look(self, *_: Any) -> None:
        if self.view is not None:
            self.view.look()

    def _on_looked(self, z: int, region: tuple[slice, slice]) -> None:
        if self._onlooker is None:
            return
        self._onlooker.look_at(z if self.preview.isChecked() else None, region)

    def _on_preview(self, checked: bool) -> None:
        if self.view is not None:
            self.view.set_visible(checked)
        self._look()

    def _on_probability(self, checked: bool) -> None:
        for preview in self._drawn if checked else ():
            self._show_probability(preview)

    def _show_probability(self, preview: Preview) -> None:
        if self.view is not None:
            self._beside.lay(self.view.show_probability(preview))

    def _on_eye(self) -> None:
        """Tick the box while the eye shows the preview: nothing else is predicted."""
        if self.view is not None:
            self.preview.setChecked(self.view.seen)

    def _on_preview_removed(self) -> None:
        self._drawn = []
        self.preview.setChecked(False)

    def _on_reshaped(self) -> None:
        self._break("The annotations have another shape than the image now")

    def _on_removed(self, event: Any) -> None:
        if self._layers is None:
            if event.value == self._image:
                self.end()  # a timed training has its own copy, and goes on unseen
            return
        if event.value not in self._layers:
            return
        self._break(f"The layer {event.value.name} was removed")

    def _on_exchanged(self, event: Any) -> None:
        """Show nothing of an image on another one that took its place in the layer."""
        self._end_at(event.source.name)

    def _end_at(self, name: str) -> None:
        """End where a layer has other data; a timed training goes on unseen."""
        self._leave_view()
        if self._layers is None:
            self.end()
            return
        self._break(f"The layer {name} has other data now")

    def _on_chosen(self, annotations: Labels | None) -> None:
        """Learn no longer from what the docks do not take for the annotations."""
        if self._layers is None or annotations == self._layers[1]:
            return
        if self._layers[1] in self._viewer.layers:
            name = self._layers[1].name
            self._break(f"The layer {name} is not chosen to annotate any more")

    def _break(self, reason: str) -> None:
        self.broken.emit(f"{reason}: live training ended, and its model is kept.")

    def _show_age(self) -> None:
        if self.view is None or not self._drawn:
            return
        seconds = time.monotonic() - self.view.shown_at
        drawn_by, z = self._drawn[-1].drawn_by, self._drawn[-1].core[0].start
        self.age.setText(f"Preview: slice {z}, {seconds:.1f} s old, by {drawn_by}")
