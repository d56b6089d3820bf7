"""Annotate here next: a list of places, and the way there."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Vectors
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon, QImage, QPixmap
from qtpy.QtWidgets import QListView, QListWidget, QListWidgetItem, QSpinBox

from napari_unet.data.labels import check_made_on
from napari_unet.errors import InputError
from napari_unet.predict.guidance import (
    SEARCH_SECONDS,
    Box,
    Found,
    Guidance,
    Looked,
    ModelSource,
    find_places,
)
from napari_unet.predict.onlooker import Preview, View
from napari_unet.widgets.choose.part_layers import PartLayers
from napari_unet.widgets.layers.arrays import (
    add_or_update,
    image_stack,
    labels_array,
    placed_like,
    plane_shape,
)
from napari_unet.widgets.layers.axes import spatial
from napari_unet.widgets.layers.go_to import go_to
from napari_unet.widgets.layers.maps import maps_of, predicted_slices
from napari_unet.widgets.layers.marks import is_made_of, made_by
from napari_unet.widgets.layers.places import shape_in_space, shown
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import (
    button,
    check_box,
    in_column,
    in_row,
    present,
    steady,
)
from napari_unet.widgets.qt.runner import Runner

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from napari_unet.predict.suggest import Suggestion

BOX_LAYER = "annotate here"
_SEARCH, _ANEW = "Annotate here next", "Search anew"
_SEARCH_TIP = "Search the stack, and go to the best place."
_NEXT_TIP = "Go to the next place of the list; past its end, search anew."
_SIDE = 68
"""Of a thumbnail, in pixels of the screen."""
_TEXT = 20
_REFRESH_SECONDS = 0.2
_SLICES = 4
"""Of a prediction, that the first place is chosen from."""
_SHOW_TIP = (
    "Lay over the image where the network says different things of the image turned: "
    "dark where it is sure, bright where it is not."
)


class SuggestionList(Runner):
    """Finds places that are worth annotating, lists them, and leads there.

    Parameters
    ----------
    viewer
        The viewer with the image; its workspace names this and the annotations.
    model
        Returns the model that is asked: the path of its file, or a function that
        copies a network while it learns and is called on the thread of the search;
        None where there is none yet.
    drawn
        Returns what a network that learns made of the view of an image lately.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        model: Callable[[], ModelSource | None],
        drawn: Callable[[Image], Sequence[Preview]] = lambda _image: (),
    ) -> None:
        super().__init__(_SEARCH, "Stop searching", _SEARCH_TIP, lines=3, hides=True)
        self.viewer = viewer
        self.workspace = Workspace.of(viewer)
        self._model, self._previews = model, drawn
        self._of: Image | None = None
        self._unsure: NDArray[np.float32] | None = None
        self._layer: Image | None = None
        self._beside = PartLayers(self, viewer)
        self._first: Found | None = None
        self._drawn = 0.0
        self.side = steady(QSpinBox())
        self.side.setRange(16, 1024)
        self.side.setSingleStep(16)
        self.side.setValue(64)
        self.side.setSuffix(" px")
        self.side.setToolTip("Side of the places.")
        self.list = _thumbnails()
        self.list.itemClicked.connect(self._on_item_clicked)
        self.list.itemActivated.connect(self._on_item_clicked)
        self.show_box = check_box("Show uncertainty", self._on_show_toggled, _SHOW_TIP)
        self.next_button = button("Next place", self.next, _NEXT_TIP)
        row = in_row(self.next_button, self.run_button, self.side, stretch=(1, 1))
        in_column(self, row, self.list, self.show_box, self.status, self.bar)
        events = self.workspace.events
        changes = (events.image, events.annotations, events.model)
        Subscriptions(self, self.refresh, *changes)
        Subscriptions(self, self._on_removed, viewer.layers.events.removed)
        self.refresh()

    def why_not(self) -> str:
        """Return what is missing for a search, or ""."""
        if self.workspace.image is None:
            return "There is no image layer: load one first."
        if self.workspace.annotations is None:
            return "There is no annotation layer: load or make one first."
        if self._model() is None:
            return "Train a network first: it is asked where it is unsure."
        return ""

    def refresh(self, *_changed: Any) -> None:
        """Bring the part up to date; to be called when `model` answers otherwise."""
        listed = self.list.count() > 0
        self._run_text = _ANEW if listed else _SEARCH
        super().refresh()
        self.bar.setVisible(self.running)
        for part in (self.list, self.next_button):
            part.setVisible(listed)
        known = self._unsure is not None
        self.side.setVisible(known)
        self.show_box.setVisible(known)

    def next(self) -> None:
        """Go to the next place of the list; past its end, search anew."""
        row = self.list.currentRow() + 1
        if 0 < row < self.list.count() and self.workspace.image == self._of:
            self._go_to(row)
        elif not self.running:
            self._on_run_clicked()

    def run(self) -> None:
        """Look for places on a thread; the best is gone to when it is known."""
        reason = self.why_not()
        model = self._model()
        layer, annotations = self.workspace.image, self.workspace.annotations
        if reason or model is None or layer is None or annotations is None:
            raise InputError(reason)
        stack, labels = image_stack(layer), labels_array(annotations)
        check_made_on(stack.as_czyx().shape[1:], labels.shape)
        view = shown(self.viewer, layer)
        work = partial(
            find_places,
            model,
            stack,
            labels,
            self.workspace.kind,
            self.side.value(),
            coverage=self.workspace.coverage,
            predicted=self._known(layer, model),
            view=None if view.z is None else View(view.z, view.region),
        )
        self._of, self._first = layer, None
        self._unsure = np.zeros(labels.shape, np.float32)
        if self.show_box.isChecked():
            self._show_layer()
        # The bar of the activity dock takes napari a tenth of a second.
        self.start("Searching places to annotate", work, quiet=True)

    def _known(
        self, image: Image, model: ModelSource
    ) -> list[tuple[Box, NDArray[np.floating]]]:
        """Return probabilities by the model, or by one before, of parts of an image."""
        drawn = [(one.core, one.probabilities) for one in self._previews(image)]
        prediction = self.workspace.prediction
        made = made_by(prediction)
        if made is None or prediction is None or (drawn and made.model != model):
            return drawn
        if not is_made_of(prediction, image, made.of):
            return drawn
        maps = maps_of(self.viewer, prediction)
        if not maps or shape_in_space(maps[0]) != shape_in_space(image):
            return drawn
        return predicted_slices(maps, _SLICES) or drawn

    def on_step(self, look: Looked | Found) -> None:
        """Show how far it is, how unsure the network is of a slice, the first place."""
        if self._unsure is None:
            return
        if isinstance(look, Found):
            self._first = look
            self._list(look)
            self._go_to(0)
            self.status.say("This is a first guess; searching for better places ...")
            return
        self._unsure[look.z] = look.unsure
        spent = time.monotonic() - self.job.began
        # Not all slices are looked at where that would take long.
        share = max(look.done / look.total, min(1.0, spent / SEARCH_SECONDS))
        search = "Searching" if self._first is None else "A first guess; searching on"
        words = f"{search}: {look.done} of {look.total} slices"
        words = f"{words}, {self.job.left(share)}".removesuffix(", ")
        self.show_progress(share, words)
        if time.monotonic() - self._drawn > _REFRESH_SECONDS:
            self._draw()

    def on_done(self, guidance: Guidance) -> None:
        """List all places; the first of them is where the user is already."""
        self._draw()
        row = self.list.currentRow()
        self._list(*guidance.places)
        self.status.say(guidance.words)
        if self._first is not None:
            self.list.setCurrentRow(row)
        elif guidance.places:
            self._go_to(0)

    def _list(self, *places: Found) -> None:
        self.list.clear()
        ratio = self.list.devicePixelRatioF()
        for row, found in enumerate(places):
            guess = row == 0 and self._first is not None
            self.list.addItem(list_item(found, ratio, guess=guess))
        self.refresh()

    def _on_item_clicked(self, item: QListWidgetItem) -> None:
        self._go_to(self.list.row(item))

    def _go_to(self, row: int) -> None:
        """Show a place of the list, and its box."""
        self.list.setCurrentRow(row)
        layer = self._of
        if layer is None or layer not in self.viewer.layers:
            self.status.say("The image was removed: search anew.")
            return
        place: Suggestion = present(self.list.item(row)).data(Qt.ItemDataRole.UserRole)
        self._beside.add(show_place(self.viewer, layer, place))
        annotations = self.workspace.annotations
        if annotations is not None and annotations in self.viewer.layers:
            self.viewer.layers.selection.active = annotations

    def _on_show_toggled(self, shown: bool) -> None:
        if shown:
            self._show_layer()
        elif self._layer is not None:
            self._layer.visible = False

    def _show_layer(self) -> None:
        """Show what is known of the uncertainty, and what comes."""
        of, unsure = self._of, self._unsure
        if of is None or unsure is None:
            return
        active = self.viewer.layers.selection.active
        self._layer = add_or_update(
            self.viewer,
            Image,
            unsure.reshape(plane_shape(of)),
            "uncertainty",
            of,
            colormap="inferno",
            blending="additive",
            opacity=0.8,
            **placed_like(of),
        )
        self._layer.visible = True
        self._beside.lay(self._layer)
        self._draw()
        self.viewer.layers.selection.active = active

    def _draw(self) -> None:
        """Draw the uncertainty anew, bright at the largest of what is known."""
        self._drawn = time.monotonic()
        if self._layer is None or self._unsure is None:
            return
        self._layer.contrast_limits = (0, max(float(self._unsure.max()), 1e-3))
        self._layer.refresh()

    def _on_removed(self, event: Any) -> None:
        if self._layer is not None and event.value == self._layer:
            self._layer = None
            self.show_box.setChecked(False)


