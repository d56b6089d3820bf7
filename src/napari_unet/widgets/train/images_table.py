"""The table of a training set: images with annotations, from layers and from files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QSizePolicy, QWidget

from napari_unet.config import Coverage, TrainConfig
from napari_unet.train.cost import Extent
from napari_unet.train.one_size import PixelSize
from napari_unet.train.pairs import (
    PairCount,
    Part,
    count_each,
    long_counts,
    short_counts,
)
from napari_unet.widgets.layers.arrays import image_stack
from napari_unet.widgets.layers.changes import LabelChanges
from napari_unet.widgets.layers.places import shape_in_space
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.file_dialogs import open_image
from napari_unet.widgets.qt.job import Job
from napari_unet.widgets.qt.listen import Subscriptions, later
from napari_unet.widgets.qt.parts import WrappedLabel, button, in_column, in_row, steady
from napari_unet.widgets.qt.rows_table import Column, RowsTable
from napari_unet.widgets.train.layer_pairs import (
    Place,
    TrainingPair,
    counting,
    find_pairs,
)
from napari_unet.words import sides

if TYPE_CHECKING:
    from napari.components import ViewerModel

_PAINT_MS = 2000
_ROWS_SHOWN = 4
_ROLE_WIDTH = 100
_RESCALE = f'"{TrainConfig.model_fields["rescale"].title}", under More, makes them one.'
_ROLE_TOOLTIP = (
    "automatic: regions and held-out slices decide\n"
    "train: all that is annotated is trained on\n"
    "validation: the whole image is held out, to choose the best model"
)


@dataclass(eq=False)
class _Row:
    """A pair as the table shows it; `use` None: as the dock has it chosen."""

    pair: TrainingPair
    shape: tuple[int, ...]
    size: PixelSize | None = None
    use: bool | None = None
    pixels: tuple[int, ...] | None = None
    slices: int = 0

    @property
    def is_file(self) -> bool:
        return isinstance(self.pair.image, Path)


class ImagesTable(QWidget):
    """Which images a network is trained on; any can be left out for a while.

    Lists the labels layers that lie on an image of the viewer, and pairs of files.
    At first only the image and the annotations that `follow` was told of are used.

    Signals
    -------
    valueChanged()
        What `value` returns has changed.
    counted()
        What `extents` returns has changed.

    Parameters
    ----------
    viewer
        The viewer with the layers.
    """

    valueChanged = Signal()  # noqa: N815 (Qt's own spelling)
    counted = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._workspace = Workspace.of(viewer)
        self._place = Place()
        self._rows: list[_Row] = []
        self._stale: list[_Row] = []
        self._job = Job(self, quiet=True)
        self.table = self._table()
        self.add_button = button("Add files ...", self._on_add)
        self.remove_button = button("Remove", self._on_remove)
        self.status = WrappedLabel(hides=True)
        self.sizes = WrappedLabel(hides=True)
        self._timer = later(self, self._count)
        buttons = in_row(self.add_button, self.remove_button, stretch=(1, 1))
        in_column(self, self.table, buttons, self.sizes, self.status)
        self.table.chosenChanged.connect(self._enable)
        self.valueChanged.connect(self._tell_sizes)
        events = viewer.layers.events
        changes = (events.inserted, events.removed, events.renamed)
        Subscriptions(self, self._on_layers, *changes)
        self._edits = Subscriptions(self, self._on_edit)
        self._on_layers()

    def value(self) -> list[TrainingPair]:
        """Return the pairs that are used, in the order of the table."""
        return [row.pair for row in self._rows if self._is_used(row)]

    def extents(self) -> list[Extent]:
        """Return how much there is to train on of the pairs that are used."""
        used = [row for row in self._rows if self._is_used(row)]
        return [Extent(row.shape, row.slices, sum(row.pixels or ())) for row in used]

    def lists(self, image: Image, labels: Labels) -> bool:
        """Return whether two layers are a pair of the table, used or not."""
        return any((r.pair.image, r.pair.labels) == (image, labels) for r in self._rows)

    def follow(self, place: Place) -> None:
        """Take what is chosen in the dock; it is used unless the user unticks it."""
        before, self._place = self._place, place
        self._on_layers()
        if (place.kind, place.coverage) != (before.kind, before.coverage):
            self._recount([row for row in self._rows if self._is_chosen(row)])

    def add_files(self, image: Path, labels: Path) -> None:
        """List a pair of files, used at once; they are read on a thread."""
        pair = TrainingPair(image.stem, image, labels)
        self._rows.append(_Row(pair, (), use=True))
        self._changed()
        self._recount(self._rows[-1:])

    @property
    def busy(self) -> bool:
        """Whether pixels are still to be counted."""
        return self._timer.isActive() or self._job.running

    def _is_chosen(self, row: _Row) -> bool:
        return (row.pair.image, row.pair.labels) == self._place.pair

    def _is_used(self, row: _Row) -> bool:
        return self._is_chosen(row) if row.use is None else row.use

    # ---------------------------------------------------------------------- the rows

    def _on_layers(self, _event: Any = None) -> None:
        """List the layers anew; what the user set for a pair stays."""
        before = {(one.pair.image, one.pair.labels): one for one in self._rows}
        rows = []
        for pair in find_pairs(self._viewer, self._place.pair):
            if pair.labels in (self._workspace.truth, self._workspace.prediction):
                continue
            key = (pair.image, pair.labels)
            row = before.get(key) or _Row(pair, shape_in_space(pair.image))
            row.size = PixelSize.of(image_stack(pair.image))
            kind, coverage = None, Coverage()
            if key == self._place.pair:
                kind, coverage = self._place.kind, self._place.coverage
            row.pair = replace(row.pair, name=pair.name, kind=kind, coverage=coverage)
            rows.append(row)
        rows.sort(key=self._is_chosen, reverse=True)
        new = [row for row in rows if row.pixels is None]
        self._rows = rows + [row for row in self._rows if row.is_file]
        layers: list[Any] = [row.pair.labels for row in rows]
        self._edits.replace(LabelChanges.of(layer).edited for layer in layers)
        self._changed()
        self._recount(new)

    def _on_edit(self, labels: Labels) -> None:
        edited = [row for row in self._rows if row.pair.labels == labels]
        self._stale.extend(row for row in edited if row not in self._stale)
        if not self._timer.isActive():
            self._timer.start(_PAINT_MS)

    def _changed(self) -> None:
        self._show()
        self.valueChanged.emit()

    def _on_tick(self, row: _Row, used: bool) -> None:
        row.use = used
        self.valueChanged.emit()

    def _on_role(self, row: _Row, text: str) -> None:
        row.pair = replace(row.pair, part=Part(text))
        self.valueChanged.emit()

    def _on_add(self) -> None:
        open_image(self, "Choose an image", self._on_image)

    def _on_image(self, image: Path) -> None:
        add = partial(self.add_files, image)
        open_image(self, "Choose its annotations", add)

    def _on_remove(self) -> None:
        self._rows.remove(self.table.chosen())
        self._changed()

    # ------------------------------------------------------------------------ counting

    def _recount(self, rows: list[_Row]) -> None:
        self._stale.extend(row for row in rows if row not in self._stale)
        if self._stale:
            self._timer.start(0)

    def _count(self) -> None:
        """Count the pixels of rows that have changed, on a thread."""
        if not self.isEnabled():
            # The dock trains, and counts again afterwards.
            return
        rows = [row for row in self._stale if row in self._rows]
        if self._job.running:
            self._timer.start(_PAINT_MS)
            return
        self._stale = []
        if not rows:
            return
        work = [counting(row.pair) for row in rows]
        self._job.start(
            "Counting annotated pixels",
            lambda stop: count_each(work, stop),
            on_step=lambda item: self._counted(rows[item[0]], item[1]),
        )

    def _counted(self, row: _Row, result: PairCount) -> None:
        if row not in self._rows:
            return
        self.status.setText(result.error)
        row.pixels, row.slices = result.pixels, result.slices
        if row.is_file and result.error:
            # What cannot be read, or is no pair, is no training set.
            self._rows.remove(row)
            self._changed()
            return
        row.shape = result.shape or row.shape
        row.size = result.size or row.size
        self._show()
        self.counted.emit()

    # ------------------------------------------------------------------------- drawing

    def _table(self) -> RowsTable:
        table = RowsTable(
            Column(
                "",
                tip=lambda _row: "Untick to leave this image out.",
                ticked=self._is_used,
                tick=self._on_tick,
            ),
            # In a narrow dock, a column of its own for the size would cut the names.
            Column(
                "Image",
                lambda row: f"{self._title(row)}\n{sides(row.shape)}",
                tip=_where,
                left=True,
                stretch=True,
            ),
            Column(
                "Pixels",
                lambda row: short_counts(row.pixels),
                tip=lambda row: long_counts(row.pixels),
            ),
            Column("Role", left=True, width=_ROLE_WIDTH, widget=self._role_box),
            sorted_by=None,
        )
        table.setWordWrap(False)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        table.headers[0].setMinimumSectionSize(24)
        return table

    def _show(self) -> None:
        self.table.show_rows(self._rows)
        self.table.resizeRowsToContents()
        heights = [self.table.rowHeight(i) for i in range(self.table.count())]
        shown = sum(heights[:_ROWS_SHOWN]) or 30
        self.table.setFixedHeight(shown + self.table.headers[0].height() + 6)
        self._tell_sizes()

    def _tell_sizes(self) -> None:
        """Tell where images that are used have pixels of another size."""
        used = [row for row in self._rows if self._is_used(row) and row.size]
        first, words = used[0].size if used else None, []
        ndim = self._place.network.ndim
        for row in used[1:]:
            if first and row.size and first.growth(row.size, ndim):
                words.append(f"{row.pair.name}: {first.words(row.size, ndim)}.")
        if words:
            words.append(_RESCALE)
        self.sizes.setText("\n".join(words))

    def _role_box(self, row: _Row) -> QComboBox:
        box = steady(QComboBox())
        box.addItems([str(part) for part in Part])
        box.setCurrentText(str(row.pair.part))
        box.setToolTip(_ROLE_TOOLTIP)
        # napari's padding would take the room of the names.
        box.setStyleSheet("QComboBox {padding: 1px 2px}")
        box.currentTextChanged.connect(lambda text: self._on_role(row, text))
        return box

    def _title(self, row: _Row) -> str:
        """Name a row by its image; by its labels too where an image has several."""
        same = [one for one in self._rows if one.pair.image == row.pair.image]
        if len(same) == 1 or isinstance(row.pair.labels, Path):
            return row.pair.name
        return f"{row.pair.name}: {row.pair.labels.name}"

    def _enable(self) -> None:
        row = self.table.chosen()
        removable = row is not None and row.is_file
        self.remove_button.setEnabled(removable)
        tip = "" if removable else "Layers are left out by their tick; files go here."
        self.remove_button.setToolTip(tip)


def _where(row: _Row) -> str:
    image, labels = row.pair.image, row.pair.labels
    where = image if isinstance(image, Path) else row.pair.name
    made_on = labels if isinstance(labels, Path) else labels.name
    axes = " (slices x Y x X)" if len(row.shape) == 3 else ""
    return f"{where}\nannotations: {made_on}\n{sides(row.shape)}{axes}"
