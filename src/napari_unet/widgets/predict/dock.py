"""Predict: a model applied to the current slice or the whole stack."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QLabel,
)

from napari_unet.config import PostprocessConfig, PredictConfig
from napari_unet.config.needs import (
    PREDICT_NEEDS,
    PREDICTS,
    PredictSituation,
    unmet,
)
from napari_unet.errors import InputError, NapariUNetError
from napari_unet.model.card import ModelCard, read_card
from napari_unet.model.started import Started
from napari_unet.predict.made_by import MadeBy
from napari_unet.predict.pixel_size import difference, warning
from napari_unet.predict.segment import Finished, Finishing, PredictionWork
from napari_unet.widgets.choose.device_line import DeviceLine
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.choose.model_box import ModelBox
from napari_unet.widgets.choose.send import (
    SendPart,
)
from napari_unet.widgets.layers.arrays import (
    image_stack,
    misfit,
    placed_like,
    plane_shape,
)
from napari_unet.widgets.layers.edits import edit
from napari_unet.widgets.layers.maps import add_slice, make_maps
from napari_unet.widgets.layers.marks import (
    NUMBERED,
    PREDICTED,
    remember,
    untouched,
)
from napari_unet.widgets.layers.places import current_slice
from napari_unet.widgets.project.preferences import preferences
from napari_unet.widgets.qt.fold import Fold
from napari_unet.widgets.qt.form import SettingsForm, explain
from napari_unet.widgets.qt.panel import Panel
from napari_unet.widgets.qt.parts import WrappedLabel
from napari_unet.words import time_left

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_unet.predict.prediction import TileDone

_SLICE, _STACK = "current slice", "whole stack"
_REFRESH_SECONDS = 0.2


class PredictWidget(Panel):
    """Predicts an image layer into a labels layer that lies on it.

    Parameters
    ----------
    napari_viewer
        The viewer with the image.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, "Predict", "Stop")
        self.model = ModelBox(self.workspace)
        self.image = LayerBox(napari_viewer, Image)
        self.extent = QComboBox()
        self.extent.addItems([_SLICE, _STACK])
        self.probabilities = QCheckBox("Probabilities too, as image layers")
        self.finish = SettingsForm(PostprocessConfig())
        device = preferences().work.device
        self.settings = SettingsForm(PredictConfig(device=device), ["rescale"])
        self.rescale = QCheckBox(PredictConfig.model_fields["rescale"].title)
        self.rescale.setToolTip(PredictConfig.model_fields["rescale"].description)
        self.threshold, self.sizes = WrappedLabel(hides=True), WrappedLabel(hides=True)
        self.device = DeviceLine()
        self.send = SendPart(napari_viewer)
        self.add_row("Model", self.model, "The model trained last, or a file.")
        self.form.addRow(self.threshold)
        self.add_row("Image", self.image)
        self.form.addRow(self.sizes)
        self.form.addRow(self.rescale)
        self.add_row("Predict", self.extent)
        self.form.addRow(self.probabilities)
        objects, tiles = "<b>Objects and borders</b>", "<b>Prediction</b>"
        more = (QLabel(objects), self.finish, QLabel(tiles), self.settings)
        self.form.addRow(Fold("More", *more))
        self.finish_layout(self.device, self.send)
        for changed in (self.model.valueChanged, self.image.valueChanged):
            changed.connect(self._on_model)
            changed.connect(self.refresh)
        self.settings.valueChanged.connect(self._tell_threshold)
        # A threshold may have been kept in the same model.
        self.listen(self.workspace.events.model, self._on_model)
        self.rescale.toggled.connect(self._on_model)
        self.extent.currentIndexChanged.connect(self.refresh)
        self.probabilities.toggled.connect(self.refresh)
        self.finish.valueChanged.connect(self.refresh)
        self.listen(self.workspace.events.image, self.image.setValue)
        self.image.setValue(self.workspace.image)
        self._on_model()
        self.refresh()

    def why_not(self) -> str:
        """Return what is missing."""
        if self.model.value() is None:
            return "Train a network first, or choose a model file."
        if self.image.value() is None:
            return "There is no image layer: load one first."
        return misfit(self.image.value())

    def value(self) -> PredictConfig:
        """Return the settings of the prediction, as chosen."""
        settings: PredictConfig = self.settings.value()
        return settings.model_copy(update={"rescale": self.rescale.isChecked()})

    _card: ModelCard | None = None

    def refresh(self, *changed: Any) -> None:
        """Bring everything up to date; disable what has no effect, and say why."""
        super().refresh()
        if not self.running:
            self.device.end()
        layer = self.image.value()
        many = layer is None or bool(misfit(layer)) or len(plane_shape(layer)) > 2
        now = PredictSituation(
            finish=self.finish.value(),
            many_slices=many and self.extent.currentText() == _STACK,
            ndim=None if self._card is None else self._card.network.ndim,
            keep=self.probabilities.isChecked(),
            running=self.running,
        )
        for part, form in (("finish", self.finish), ("settings", self.settings)):
            form.refresh(unmet(PREDICT_NEEDS, now, part, form.fields))
        busy = PREDICTS if self.running else ""
        for row in (self.model, self.image, self.rescale, self.probabilities):
            explain(row, busy)
        explain(self.extent, busy or ("" if many else "The image is a single slice."))

    def _on_model(self, *_changed: Any) -> None:
        self._card = _read(self.model.value())
        self._compare_sizes()
        self._tell_threshold()

    def _compare_sizes(self) -> None:
        """Warn where the model learnt pixels of another size, and offer the remedy."""
        layer, words = self.image.value(), ""
        if self._card is not None and layer is not None:
            say = difference if self.rescale.isChecked() else warning
            with contextlib.suppress(NapariUNetError):
                # What is wrong with a layer is told by the run.
                stack = image_stack(layer, copy=False)
                words = say(self._card, stack.zyx_size, stack.unit)
        self.sizes.setText(words)
        self.rescale.setVisible(bool(words))

    def _tell_threshold(self, *_changed: Any) -> None:
        """Say which threshold counts, where the model keeps one."""
        kept = None if self._card is None else self._card.threshold
        own = self.settings.value().threshold
        words = f"Threshold: {kept} (of the model)"
        if own is not None:
            words = f"Threshold: {own:g} (your own; the model keeps {kept})"
        self.threshold.setText("" if kept is None else words)

    def predict_stack(self, model: Path, *, probabilities: bool = False) -> None:
        """Predict the whole image that is worked on, as if by hand."""
        if self.running:
            return
        if probabilities:
            self.probabilities.setChecked(True)
        self.model.setValue(model)
        self.image.setValue(self.workspace.image)
        self.extent.setCurrentText(_STACK)
        self._on_run_clicked()

    def run(self) -> None:
        """Predict on a thread; tiles are shown as they come."""
        layer, model = self.image.value(), self.model.value()
        if not isinstance(model, Path):
            raise InputError("There is no model to predict with: choose a model file.")
        whole = stack = image_stack(layer)
        self._first = 0
        self._single = self.extent.currentText() == _SLICE and stack.num_slices > 1
        if self._single:
            self._first = current_slice(self.viewer, layer)
            stack = stack.slices(str(self._first))
        self._of = layer
        self.device.clear()
        self._keep = self.probabilities.isChecked()
        self._labels: Labels | None = None
        self._maps: list[Image] = []
        self._notes: list[str] = []
        self._drawn = 0.0
        self._before: tuple[tuple[slice, ...], NDArray[np.integer]] | None = None
        card, settings = _read(model), self.value()
        if settings.threshold is None and card is not None:
            settings = settings.model_copy(update={"threshold": card.threshold})
        work = PredictionWork(model, stack, settings, self.finish.value(), whole)
        # Classes and numbers of objects in one layer would be scored as one.
        self._made_by = MadeBy(model, layer.name, settings.threshold, work.finish)
        self._numbers = work.finish.objects != "no"
        self.start("Predicting", work.run)

    def on_step(self, item: Started | TileDone | Finishing) -> None:
        """Put a tile into the layers."""
        if isinstance(item, Started):
            self._began = time.monotonic()
            self.device.begin("Predicting", item)
            return
        if isinstance(item, Finishing):
            self._draw()
            self.show_progress(1.0, "Cleaning up, numbering objects ...")
            return
        if self._labels is None:
            self._make_layers(item)
        if self._labels is None or self._labels not in self.viewer.layers:
            # The user removed the layer: there is nothing to fill any more.
            self._on_run_clicked()
            return
        z, *plane = item.core
        core = (slice(z.start + self._first, z.stop + self._first), *plane)
        _fill(self._labels, core, item.labels)
        for layer, values in zip(self._maps, item.probabilities[1:], strict=False):
            _fill(layer, core, values)
        self._count(core)
        if time.monotonic() - self._drawn > _REFRESH_SECONDS:
            self._draw()
        if item.message:
            self._notes.append(item.message)
        share = item.done / item.total
        left = time_left(time.monotonic() - self._began, share)
        words = f"{left}: tile {item.done} of {item.total}".removeprefix(": ")
        self.show_progress(share, "\n".join([words, *self._notes]))

    def _count(self, core: tuple[slice, ...]) -> None:
        """Take a slice for predicted once all of its pixels are."""
        _, rows, columns = core
        area = (rows.stop - rows.start) * (columns.stop - columns.start)
        height, width = plane_shape(self._of)[-2:]
        for z in range(core[0].start, core[0].stop):
            self._seen[z] += area
            if self._seen[z] >= height * width:
                self._slices.add(z)
                for layer in self._maps:
                    add_slice(layer, z)

    def on_done(self, result: Finished) -> None:
        """Draw what is there and hand the layer to the other docks."""
        if self._labels is not None:
            if result.labels is not None:
                self._replace(self._labels, result.labels)
            self._keep_step()
            slices = sorted(self._slices)
            self._labels.metadata[PREDICTED] = slices
            made = replace(self._made_by, image=result.image, slices=tuple(slices))
            remember(self._labels, made)
            self.workspace.prediction = self._labels
        self._draw()
        self.show_progress(1.0, "\n".join([result.words, *self._notes]))

    def _on_failed(self, sentence: str) -> None:
        self._keep_step()
        super()._on_failed(sentence)

    def _keep_step(self) -> None:
        """Make one step of undo of all tiles, back to what was there before them."""
        if self._before is None or self._labels is None:
            return
        (region, before), self._before = self._before, None
        after = self._labels.data[region].copy()
        self._labels.data[region] = before
        edit(self._labels, region, after)

    def _replace(self, layer: Labels, labels: NDArray[np.unsignedinteger]) -> None:
        """Put what was made of all tiles into their place."""
        slices = slice(self._first, self._first + len(labels))
        core = (slices, slice(None), slice(None))
        _fill(layer, core, np.zeros_like(labels))
        if self._numbers:
            # Objects of slices that were predicted before keep their numbers.
            first = int(layer.data.max())
            labels = np.where(labels > 0, labels + np.uint32(first), np.uint32(0))
            if labels.max(initial=0) > np.iinfo(layer.data.dtype).max:
                layer.data = layer.data.astype(np.uint32)
        _fill(layer, core, labels)

    def _make_layers(self, tile: TileDone) -> None:
        shape = plane_shape(self._of)
        name = f"{self._of.name} prediction"
        dtype = np.uint16 if self._numbers else np.uint8
        self._slices: set[int] = set()
        self._seen: Counter[int] = Counter()
        for old in reversed(self.viewer.layers):
            before = _made_here(old, shape) if _is_called(old, name) else None
            if isinstance(old, Labels) and before is not None:
                self._labels = old
                self._make_room(old, before, dtype)
                break
        else:
            # What the user has corrected stays; napari numbers the new layer.
            self._labels = self.viewer.add_labels(
                np.zeros(shape, dtype),
                name=name,
                metadata={PREDICTED: []},
                **placed_like(self._of),
            )
        self._labels.metadata[NUMBERED] = self._numbers
        if self._keep:
            count, model = len(tile.probabilities) - 1, self._made_by.model
            self._maps = make_maps(self.viewer, self._of, model, count, shape)

    def _make_room(
        self, layer: Labels, before: MadeBy, dtype: type[np.unsignedinteger]
    ) -> None:
        """Remember what the tiles will change in a layer that was predicted into."""
        region = (slice(None),) * layer.ndim
        goes_on = self._made_by.goes_with(before)
        if goes_on:
            self._slices = set(before.slices)
            if layer.ndim == 3 and self._single:
                region = (slice(self._first, self._first + 1), *region[1:])
        layer.data = layer.data.astype(np.promote_types(layer.data.dtype, dtype))
        self._before = region, layer.data[region].copy()
        if not goes_on:
            # Slices of two models in one layer would be scored as one.
            layer.data[...] = 0

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        layers = [*self._maps] if self._labels is None else [self._labels, *self._maps]
        for layer in layers:
            layer.refresh()


def _fill(layer: Labels | Image, core: tuple[slice, ...], values: Any) -> None:
    """Write a (Z, Y, X) tile into the data of a layer, which may have no Z."""
    if layer.data.ndim == 2:
        layer.data[core[1:]] = values[0]
    else:
        layer.data[core] = values


def _is_called(layer: Layer, name: str) -> bool:
    """Say whether a layer has a name, with or without the number that napari gives."""
    return re.fullmatch(rf"{re.escape(name)}( \[\d+\])?", layer.name) is not None


def _made_here(layer: Layer, shape: tuple[int, ...]) -> MadeBy | None:
    """Return how a layer was predicted that holds nothing else, now or by an undo."""
    if not isinstance(layer, Labels) or not isinstance(layer.data, np.ndarray):
        return None
    return untouched(layer) if layer.data.shape == shape else None


def _read(model: Path | int | None) -> ModelCard | None:
    """Return what a model says of itself, or None where it cannot be read."""
    if not isinstance(model, Path):
        return None
    try:
        return read_card(model)
    except NapariUNetError:
        return None  # the run says what is wrong with the file
