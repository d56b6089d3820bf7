"""What a network is trained on, as widgets: layers, files, regions and roles."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import QObject
from qtpy.QtWidgets import QCheckBox, QFormLayout, QLabel, QLineEdit, QWidget

from napari_unet.config import (
    AnnotationKind,
    Coverage,
    ImageConfig,
    NetworkConfig,
    Role,
    UNetConfig,
)
from napari_unet.config.needs import RUNS
from napari_unet.data.doubts import TRUST, check_looks, check_names, doubt_kind
from napari_unet.data.sparse_target import guess_sparse
from napari_unet.errors import InputError
from napari_unet.train.pairs import Part
from napari_unet.train.training_source import TrainingSource
from napari_unet.widgets.choose.annotation_button import AnnotationButton
from napari_unet.widgets.choose.class_swatches import ClassSwatches
from napari_unet.widgets.choose.copy_offer import CopyOffer
from napari_unet.widgets.choose.coverage_box import CoverageBox
from napari_unet.widgets.choose.shared_layers import SharedLayers
from napari_unet.widgets.layers.annotations import class_names, names_of_kind
from napari_unet.widgets.layers.arrays import image_stack, misfit, painted_planes
from napari_unet.widgets.layers.axes import planes
from napari_unet.widgets.layers.editable import why_fixed
from napari_unet.widgets.layers.looks import source_of
from napari_unet.widgets.layers.region_shapes import find_layer, read_regions
from napari_unet.widgets.qt.fold import Fold
from napari_unet.widgets.qt.form import explain
from napari_unet.widgets.qt.listen import later
from napari_unet.widgets.qt.parts import WarningLabel, in_row, present
from napari_unet.widgets.train.images_table import ImagesTable
from napari_unet.widgets.train.layer_pairs import Place, TrainingPair
from napari_unet.widgets.train.live_preview import LivePreview
from napari_unet.widgets.train.painted_kind import PaintedKind
from napari_unet.widgets.train.regions_box import RegionsBox

if TYPE_CHECKING:
    from napari_unet.config import Region
    from napari_unet.widgets.qt.panel import Panel

_PAINT_MS = 1000
_WHOLE = (AnnotationKind.CLASSES, AnnotationKind.OBJECTS)
_NO_BOX = "Draw a box around what you painted in full: drag on the image."
_BOXES_TOO = (
    "Boxes for training are drawn: nothing outside of them is learnt. Choose them "
    "above, or remove them from the layer regions."
)


class TrainingSet(QObject):
    """The rows of a dock in which the training set is chosen.

    Parameters
    ----------
    panel
        The dock, whose workspace shares image, annotations and their kind.
    shared
        The choice of image and annotations, where it is at work already.

    Attributes
    ----------
    image, annotations, new_button, kind, coverage, classes, validation, regions, images
        Widgets of the rows.
    trust
        Train although the labels are doubtful; shown once they are doubted.
    """

    def __init__(self, panel: Panel, shared: SharedLayers | None = None) -> None:
        super().__init__(panel)
        self._panel = panel
        self.workspace = panel.workspace
        self._shared = shared or SharedLayers(panel.viewer, panel)
        self.image, self.annotations = self._shared.image, self._shared.annotations
        self.new_button = AnnotationButton(panel.viewer, self.image)
        still = "Train takes it as it is; live training and Send do not."
        self.copy_offer = CopyOffer(panel.viewer, self.annotations, still)
        self.kind, self.doubt = PaintedKind(), WarningLabel()
        self.coverage = CoverageBox(self.annotations, self.kind)
        self.trust = QCheckBox(ImageConfig.model_fields["trust_labels"].title or "")
        self.trust.hide()
        self.classes = ClassSwatches(panel.viewer)
        self.validation = QLineEdit()
        self.validation.setPlaceholderText("the last fifth; live: nothing")
        self.regions = RegionsBox(panel.viewer)
        self.images = ImagesTable(panel.viewer)
        self._network: NetworkConfig = UNetConfig()
        self._boxes = self._complete = ""
        self._question_timer = later(self, self._question, _PAINT_MS)
        self._connect()

    def why_not(self) -> str:
        """Return what is missing."""
        reason = self._why_not()
        if not reason and self.annotations.value() is None:
            return "There are no annotations: load some, or make a layer with +."
        return reason

    def why_not_live(self) -> str:
        """Return what is missing for live training, which makes its annotations."""
        return self._why_not() or why_fixed(self.annotations.value())

    def _why_not(self) -> str:
        if self.image.value() is None:
            return "There is no image layer: load one first."
        missing = _NO_BOX if self.kind.in_boxes and not self._boxes else ""
        return misfit(self.image.value()) or misfit(self.annotations.value()) or missing

    def chosen_kind(self) -> AnnotationKind:
        """Return what the annotations mean: as chosen, or else guessed."""
        self._shared.share()
        self.coverage.guess()
        guess = None if self.kind.guess is None else self.kind.guess.kind
        # An empty layer has nothing to guess from.
        return self.kind.value() or guess or AnnotationKind.SCRIBBLES

    def chosen_coverage(self) -> Coverage:
        """Return which pixels of the annotations say anything, without a guess."""
        return self.kind.settle(self.coverage.value())

    def names(self, kind: AnnotationKind) -> tuple[str, ...]:
        """Return the names of the classes for a model; () where they have none."""
        layer = self.annotations.value()
        return () if layer is None else names_of_kind(layer, kind)

    def check_live(self) -> None:
        """Question what is chosen before a network learns it live.

        Raises
        ------
        InputError
            When another dock trains on the image, or the annotations do not look like
            any and are not trusted.
        """
        image, annotations = self.image.value(), self.annotations.value()
        LivePreview.check_free(image)
        if annotations is not None and not self.trust.isChecked():
            check_looks(image_stack(image), planes(annotations))

    def offer_trust(self, sentence: str) -> None:
        """Offer to go on where a sentence says that labels are doubted."""
        if TRUST in sentence:
            self.trust.show()

    def sources(self) -> list[TrainingSource]:
        """Copy every image that is used, with its annotations; on the main thread.

        Raises
        ------
        InputError
            When nothing is painted, no image is used, or another dock trains on it.
        """
        image, annotations = self.image.value(), self.annotations.value()
        if self.trains_on_chosen():
            LivePreview.check_free(image)
        chosen = TrainingPair(
            image.name,
            image,
            annotations,
            kind=self.kind.value(),
            coverage=self.coverage.value(),
        )
        pairs = self.images.value()
        if not self.images.lists(image, annotations):
            # They do not lie on each other; training says why.
            pairs = [chosen, *pairs]
        if not pairs:
            raise InputError("No image is ticked to train on: tick one under Images.")
        for pair in pairs:
            self._check(pair)
        self.coverage.guess()
        self._shared.share()
        return [self._source(pair) for pair in pairs]

    def trains_on_chosen(self) -> bool:
        """Return whether the first of the sources is what is chosen in the dock."""
        first = self.images.value()[:1]
        image, annotations = self.image.value(), self.annotations.value()
        listed = self.images.lists(image, annotations)
        return not listed or any(p.image == image for p in first)

    def follow(self, network: NetworkConfig) -> None:
        """Take another network: how far it sees decides what leaks."""
        self._network = network
        self._on_place()

    def set_busy(self, busy: bool) -> None:
        """Leave everything but the classes alone while a training runs."""
        data = self.image, self.annotations, self.new_button, self.images, self.regions
        meaning = self.kind, self.coverage, self.trust, self.validation
        for part in (*data, *meaning):
            explain(part, RUNS if busy else "")
        if not busy:
            self._on_place()

    def add_rows(self) -> None:
        """Add to the form of the dock what is looked at first."""
        add, form = self._panel.add_row, self._panel.form
        add("Image", self.image)
        annotations = QWidget()
        in_row(self.annotations, self.new_button, of=annotations, stretch=(1,))
        add("Annotations", annotations)
        form.addRow(self._shared.warning)
        form.addRow(self.copy_offer)
        form.addRow(self.classes)
        question = QLabel("What did you paint?")
        question.setToolTip(self.kind.tip)
        # An answer is read in full, which needs the width of the dock.
        for row in (question, self.kind, self.doubt):
            form.addRow(row)
        form.addRow(self.trust)

    def add_settings(self, form: QFormLayout) -> None:
        """Add the rows of the settings, last what scores the network."""
        add = partial(self._panel.add_row, form=form)
        add("Ignore", self.coverage)
        add(
            "Hold out",
            self.validation,
            "Slices as start:stop, counted from 0. They are never trained on; the "
            "model that scores best on them is kept. Left empty, Train holds out the "
            "last fifth of the annotated slices, and live training nothing.",
        )
        add("Regions", self.regions)
        form.addRow(Fold("Images", self.images))

    def _check(self, pair: TrainingPair) -> None:
        image, labels = pair.image, pair.labels
        if isinstance(image, Path) or isinstance(labels, Path):
            return
        if not self.trust.isChecked():
            check_names(source_of(image), source_of(labels))
        if not pair.coverage.complete and not np.any(painted_planes(labels)):
            raise InputError(
                f"The layer {labels.name} holds no labels: paint at least one "
                "object or scribble."
            )

    def _source(self, pair: TrainingPair) -> TrainingSource:
        chosen = self.image.value(), self.annotations.value()
        source = replace(
            pair.source(),
            regions=tuple(self._regions(pair)),
            trust=self.trust.isChecked(),
        )
        if (pair.image, pair.labels) == chosen and pair.part is Part.AUTOMATIC:
            validation = self.validation.text().strip() or None
            source = replace(source, validation=validation)
        if isinstance(pair.labels, Path) or isinstance(source.labels, Path):
            return source
        kind = pair.kind or guess_sparse(source.labels, pair.coverage).kind
        return replace(source, class_names=names_of_kind(pair.labels, kind))

    def _regions(self, pair: TrainingPair) -> list[Region]:
        image = pair.image
        if not isinstance(image, Image):
            return []
        layer = find_layer(self._panel.viewer, image)
        return read_regions(layer, image)[0]

    def _connect(self) -> None:
        self.kind.setValue(self.workspace.kind)
        self.coverage.setValue(self.workspace.coverage)
        self._panel.listen(self.workspace.events.kind, self.kind.setValue)
        self._panel.listen(self.workspace.events.coverage, self.coverage.setValue)
        for box in (self.image, self.annotations):
            box.valueChanged.connect(self._panel.refresh)
            box.valueChanged.connect(self._on_place)
        self.annotations.valueChanged.connect(self._on_annotations)
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.coverage.valueChanged.connect(self._on_coverage)
        self.kind.currentIndexChanged.connect(self._on_place)
        self.validation.textChanged.connect(self._on_place)
        self.regions.validationChanged.connect(self.validation.setText)
        self.regions.valueChanged.connect(self._on_regions)
        self._panel.listen(self.workspace.events.painted, self._on_painted)
        self.copy_offer.made.connect(self._on_copy)
        self._on_place()

    def _on_annotations(self, _layer: Labels | None) -> None:
        self._show_doubt()
        self.trust.setChecked(False)
        self.trust.hide()

    def _on_copy(self, layer: Labels) -> None:
        self.workspace.annotations = layer

    def _on_kind(self, _index: int) -> None:
        if self.kind.in_boxes and not self._boxes:
            self.regions.draw(Role.TRAIN)
        self._settle_boxes()
        self._panel.refresh()

    def _share_kind(self) -> None:
        kind = self.kind.value()
        if kind != self.workspace.kind:
            # It was chosen for the layer that is shown.
            self._shared.share()
            self.workspace.kind = kind

    def _on_regions(self, regions: list[Region]) -> None:
        """Take the boxes that train for what was painted in full, or not any more."""
        before, kind = self._boxes, self.kind.value()
        slices = {one.slices for one in regions if one.role is Role.TRAIN}
        self._boxes = ",".join(sorted(filter(None, slices), key=int))
        if self._boxes and not before and kind in _WHOLE:
            self.kind.inside = present(kind)
            self.kind.choose_boxes()
        self._settle_boxes()
        self._panel.refresh()

    def _settle_boxes(self) -> None:
        """Let kind and complete slices follow what is painted in boxes."""
        in_boxes, before, now = (
            self.kind.in_boxes,
            self._complete,
            self.coverage.value(),
        )
        self._complete = self._boxes if in_boxes else ""
        if in_boxes:
            self.kind.inside = self._kind_inside()
        self._share_kind()
        complete = self._complete or None
        if (in_boxes or before) and now.complete != complete:
            self.coverage.setValue(Coverage(ignore=now.ignore, complete=complete))
        self._show_doubt()

    def _kind_inside(self) -> AnnotationKind:
        """Return what values mean where nothing is left out."""
        if self._background_is_painted:
            return AnnotationKind.SCRIBBLES
        guess = self.kind.guess
        objects = guess is not None and guess.kind is AnnotationKind.OBJECTS
        return AnnotationKind.OBJECTS if objects else AnnotationKind.CLASSES

    @property
    def _background_is_painted(self) -> bool:
        return self._named and any(self.workspace.painted[:1])

    @property
    def _named(self) -> bool:
        """Whether values have the names of our brushes, background first."""
        return bool(class_names(self.annotations.value()))

    def _on_painted(self, _painted: Any = None) -> None:
        # Of strokes with the brushes of this program there is no doubt.
        strokes = self.kind.value() is AnnotationKind.SCRIBBLES
        plain = strokes and self._named and not self.kind.in_boxes
        if not (plain or self._panel.running):
            self._question_timer.start()

    def _question(self) -> None:
        """Look anew at what was painted."""
        self.coverage.guess()
        self._settle_boxes()

    def _show_doubt(self) -> None:
        """Say where the kind is doubtful for what was painted."""
        kind, guess = self.kind.value(), self.kind.guess
        background = self._background_is_painted
        words = doubt_kind(kind, guess, named=self._named, background=background)
        if self.kind.in_boxes:
            words = ""
        elif self._boxes and kind in _WHOLE:
            words = _BOXES_TOO
        self.doubt.setText(words)

    def _on_coverage(self) -> None:
        coverage = self.coverage.value()
        if coverage != self.workspace.coverage:
            self._shared.share()
            self.workspace.coverage = coverage
        self._on_place()

    def _on_place(self, *_changed: Any) -> None:
        """Show regions and table what is chosen."""
        place = Place(
            self.image.value(),
            self.annotations.value(),
            self.kind.value(),
            self.validation.text(),
            self._network,
            self.coverage.value(),
        )
        self.regions.follow(place)
        self.images.follow(place)