def show_place(viewer: ViewerModel, image: Image, place: Suggestion) -> Vectors:
    """Go to a place of an image, with a box around its pixels."""
    rows, columns = place.box
    centre = (place.z, *((part.start + part.stop - 1) / 2 for part in place.box))
    size = (rows.stop - rows.start, columns.stop - columns.start)
    return go_to(viewer, image, centre[-len(spatial(image)) :], size, BOX_LAYER)


def _thumbnails() -> QListWidget:
    """Make a list of pictures that takes two rows, and scrolls down for more."""
    made = QListWidget()
    made.setViewMode(QListView.ViewMode.IconMode)
    made.setMovement(QListView.Movement.Static)
    made.setResizeMode(QListView.ResizeMode.Adjust)
    made.setIconSize(QSize(_SIDE, _SIDE))
    made.setGridSize(QSize(_SIDE + 8, _SIDE + _TEXT + 4))
    made.setUniformItemSizes(True)
    made.setFixedHeight(2 * (_SIDE + _TEXT + 4) + 6)
    # With the keyboard it would search its entries for the keys of the dock.
    made.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    made.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return made


def list_item(found: Found, ratio: float, *, guess: bool = False) -> QListWidgetItem:
    """Make a picture that is sharp on a screen with so many pixels for each of Qt's.

    Below it stands its slice or, where it is one, that it is a guess.
    """
    place, grey = found.place, np.ascontiguousarray(found.picture)
    height, width = grey.shape
    kind = QImage.Format.Format_Grayscale8
    picture = QImage(grey.tobytes(), width, height, width, kind)
    pixmap = QPixmap.fromImage(picture).scaled(
        round(ratio * _SIDE),
        round(ratio * _SIDE),
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    pixmap.setDevicePixelRatio(ratio)
    text = "first guess" if guess else f"slice {place.z}"
    item = QListWidgetItem(QIcon(pixmap), text)
    item.setData(Qt.ItemDataRole.UserRole, place)
    rows, columns = place.box
    item.setToolTip(
        f"Slice {place.z}, from row {rows.start} and column {columns.start}; "
        f"uncertainty {place.score:.3f}"
    )
    return item
