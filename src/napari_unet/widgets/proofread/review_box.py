"""Objects and slices marked as right, one after the other, and handed to training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.utils.notifications import show_error
from qtpy.QtWidgets import QLabel, QWidget

from napari_unet.errors import InputError, telling
from napari_unet.widgets.layers.places import (
    current_slice,
    go_to_slice,
    pixel_size,
    shown,
    to_view,
)
from napari_unet.widgets.proofread.object_watch import ObjectWatch
from napari_unet.widgets.proofread.training_layer import (
    add_training_layer,
    what_to_learn,
)
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.job import Job, once
from napari_unet.widgets.qt.parts import button, in_column, in_row, present
from napari_unet.widgets.qt.status import Status, undo_action

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

    from napari_unet.proofread.learnable import Learnable

_NEXT_TIP = (
    "Marks the chosen object as reviewed and goes to the next that is not; once all "
    "objects are, the slice that is shown."
)
_SLICE_TIP = (
    "Marks the slice that is shown as reviewed: nothing in it is wrong or missing."
)
_TRAIN_TIP = (
    "Makes annotations of what is reviewed, and chooses them in Train: slices as a "
    "whole, single objects with the background that touches them. Nothing else is "
    "learnt from."
)
_MISSING = "All objects are reviewed. Is one missing here?"


class ReviewBox(QWidget):
    """Buttons that mark what is right, how much of it is, and what is done with it.

    Parameters
    ----------
    viewer
        The viewer.
    watch
        What is reviewed.
    layer
        Returns the labels, or None.
    status
        Where it is told.
    choose
        Chooses an object; 0 for none.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        watch: ObjectWatch,
        layer: Callable[[], Labels | None],
        status: Status,
        choose: Callable[[int], None],
    ) -> None:
        super().__init__()
        self._viewer, self._watch, self._layer = viewer, watch, layer
        self._status, self._choose = status, choose
        self._number, self._at_slice = 0, False
        self.job = Job(self)
        self.job.failed.connect(status.say)
        self.review_button = button("Right, next", self.review, _NEXT_TIP)
        self.slice_button = button("Slice right", self.review_slice, _SLICE_TIP)
        self.next_button = button("Next", self.next, "To what is not reviewed yet.")
        self.train_button = button("Use for training", self.train, _TRAIN_TIP)
        self.progress = QLabel()
        self.progress.setToolTip("What is changed is not reviewed any more.")
        buttons = in_row(self.review_button, self.slice_button, self.next_button)
        in_column(self, buttons, in_row(self.progress, self.train_button, stretch=(1,)))
        watch.changed.connect(self.show_progress)

    def show_chosen(self, number: int, reason: str) -> None:
        """Follow what is chosen, and say why nothing can be done."""
        self._number = number
        self._at_slice = self._at_slice and not number
        for made in (self.slice_button, self.next_button, self.train_button):
            explain(made, reason)
        nothing = "" if number or self._at_slice else "Click on an object first."
        explain(self.review_button, reason or nothing)

    def show_progress(self) -> None:
        """Show how much is reviewed."""
        there = self._layer() is not None
        words = f"{self._watch.reviewed.words()} reviewed" if there else ""
        self.progress.setText(words.replace(", ", ",\n"))

    def review(self) -> None:
        """Take the chosen object for right, or a slice, and go on to the next."""
        if not self._number:
            self.review_slice()
            return
        reviewed, number = self._watch.reviewed, self._number
        try:
            forget = reviewed.mark(number)
        except InputError:  # it was deleted, or merged into another
            self.next()
            return
        self._go_on(forget)

    def review_slice(self) -> None:
        """Take the slice that is shown for right, and go on to the next."""
        with telling(show_error):
            reviewed = self._watch.reviewed
            z = current_slice(self._viewer, self._layer())
            self._go_on(reviewed.mark_slice(z))

    def next(self, undo: Callable[[], None] | None = None) -> None:
        """Go to the next object that is not reviewed, or else to the next slice."""
        reviewed, layer = self._watch.reviewed, self._layer()
        action = undo_action(undo, self._status.say)
        number = reviewed.next_object(self._number)
        if number is not None:
            box = reviewed.boxes.find(number)
            middle = [(part.start + part.stop - 1) / 2 for part in box]
            self._look_at(middle)
            self._choose(number)
            self._status.say(f"Object {number}", reviewed.words(), action=action)
            return
        here = shown(self._viewer, present(layer)).z if self._at_slice else None
        z = reviewed.next_slice(-1 if here is None else here)
        self._at_slice = z is not None
        self._choose(0)
        if z is None:
            self._status.say("All is reviewed", reviewed.words(), action=action)
            return
        go_to_slice(self._viewer, layer, z)
        self._status.say(f"Slice {z}", _MISSING, action=action)

    def train(self) -> None:
        """Make annotations of what is reviewed, and choose them to train on."""
        layer: Any = self._layer()
        if self.job.running:
            return
        with telling(show_error):
            make = what_to_learn(self._viewer, layer, self._watch.reviewed)
            added = partial(self._on_learnable, layer)
            self.job.start("Collecting what is reviewed", once(make), on_done=added)

    def _on_learnable(self, layer: Labels, made: Learnable) -> None:
        if layer in self._viewer.layers:
            undo = add_training_layer(self._viewer, layer, made)
            words = f"Trained on: {made.words} of {layer.name}, and nothing else."
            action = undo_action(undo, self._status.say)
            self._status.say("Chosen in Train", words, action=action)

    def _go_on(self, forget: Callable[[], None]) -> None:
        def undo() -> None:
            forget()
            self._watch.keep()
            self.show_progress()

        self._watch.keep()
        self.show_progress()
        self.next(undo)

    def _look_at(self, middle: Sequence[float]) -> None:
        layer: Any = self._layer()
        point = to_view(self._viewer, layer, middle[-len(pixel_size(layer)) :])
        self._viewer.scene.camera.center = (0.0, *point[-2:])
        go_to_slice(self._viewer, layer, round(middle[0]))
