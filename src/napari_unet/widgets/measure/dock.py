"""Measure: size, shape and grey values of each object, as a table that leads there."""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtWidgets import QCheckBox

from napari_unet.config import AnnotationKind
from napari_unet.data.stack import Stack
from napari_unet.errors import telling
from napari_unet.measure.measuring import MeasureSource, measure_steps
from napari_unet.measure.numbered import number_objects
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.choose.part_layers import PartLayers
from napari_unet.widgets.layers.annotations import class_names, names_by_class
from napari_unet.widgets.layers.arrays import (
    image_stack,
    labels_array,
    misfit,
    plane_shape,
    unit_of,
)
from napari_unet.widgets.layers.go_to import go_to
from napari_unet.widgets.layers.marks import NUMBERED, PREDICTED
from napari_unet.widgets.layers.object_features import add_measures
from napari_unet.widgets.layers.pixel_sizes import calibration_of
from napari_unet.widgets.layers.places import lies_on, pixel_size
from napari_unet.widgets.layers.roles import Role
from napari_unet.widgets.measure.object_table import (
    ObjectTable,
    shown_number,
    shown_unit,
)
from napari_unet.widgets.measure.size_plot import SizePlot
from napari_unet.widgets.qt.file_dialogs import save_file
from napari_unet.widgets.qt.panel import Panel
from napari_unet.widgets.qt.parts import NarrowBox, button, in_row, present

if TYPE_CHECKING:
    import napari

    from napari_unet.measure.object_measures import ObjectMeasures

_MARK = "measured object"
_SIDE = 64.0
"""Height and width in pixels that the canvas shows around an object at least."""
_KINDS = {
    "seen from the labels": None,
    "one object": AnnotationKind.OBJECTS,
    "a class; what touches is one object": AnnotationKind.CLASSES,
}
_PLOTTED = (
    *("area", "volume", "circularity", "sphericity", "equivalent_diameter", "feret"),
    *("orientation", "mean_grey", "nearest", "to_other"),
)


