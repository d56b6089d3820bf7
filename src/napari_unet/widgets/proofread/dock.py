"""Proofread: objects merged, split and mended, each change one step of undo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils.notifications import show_error
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QPushButton,
)

from napari_unet.data.boxes import grow as grow_box
from napari_unet.errors import InputError, telling
from napari_unet.proofread.correction import Correction, ObjectBoxes
from napari_unet.proofread.parting import crossed, split_by_line, split_by_seeds
from napari_unet.proofread.repair import merge, near_box, take, take_whole
from napari_unet.widgets.choose.keys import PROOFREAD, KeyList
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.choose.shared_layers import SharedLayers
from napari_unet.widgets.layers.axes import planes
from napari_unet.widgets.layers.edits import edit_box
from napari_unet.widgets.layers.maps import foreground, maps_over
from napari_unet.widgets.layers.places import current_slice, go_to_slice, pixel_size
from napari_unet.widgets.layers.roles import Role
from napari_unet.widgets.layers.undo import undo_of
from napari_unet.widgets.project.open_project import OpenProject
from napari_unet.widgets.proofread.canvas import Canvas
from napari_unet.widgets.proofread.number_anew import number_anew
from napari_unet.widgets.proofread.object_watch import (
    ObjectWatch,
    why_not_corrected,
    why_not_kept,
)
from napari_unet.widgets.proofread.review_box import ReviewBox
from napari_unet.widgets.proofread.tools import ACTS, MODES, SIZED
from napari_unet.widgets.qt.dock import Dock
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.job import Job, once
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.panel import growing_form
from napari_unet.widgets.qt.parts import button, in_column, steady
from napari_unet.widgets.qt.status import Status, undo_action

if TYPE_CHECKING:
    import napari
    from numpy.typing import NDArray

    from napari_unet.data.boxes import Box

_COLUMNS = 3
_MARGIN = 9
_ASIDE = 8
"""Pixels around an object that was missed in which it is taken."""
_NO_PROBABILITY = (
    "Predict with Probabilities too (under More in Predict): an object is made of them."
)
_THRESHOLD_TIP = "An object is taken where its probability is higher than this."


class ProofreadWidget(Dock):
    """Corrects numbered objects of a labels layer.

    Parameters
    ----------
    napari_viewer
        The viewer with the labels.
    """

    running = False

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        OpenProject.of(napari_viewer).stay_with(self)
        self._shared = SharedLayers(napari_viewer, self, counts=False)
        roles = (Role.PREDICTION, Role.ANNOTATIONS, Role.TRUTH)
        self.labels = LayerBox(napari_viewer, Labels, *roles)
        self.this_slice = QCheckBox("This slice only")
        self.this_slice.setToolTip("Else an object is changed in all its slices.")
        self.threshold = steady(QDoubleSpinBox())
        self.threshold.setRange(0.01, 0.99)
        self.threshold.setSingleStep(0.05)
        self.threshold.setValue(0.5)
        self.threshold.setToolTip(_THRESHOLD_TIP)
        self._seeds: list[tuple[int, ...]] = []
        self._job = Job(self, quiet=True)
        self.watch = ObjectWatch(self)
        self.canvas = Canvas(self, napari_viewer, self._seen)
        self.canvas.clicked.connect(self._on_clicked)
        self.canvas.drawn.connect(self.split_along)
        self.status = Status()
        seen = (napari_viewer, self.watch, self._seen, self.status, self.choose)
        self.review = ReviewBox(*seen)
        self._job.ended.connect(self._on_looked)
        self._lay_out()
        changed = napari_viewer.layers.events
        Subscriptions(self, self._enable, changed.inserted, changed.removed)
        self.labels.valueChanged.connect(self._on_labels)
        self._on_labels(self.labels.value())

    def choose(self, number: int) -> None:
        """Choose the object that the next correction changes."""
        self.number = number
        layer = self.labels.value()
        if layer is not None and number:
            layer.selected_label = number
        self._enable()
        seen = not self._why_not() and number in self.watch.reviewed.objects()
        done = " (reviewed)" if seen else ""
        self.status.say(f"Object {number}{done}" if number else "Background")

    def merge_with(self, number: int) -> None:
        """Give another object the number of the chosen one."""
        self._correct(lambda boxes: merge(boxes, [self.number, number]))

    def split_along(self, line: Sequence[Sequence[float]]) -> None:
        """Split the object that most of a line crosses; (N, 2 or 3), in pixels."""
        points: Any = np.asarray(line)[:, -2:]
        with telling(show_error):
            number = crossed(self._planes()[self._slice()], points)
            full = np.insert(points, 0, self._slice(), axis=1)
            self._correct(lambda boxes: split_by_line(boxes, number, *self._at(full)))

    def split_at(self, seeds: Sequence[Sequence[int]]) -> None:
        """Split an object into the parts that hold the seeds; (N, 3), in pixels."""
        number = int(self._planes()[tuple(seeds[0])])
        full = np.asarray(seeds)
        self._correct(lambda boxes: split_by_seeds(boxes, number, *self._at(full)))

    def take_at(self, place: Sequence[int], around: Box | None = None) -> None:
        """Make an object of what is probable at a place, in slices, Y and X.

        `around` is the box that it ends in; left out, it is as large as it is.
        """
        box = around or near_box(place, self._planes().shape)
        if self.this_slice.isChecked():
            box = (slice(place[0], place[0] + 1), *box[1:])
        maps, above = self._maps(), self.threshold.value()

        def likely(part: Box) -> NDArray[np.float32]:
            found = foreground(maps, (*box[: 3 - len(part)], *part))
            return found.reshape(found.shape[-len(part) :])

        def make(boxes: ObjectBoxes) -> Correction:
            at, near = place[-boxes.labels.ndim :], box[-boxes.labels.ndim :]
            if around:
                return take(boxes, at, near, likely(near), above)
            return take_whole(boxes, at, near, likely, above)

        self._correct(make)

    def act(self, name: str) -> None:
        """Do what one of the buttons says to the chosen object."""
        change, more = ACTS[name][2], dict[str, Any]()
        if name in SIZED:
            more["spacing"] = self._spacing()
        self._correct(lambda boxes: change(boxes, self.number, **more))

    def renumber(self) -> None:
        """Give all objects the numbers 1, 2, 3, ..."""
        self.choose(0)
        with telling(show_error):
            number_anew(self.labels.value(), self.watch, self.status)

    def take(self, mode: str) -> str:
        """Take a tool, or put it away; return why not, or ""."""
        tool = self.modes[mode]
        if tool.isEnabled():
            tool.click()
        return "" if tool.isEnabled() else tool.toolTip()

    def press(self, name: str) -> str:
        """Press a button; return why not, or ""."""
        review = self.review.review_button
        pressed = review if name == "review" else self.acts[name]
        if pressed.isEnabled():
            pressed.click()
        return "" if pressed.isEnabled() else pressed.toolTip()

    def offer(self, layer: Labels, tool: str, number: int, one_slice: bool) -> None:
        """Choose an object of a layer, and take the tool that is meant for it.

        Parameters
        ----------
        layer
            The labels.
        tool
            A tool, which is taken, or a button, which is left to be pressed.
        number
            The object; 0 where there is none yet.
        one_slice
            Whether to change this slice alone.
        """
        self.labels.setValue(layer)
        self.this_slice.setChecked(one_slice)
        self.choose(number)
        if tool in self.modes and not self.modes[tool].isChecked():
            self.take(tool)
        elif tool in self.acts:
            self.acts[tool].setFocus()
            self.status.say(f"Object {number}", ACTS[tool][1])

    def offer_missed(
        self,
        layer: Labels,
        place: Sequence[int],
        around: tuple[slice, ...],
        one_slice: bool,
    ) -> None:
        """Offer to take an object that was missed in a box, at one of its pixels."""
        self.offer(layer, "take", 0, one_slice)
        go_to_slice(self.viewer, layer, place[0])
        if self.modes["take"].isEnabled():
            shape = self._planes().shape
            act = partial(self.take_at, place, grow_box(around, _ASIDE, shape))
            self.status.say("Missed", MODES["take"][1], action=("Take it", act))
        else:
            self.status.say("Missed", _NO_PROBABILITY)

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 (Qt's spelling)
        """Lay the brush down: a click is for the objects that the dock is opened on."""
        super().showEvent(event)
        if event is not None and not event.spontaneous():
            self._take_mouse()

    def hideEvent(self, event: QHideEvent | None) -> None:  # noqa: N802 (Qt's spelling)
        """Put the tools away: where nobody sees them, the mouse moves the image."""
        super().hideEvent(event)
        for made in self.modes.values():
            made.setChecked(False)
        self.canvas.draw_lines(False)

    # ----------------------------------------------------------------------- parts

    def _lay_out(self) -> None:
        form = growing_form()
        form.addRow("Labels", self.labels)
        form.addRow("Probability >", self.threshold)
        self.modes: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)
        grid = QGridLayout()
        for name, (title, tip) in MODES.items():
            made = button(title, partial(self._on_mode, name), tip)
            made.setCheckable(True)
            self.modes[name] = made
        self.acts = {
            name: button(title, partial(self.act, name), tip)
            for name, (title, tip, _change) in ACTS.items()
        }
        tip = "1, 2, 3, ..."
        self.renumber_button = button("Number anew", self.renumber, tip)
        tools = [*self.modes.values(), *self.acts.values(), self.renumber_button]
        for place, made in enumerate(tools):
            grid.addWidget(made, place // _COLUMNS, place % _COLUMNS)
        buttons = {**self.modes, **self.acts, "review": self.review.review_button}
        named = {name: buttons[name] for name in PROOFREAD}
        keys = KeyList(self, tuple(PROOFREAD), named)
        parts = (form, self.this_slice, grid, self.status, self.review, keys)
        stacked = in_column(self, *parts)
        stacked.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        stacked.addStretch(1)

    def _on_labels(self, layer: Labels | None) -> None:
        self.number, self._seeds = 0, []
        self.watch.follow(layer)
        self._enable()
        reason = self._why_not()
        self.status.say("" if reason else "Click on an object", reason)
        self._look()

    def _look(self) -> None:
        """Look for objects aside: a large volume takes seconds."""
        if not self._why_not() and not self._job.running:
            self._looked = self.watch.reviewed
            self._job.start("Looking for objects", once(self._looked.objects))

    def _on_looked(self) -> None:
        if self._why_not() or self.watch.reviewed is self._looked:
            self.review.show_progress()
        else:  # other labels were chosen meanwhile
            self._look()

    def _why_not(self) -> str:
        return why_not_corrected(self.labels.value())

    def _enable(self, _changed: Any = None) -> None:
        reason = self._why_not()
        chosen = reason or ("" if self.number else "Click on an object first.")
        for made in (*self.modes.values(), self.renumber_button):
            explain(made, reason)
        for made in self.acts.values():
            explain(made, chosen)
        missing = reason or ("" if self._maps() else _NO_PROBABILITY)
        explain(self.modes["take"], missing)
        explain(self.threshold, missing)
        self.review.show_chosen(self.number, reason)
        self.this_slice.setVisible(not reason and len(self._planes()) > 1)

    def _on_mode(self, name: str) -> None:
        wanted = self.modes[name].isChecked()
        for other, made in self.modes.items():
            made.setChecked(wanted and other == name)
        self._seeds = []
        if wanted:
            self._take_mouse()
        self.canvas.draw_lines(wanted and name == "split")
        if wanted:
            self.status.say(MODES[name][1])

    def _take_mouse(self) -> None:
        layer = self.labels.value()
        if layer is not None:
            self.viewer.layers.selection.active = layer
            layer.mode = "pan_zoom"

    def _on_clicked(self, place: tuple[int, ...]) -> None:
        labels = self._planes()
        full = (0, *place)[-3:]
        if not all(0 <= at < n for at, n in zip(full, labels.shape, strict=True)):
            return
        number = int(labels[full])
        if self.modes["merge"].isChecked() and self.number and number:
            self.merge_with(number)
        elif self.modes["seeds"].isChecked() and number:
            self._seeds.append(full)
            if len(self._seeds) > 1:
                seeds, self._seeds = self._seeds, []
                self.split_at(seeds)
            else:
                self.status.say("Now click on the other part")
        elif self.modes["take"].isChecked() and not number:
            self.take_at(full)
        else:
            self.choose(number)

    # --------------------------------------------------------------------- changes

    def _correct(self, make: Callable[[ObjectBoxes], Correction]) -> None:
        """Make a correction, of this slice alone if that is wanted, and put it in."""
        layer = self.labels.value()
        with telling(show_error):
            boxes, z = self._boxes(), 0
            if self.this_slice.isChecked() and len(self._planes()) > 1:
                z = self._slice()
                boxes = ObjectBoxes(self._planes()[z], used=boxes.highest)
            change = make(boxes)
            box = change.box if len(change.box) == 3 else (slice(z, z + 1), *change.box)
            values = change.values.reshape([part.stop - part.start for part in box])
            if edit_box(layer, box, values) == 0:
                self.status.say("Nothing changed", change.words)
                return
            self.watch.include(box)
            undo = undo_action(undo_of(layer), self.status.say)
            self.status.say(change.words, why_not_kept(self.viewer, layer), action=undo)

    def _boxes(self) -> ObjectBoxes:
        if self.labels.value() is None:
            raise InputError(self._why_not())
        return self.watch.boxes

    def _maps(self) -> list[Image]:
        layer = self.labels.value()
        return [] if self._why_not() else maps_over(self.viewer, layer)

    def _planes(self) -> NDArray[Any]:
        found: NDArray[Any] = planes(self.labels.value())
        return found

    def _slice(self) -> int:
        return current_slice(self.viewer, self.labels.value())

    def _at(self, places: NDArray[Any]) -> tuple[Any, tuple[float, ...]]:
        """Return places and pixel sizes in as many dimensions as are corrected."""
        spacing = self._spacing()
        return places[:, -len(spacing) :], spacing

    def _spacing(self) -> tuple[float, ...]:
        """Return the size of a pixel along each dimension that is corrected."""
        single = self.this_slice.isChecked() and len(self._planes()) > 1
        return (1.0, *pixel_size(self.labels.value()))[-2 if single else -3 :]

    def _seen(self) -> Labels | None:
        return None if self._why_not() else self.labels.value()
