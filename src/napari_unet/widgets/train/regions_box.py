"""Regions: boxes and polygons that say what trains, scores, or is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Labels, Shapes
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QWidget

from napari_unet.config import Region, Role
from napari_unet.data import regions as files
from napari_unet.data.painted_slices import PaintedSlices
from napari_unet.errors import InputError, telling
from napari_unet.train.region_count import Counted, RegionCount
from napari_unet.train.region_roles import NO_SLICE, seen_around
from napari_unet.widgets.choose.part_layers import PartLayers
from napari_unet.widgets.layers.arrays import labels_array, misfit, plane_shape
from napari_unet.widgets.layers.axes import planes
from napari_unet.widgets.layers.changes import LabelChanges
from napari_unet.widgets.layers.region_shapes import (
    draw_regions,
    find_layer,
    make_layer,
    read_regions,
    set_region_role,
    show_roles,
)
from napari_unet.widgets.qt.file_dialogs import open_file, save_file
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.job import Job, once
from napari_unet.widgets.qt.listen import Subscriptions, later
from napari_unet.widgets.qt.parts import (
    NarrowBox,
    WrappedLabel,
    button,
    in_column,
    in_row,
    menu_button,
)
from napari_unet.widgets.train.layer_pairs import Place

if TYPE_CHECKING:
    from napari.components import ViewerModel

# Counting takes a moment: it waits until a shape is drawn, or a stroke painted.
_DELAY_MS = 300
_PAINT_MS = 2000
_TOOLTIP = (
    'Draw boxes, polygons or ellipses on slices, in the layer "regions".\n'
    "train: only what lies inside is trained on, once there is one\n"
    "validation: never trained on; chooses the best model\n"
    "test: neither; kept for a score of your own at the end\n"
    "ignore: for nothing at all; wins over the others"
)
_SHRINK_TOOLTIP = (
    "Takes out of the validation regions what lies so near to training pixels that the "
    "score would be too good (a leak); what is given up is ignored."
)
_TYPES = "Regions (*.yaml *.yml *.json);;All files (*)"


class RegionsBox(QWidget):
    """A button to draw regions, their roles, and how many pixels they hold and leak.

    Signals
    -------
    valueChanged(object)
        The regions, whenever a shape or a role has changed.
    heldOutChanged(str)
        Slices to hold out as a whole instead of those before, when a leak of whole
        slices is shrunk away.

    Parameters
    ----------
    viewer
        The viewer that gets the Shapes layer.
    """

    valueChanged = Signal(object)  # noqa: N815 (Qt's own spelling)
    validationChanged = Signal(str)  # noqa: N815

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._place = Place()
        self._beside = PartLayers(self, viewer, kept=True)
        self._layer: Shapes | None = None
        self._job = Job(self, quiet=True)
        self._last: list[Region] = []
        self.draw_button = button("Regions", self._on_draw, _TOOLTIP)
        self.role = NarrowBox(*Role)
        self.role.setCurrentText(str(Role.VALIDATION))
        tip = "Save the regions for the command line (train --regions), or open them."
        self.menu_button, menu = menu_button("File", tip)
        to_save = "Save regions", "regions.yaml", _TYPES, self.save
        menu.addAction("Save regions ...", partial(save_file, self, *to_save))
        to_open = "Open regions", _TYPES, self.open
        menu.addAction("Open regions ...", partial(open_file, self, *to_open))
        self.status = WrappedLabel()
        self.shrink_button = button("Leave a gap", self._on_shrink, _SHRINK_TOOLTIP)
        self._timer = later(self, self._on_timer)
        self._lay_out()
        self.role.currentTextChanged.connect(self._on_role)
        events = viewer.layers.events
        Subscriptions(self, self._on_layers, events.inserted, events.removed)
        self._drawn = Subscriptions(self, self._on_shapes)
        self._edits = Subscriptions(self, self._on_edit)
        self._show(None)

    def value(self) -> list[Region]:
        """Return the regions that are drawn on the image, on the main thread."""
        return self._read()[0]

    def setValue(self, regions: Sequence[Region]) -> None:  # noqa: N802
        """Draw other regions; the layer is made where there is none."""
        image = self._place.image
        if image is None:
            raise InputError("Regions are drawn on an image: choose one first.")
        if self._layer is None and not regions:
            return
        layer = make_layer(self._viewer, image, Role(self.role.currentText()))
        draw_regions(layer, regions, image)
        self._beside.lay(layer)
        self._on_layers()

    def draw(self, role: Role) -> None:
        """Let the user draw boxes of a role."""
        self.role.setCurrentText(str(role))
        self._on_draw()

    @property
    def busy(self) -> bool:
        """Whether the words are about to change."""
        return self._timer.isActive() or self._job.running

    def follow(self, place: Place) -> None:
        """Take another image, other annotations, slices or another network."""
        if misfit(place.image):
            place = replace(place, image=None)
        self._place = place
        labels = place.annotations
        self._edits.replace([] if labels is None else [LabelChanges.of(labels).edited])
        self._on_layers()

    def _lay_out(self) -> None:
        self.role.setToolTip(_TOOLTIP)
        drawing = in_row(self.draw_button, self.menu_button, stretch=(1,))
        row = in_row(self.status, self.shrink_button, stretch=(1,))
        in_column(self, drawing, self.role, row)
        row.setAlignment(self.shrink_button, Qt.AlignmentFlag.AlignTop)

    def _read(self) -> tuple[list[Region], list[str]]:
        image = self._place.image
        if image is None:
            return [], []
        return read_regions(self._layer, image)

    # ------------------------------------------------------------------ the layer

    def _on_draw(self) -> None:
        image = self._place.image
        if image is None:
            return
        layer = make_layer(self._viewer, image, Role(self.role.currentText()))
        self._on_layers()
        self._viewer.layers.selection.active = layer
        layer.mode = "add_rectangle"

    def _on_role(self, text: str) -> None:
        if self._layer is not None:
            set_region_role(self._layer, Role(text))

    def _on_layers(self, _event: Any = None) -> None:
        """Follow the layer of the image, which may have come or gone."""
        image = self._place.image
        layer = None if image is None else find_layer(self._viewer, image)
        if layer is not self._layer:
            self._layer = layer
            if layer is not None:
                self._beside.add(layer)
            self._drawn.replace(_shape_events(layer))
        self._enable()
        self._on_shapes()

    def _on_shapes(self, _event: Any = None) -> None:
        # Not read now: data and features of a layer change one after the other.
        self._timer.start(_DELAY_MS)

    def _on_timer(self) -> None:
        if self._layer is not None:
            show_roles(self._layer)
        value = self.value()
        if value != self._last:
            self._last = value
            self.valueChanged.emit(value)
        self._count()

    def _on_edit(self, _labels: Labels) -> None:
        # Not started again while it runs: painting without a rest would put it off.
        if not self._timer.isActive():
            self._timer.start(_PAINT_MS)

    def _enable(self) -> None:
        missing = "" if self._place.image is not None else "There is no image layer."
        for part in (self.draw_button, self.menu_button, self.role):
            explain(part, missing)

    # ------------------------------------------------------------ numbers and leak

    def _snapshot(self) -> RegionCount | None:
        """Copy what the numbers come from, on the main thread."""
        place = self._place
        if place.image is None or place.annotations is None:
            return None
        if misfit(place.annotations):
            return None
        if isinstance(planes(place.annotations), PaintedSlices):
            # Of a volume, all pixels would have to be counted.
            return None
        labels = labels_array(place.annotations)
        *depth, height, width = plane_shape(place.image)
        if labels.shape != (depth[0] if depth else 1, height, width):
            return None
        reach = seen_around(place.network)
        return RegionCount(
            self.value(),
            place.validation,
            labels,
            place.kind,
            reach,
            place.coverage,
        )

    def _count(self) -> None:
        """Count on a thread; again when something has changed meanwhile."""
        if not self.isEnabled():
            # The dock trains, and counts again afterwards.
            return
        if self._job.running:
            self._timer.start(_DELAY_MS)
            return
        snapshot = self._snapshot()
        if snapshot is None:
            self._show(None)
            return
        self._job.start(
            "Counting pixels of regions", once(snapshot.count), on_done=self._show
        )

    def _on_shrink(self) -> None:
        snapshot = self._snapshot()
        if snapshot is not None and not self._job.running:
            self._job.start(
                "Leaving a gap around validation regions",
                once(snapshot.shrink),
                on_done=self._shrunk,
            )

    def _show(self, counted: Counted | None) -> None:
        notes = self._read()[1]
        words = "" if counted is None else counted.words
        leak = None if counted is None else counted.leak
        self.status.setText("\n".join([part for part in (words, *notes) if part]))
        self.status.setToolTip("" if leak is None else leak.words)
        self.shrink_button.setVisible(leak is not None and leak.pixels > 0)

    def _shrunk(self, result: tuple[list[Region], str] | str) -> None:
        if isinstance(result, str):
            self.status.setText(result)
            return
        drawn, validation = result
        if validation:
            self._place = replace(self._place, validation=validation)
            self.validationChanged.emit(validation)
        self.setValue(drawn)
        self._timer.start(_DELAY_MS)

    # ----------------------------------------------------------------------- files

    def save(self, path: Path) -> None:
        """Write the regions, and the slices held out, for the command line."""
        validation, regions = self._place.validation, self.value()
        if validation not in ("", NO_SLICE):
            regions.append(Region(role=Role.VALIDATION, slices=validation))
        with telling(self._tell):
            files.write_regions(path, regions)

    def open(self, path: Path) -> None:
        """Draw the regions of a file, whole slices as boxes."""
        with telling(self._tell):
            self.setValue(files.read_regions(path))

    def _tell(self, sentence: str) -> None:
        """Say what is wrong until something changes."""
        self.status.setText(sentence)
        self._timer.stop()


def _shape_events(layer: Shapes | None) -> tuple[Any, ...]:
    return () if layer is None else (layer.events.data, layer.events.features)