class MeasureWidget(Panel):
    """Measures the objects of a labels layer.

    Parameters
    ----------
    napari_viewer
        The viewer with the labels.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, "Measure", "Stop")
        roles = (Role.PREDICTION, Role.TRUTH, Role.ANNOTATIONS)
        self.labels = LayerBox(napari_viewer, Labels, *roles)
        self.image = LayerBox(napari_viewer, Image, Role.IMAGE)
        self.kind = NarrowBox()
        for title, kind in _KINDS.items():
            self.kind.addItem(title, kind)
        self.distances = QCheckBox("Neighbours and distances")
        self.distances.setToolTip(
            "How far the nearest object is; takes most of the time."
        )
        self.distances.setChecked(True)
        self.add_row("Labels", self.labels, "The objects that are measured.")
        self.add_row("Each number is", self.kind, "What the values of the labels mean.")
        self.add_row("Image", self.image, "Its grey values are measured inside them.")
        self.form.addRow(self.distances)
        self.table, self.plot = ObjectTable(), SizePlot()
        self.table.clicked.connect(lambda index: self._go_to(self.table.chosen()))
        self.plotted = NarrowBox()
        self.plotted.currentIndexChanged.connect(self._plot)
        self.save_button = button("Save table ...", self._ask_where)
        self.found: ObjectMeasures | None = None
        self._notes: tuple[str, ...] = ()
        self._beside = PartLayers(self, napari_viewer)
        self.finish_layout(self.table, self.plotted, self.plot)
        self.box.insertLayout(self.box.indexOf(self.plotted), in_row(self.save_button))
        self.labels.valueChanged.connect(self.refresh)
        self.image.valueChanged.connect(self.refresh)
        self._show(None)

    def why_not(self) -> str:
        """Return what is missing."""
        if self.labels.value() is None:
            return "There are no labels to measure: predict, or open some."
        return misfit(self.labels.value())

    def run(self) -> None:
        """Measure on a thread."""
        layer, image = self.labels.value(), self.image.value()
        calibration = calibration_of(layer)
        labels = labels_array(layer)
        stack = Stack(
            *(
                labels,
                "ZYX",
                (1.0, *pixel_size(layer))[-3:],
                unit_of(layer),
                layer.name,
            ),
            unknown_axes=calibration.unknown_axes("ZYX"),
        )
        grey, self._notes = None, ()
        if image is not None and lies_on(image, layer):
            whole = image_stack(image)
            stack, grey = stack.picture_like(whole), whole.picture
        elif image is not None:
            apart = f"{image.name} does not lie on {layer.name}: no grey values"
            self._notes = (apart,)
        self._measuring = layer, stack.zyx_size
        predicted = layer.metadata.get(PREDICTED)
        kind = self.kind.currentData() or self._kind(layer)
        distances = self.distances.isChecked()
        names = names_by_class(layer, kind)
        ignore = self.workspace.meaning_of(layer)[1].ignore
        work = partial(_measure, stack, kind, ignore, grey, names, distances, predicted)
        self.start("Measuring objects", work)

    def on_step(self, item: tuple[int, int]) -> None:
        """Show how many objects are measured, and the time left."""
        done, total = item
        share = done / max(1, total)
        left = self.job.left(share)
        self.show_progress(share, f"{left}: object {done:,} of {total:,}".lstrip(": "))

    def on_done(self, result: ObjectMeasures | None) -> None:
        """Show the table, and give the layer the measures as features."""
        if result is None:
            self.show_progress(0.0, "Stopped: nothing was measured.")
            return
        # Until now the table is that of what was measured before.
        self._of, self._size = self._measuring
        self._show(result)
        numbers = result.values["object"]
        # Hovering over an object shows what it has, where a number is one object.
        single = "class" not in result.values and len(np.unique(numbers)) == len(
            numbers
        )
        if single and not class_names(self._of):
            columns = {result.header(name): one for name, one in result.values.items()}
            add_measures(self._of, numbers, columns)
        headline = f"{len(result):,} objects measured"
        self.show_progress(1.0, headline)
        notes = "\n".join([*result.notes, *self._notes])
        self.status.say(headline, _totals(result), details=notes)

    def save(self, path: Path) -> None:
        """Write the table as a CSV file."""
        with telling(self.show_failure):
            present(self.found).save_csv(path)
            self.status.say(f"Wrote {path.name}", str(path.parent))

    def _kind(self, layer: Labels) -> AnnotationKind | None:
        """Return what the values of labels mean, where that is known."""
        if layer.metadata.get(NUMBERED):
            return AnnotationKind.OBJECTS
        kind, _ = self.workspace.meaning_of(layer)
        # Of our brushes, the first paints background.
        return kind or (AnnotationKind.SCRIBBLES if class_names(layer) else None)

    def _ask_where(self) -> None:
        name = f"{self._of.name}.csv"
        save_file(self, "Save the table", name, "CSV (*.csv)", self.save)

    def _show(self, found: ObjectMeasures | None) -> None:
        self.found = found
        for part in (self.table, self.plotted, self.plot, self.save_button):
            part.setVisible(found is not None)
        if found is None:
            return
        self.table.show_measures(found)
        self.plotted.blockSignals(True)
        before = max(0, self.plotted.currentIndex())
        self.plotted.clear()
        for by_slice in (False, True)[: 1 + ("slice" in found.values)]:
            for name in found.values:
                if name in _PLOTTED:
                    title = found.title(name).capitalize()
                    words = f"{title}, slice by slice" if by_slice else title
                    self.plotted.addItem(words, (name, by_slice))
        self.plotted.setCurrentIndex(min(before, self.plotted.count() - 1))
        self.plotted.blockSignals(False)
        self._plot()

    def _plot(self, *_index: Any) -> None:
        if self.found is not None and self.plotted.currentData() is not None:
            self.plot.show_measure(self.found, *self.plotted.currentData())

    def _go_to(self, row: int | None) -> None:
        if row is None or self.found is None or self._of not in self.viewer.layers:
            return
        values, size = self.found.values, np.array(self._size)
        z = values["slice"][row] if "slice" in values else values["z"][row] / size[0]
        centre = [
            float(z),
            *(values[axis][row] / size[1 + n] for n, axis in enumerate("yx")),
        ]
        side = float(values["feret"][row] / size[1:].min()) + 4
        if len(plane_shape(self._of)) < 3:
            del centre[0]
        box = go_to(self.viewer, self._of, centre, (side, side), _MARK, seen=_SIDE)
        self._beside.add(box)


def _measure(
    labels: Stack,
    kind: AnnotationKind | None,
    ignore: int | str | None,
    image: Stack | None,
    names: tuple[str, ...],
    distances: bool,
    predicted: Collection[int] | None,
    stop: Event,
) -> Generator[tuple[int, int], None, ObjectMeasures | None]:
    """Measure objects as `measure_steps` does; a kind of None is guessed.

    Shares are those of the slices that are `predicted`, or hold anything; None for all.
    """
    yield 0, 1
    values = np.asarray(labels.data)
    objects = number_objects(values, kind, ignore=ignore)
    source = MeasureSource(
        objects,
        None if image is None else np.asarray(image.as_czyx()),
        labels.size_for(objects.ndim),
        labels.unit,
        distances=distances,
        class_names=names,
    )
    found = yield from measure_steps(source, stop)
    if found is None or predicted is None:
        return found
    depth = len(values)
    known = sum(z in predicted or bool(one.any()) for z, one in enumerate(values))
    if known == depth:
        return found
    note = f"{known} of {depth} slices are predicted: shares are those of these alone"
    measured, notes = found.measured * known / depth, (*found.notes, note)
    return replace(found, measured=measured, notes=notes)


def _totals(found: ObjectMeasures) -> str:
    """Return what the classes add up to, one after the other."""
    size = found.column(found.size)
    unit = shown_unit(size.unit_in(found.unit))
    return "; ".join(
        f"{one.name}: {one.count:,}, {one.fraction:.1%} of the image, "
        f"mean {shown_number(one.mean)} {unit}"
        for one in found.totals()
    )
