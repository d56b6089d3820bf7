"""Predict: a model applied to the current slice or the whole stack."""

from __future__ import annotations

import contextlib
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image
from qtpy.QtWidgets import QApplication, QCheckBox, QComboBox, QLabel

from napari_unet.config import PostprocessConfig, PredictConfig
from napari_unet.config.needs import PREDICTS, PredictSituation
from napari_unet.errors import InputError, NapariUNetError
from napari_unet.model.card import ModelCard
from napari_unet.model.loading import open_package
from napari_unet.model.started import Started
from napari_unet.predict.as_command import predict_command
from napari_unet.predict.finishing import settle
from napari_unet.predict.made_by import MadeBy
from napari_unet.predict.pixel_size import difference, rescaling, warning
from napari_unet.predict.segment import Finishing, segment_steps
from napari_unet.starters import STARTERS, starter_at
from napari_unet.widgets.choose.device_line import DeviceLine
from napari_unet.widgets.choose.em_watch import EmWatch
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.choose.model_box import ModelBox
from napari_unet.widgets.choose.part_layers import PartLayers
from napari_unet.widgets.choose.pixel_size_box import PixelSizeBox
from napari_unet.widgets.layers.arrays import image_stack, misfit, plane_shape
from napari_unet.widgets.layers.marks import SOURCE
from napari_unet.widgets.layers.places import current_slice
from napari_unet.widgets.layers.roles import Role
from napari_unet.widgets.predict.images_box import ImagesBox
from napari_unet.widgets.predict.next_box import NextBox
from napari_unet.widgets.predict.predicted_layers import PredictedLayers
from napari_unet.widgets.predict.share_box import ShareBox
from napari_unet.widgets.predict.trust_box import TrustBox
from napari_unet.widgets.predict.volume_box import VolumeBox, why_to_disk
from napari_unet.widgets.project.preferences import preferences
from napari_unet.widgets.qt.fold import Fold
from napari_unet.widgets.qt.form import SettingsForm, explain
from napari_unet.widgets.qt.listen import when_gone
from napari_unet.widgets.qt.panel import Panel
from napari_unet.widgets.qt.parts import WrappedLabel, button, present, steady
from napari_unet.widgets.qt.status import undo_action
from napari_unet.words import counted, duration, sides

if TYPE_CHECKING:
    from collections.abc import Iterator
    from threading import Event

    import napari

    from napari_unet.predict.segment import Segmentation, SegmentStep

_SLICE, _STACK = "current slice", "whole stack"
_NEXT = "Looks right? Score it. If not, send it to the annotations and correct it."


_OBJECTS = {
    "auto": "as the model",
    "no": "no, a mask",
    "connected": "yes",
    "watershed": "yes, and split",
}

_COPY_TIP = "The command that predicts the same without a window, for a cluster say."


class PredictWidget(Panel):
    """Predicts an image layer into a labels layer that lies on it.

    Parameters
    ----------
    napari_viewer
        The viewer with the image.
    """

    does = "predicting"
    _speed: tuple[Path, bool, float] | None = None
    """Of the last prediction: model, whether turns were averaged, pixels a second."""
    _layers: PredictedLayers | None = None

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, "Predict", "Stop")
        self.model, self.trust = ModelBox(self.workspace), TrustBox()
        self.share = ShareBox(self.workspace, self.model)
        self.image = LayerBox(napari_viewer, Image, Role.IMAGE)
        self.pixel_size = PixelSizeBox(napari_viewer, self.image)
        self.em_watch = EmWatch(self.image, self)
        self.about = WrappedLabel(hides=True)
        self.extent = steady(QComboBox())
        self.extent.addItems([_SLICE, _STACK])
        self._beside = PartLayers(self, napari_viewer, kept=True)
        self.probabilities = QCheckBox("Probabilities too, as image layers")
        self.finish = SettingsForm(PostprocessConfig(), words={"objects": _OBJECTS})
        device = preferences().work.device
        self.settings = SettingsForm(PredictConfig(device=device), ["rescale"])
        self.rescale = QCheckBox(PredictConfig.model_fields["rescale"].title)
        self.rescale.setToolTip(PredictConfig.model_fields["rescale"].description)
        self.threshold, self.sizes = WrappedLabel(hides=True), WrappedLabel(hides=True)
        self.device = DeviceLine()
        self.next = NextBox(napari_viewer, self.image)
        self.send = self.next.send
        self.volume = VolumeBox(napari_viewer, self.volume_options)
        self.cost = WrappedLabel(hides=True)
        self.copy_button = button("Copy as command", self.copy_command, _COPY_TIP)
        self.images = ImagesBox(self)
        self._lay_out()
        self._connect()
        when_gone(self, self._put_back)
        self.refresh()

    def why_not(self) -> str:
        """Return what is missing."""
        if self.model.value() is None:
            return "Choose a model: a starter network, or one that you trained."
        if self.trust.why_not():
            return self.trust.why_not()
        layer = self.image.value()
        if layer is None:
            return "There is no image layer: load one first."
        whole = self.extent.currentText() == _STACK
        return misfit(layer) or (why_to_disk(layer) if whole else "")

    def value(self) -> PredictConfig:
        """Return the settings of the prediction, as chosen."""
        settings: PredictConfig = self.settings.value()
        # A box that is hidden is not offered, whatever was ticked for another image.
        rescale = self.rescale.isChecked() and not self.rescale.isHidden()
        return settings.model_copy(update={"rescale": rescale})

    def volume_options(self) -> dict[str, Any]:
        """Return what a volume on disk is predicted with; raise why it cannot be."""
        model, config = self.model.value(), self.value()
        if not isinstance(model, Path) or self.trust.why_not():
            raise InputError(self.why_not())
        if config.rescale:
            raise InputError("A volume on disk cannot be rescaled: untick that above.")
        return {
            "model": model,
            "config": config,
            "finish": self.finish.value(),
            "trust_code": self.trust.trusts(model),
            "likely": self.probabilities.isChecked(),
        }

    def copy_command(self) -> None:
        """Put the command that predicts the same on the clipboard."""
        layer, model = self.image.value(), self.model.value()
        if not isinstance(model, Path):
            return
        only = self.extent.currentText() == _SLICE and len(plane_shape(layer)) > 2
        z = current_slice(self.viewer, layer) if only else 0
        line = predict_command(
            model,
            layer.metadata.get(SOURCE) or f"{layer.name}.tif",
            self.value(),
            self.finish.value(),
            slices=f"{z}:{z + 1}" if only else "",
            probabilities=self.probabilities.isChecked(),
        )
        present(QApplication.clipboard()).setText(line)
        self.status.say("Copied: paste it into a terminal or a recipe", line)

    _card: ModelCard | None = None

    def refresh(self, *changed: Any) -> None:
        """Bring everything up to date; disable what has no effect, and say why."""
        super().refresh()
        if not self.running:
            self.device.end()
        self.cost.setText("")
        if not (self.running or self.why_not()):
            with contextlib.suppress(NapariUNetError):  # the run says what is wrong
                self.cost.setText(self._cost())
        layer = self.image.value()
        many = layer is None or bool(misfit(layer)) or len(plane_shape(layer)) > 2
        kept = None if self._card is None else self._card.finish
        now = PredictSituation(
            finish=self.finish.value().settled(kept),
            many_slices=many and self.extent.currentText() == _STACK,
            ndim=None if self._card is None else self._card.network.ndim,
            keep=self.probabilities.isChecked(),
            running=self.running,
        )
        for part, form in (("finish", self.finish), ("settings", self.settings)):
            form.refresh(now.unmet(part, form.fields))
        explain(self.copy_button, self.why_not())
        busy = PREDICTS if self.running else ""
        for row in (self.model, self.image, self.rescale, self.probabilities):
            explain(row, busy)
        explain(self.extent, busy or ("" if many else "The image is a single slice."))
        self.volume.set_image(layer)

    def _lay_out(self) -> None:
        """Put what is chosen at first sight above, and all else in a fold."""
        tip = "A starter network, the model trained last, or a file."
        self.add_row("Model", self.model, tip)
        self.form.addRow(self.about)
        self.form.addRow(self.trust)
        self.add_row("Image", self.image)
        self.add_row("Pixel size", self.pixel_size)
        self.form.addRow(self.sizes)
        self.form.addRow(self.rescale)
        self.add_row("Predict", self.extent)
        self.form.addRow(self.finish.rows("objects", "min_size"))
        objects, tiles = "<b>Objects and borders</b>", "<b>Prediction</b>"
        chosen = (QLabel(objects), self.threshold, self.finish)
        how = (QLabel(tiles), self.probabilities, self.settings)
        self.form.addRow(
            Fold(
                "More",
                *(*chosen, *how, self.copy_button, QLabel("<b>Model</b>"), self.share),
            )
        )
        self.form.addRow(Fold("All images", self.images))
        self.form.addRow(self.cost)
        self.finish_layout(self.device, self.next, self.volume)

    def _connect(self) -> None:
        for changed in (self.model.valueChanged, self.image.valueChanged):
            changed.connect(self._on_model)
            changed.connect(self.refresh)
        self.trust.answered.connect(self.refresh)
        self.em_watch.answered.connect(self._offer_starter)
        for react in (self._compare_sizes, self.refresh):
            self.pixel_size.changed.connect(react)
        for form in (self.settings, self.finish):
            form.valueChanged.connect(self._show_threshold)
        # The same file may say something new.
        for react in (self._on_model, self.refresh):
            self.listen(self.workspace.events.model, react)
        self.rescale.toggled.connect(self._on_model)
        self.extent.currentIndexChanged.connect(self.refresh)
        self.probabilities.toggled.connect(self.refresh)
        self.finish.valueChanged.connect(self.refresh)
        self.listen(self.workspace.events.image, self.image.setValue)
        self.image.setValue(self.workspace.image)
        self._on_model()

    def _offer_starter(self, looks_like_em: bool) -> None:
        """Choose the starter network for an image of EM, where there is no other."""
        if self.model.is_wish or self.running or not preferences().work.starter:
            return
        self.model.setValue(STARTERS[0].path if looks_like_em else None, is_wish=False)

    def _on_model(self, *_changed: Any) -> None:
        model = self.model.value()
        self._card = self.model.card()
        starter = starter_at(model) if isinstance(model, Path) else None
        self.about.setText(starter.words.partition(";")[0] + "." if starter else "")
        self.about.setToolTip(starter.words if starter else "")
        self.trust.set_model(model if isinstance(model, Path) else None)
        self._compare_sizes()
        self._show_threshold()

    def _compare_sizes(self) -> None:
        """Warn, and offer the remedy, where the model learnt pixels of another size."""
        layer, words = self.image.value(), ""
        if self._card is not None and layer is not None:
            say = difference if self.rescale.isChecked() else warning
            with contextlib.suppress(NapariUNetError):
                # The run says what is wrong with a layer.
                stack = image_stack(layer)
                size = stack.size_for(self._card.network.ndim)
                words = say(self._card, size, stack.unit)
        self.sizes.setText(words)
        self.rescale.setVisible(bool(words))

    def _show_threshold(self, *_changed: Any) -> None:
        """Show which threshold and what finish count, where the model keeps any."""
        card = self._card or ModelCard()
        own, finish = self.settings.value().threshold, self.finish.value()
        lines = []
        if card.threshold is not None:
            words = f"Threshold: {card.threshold} (of the model)"
            if own is not None:
                kept = f"the model keeps {card.threshold}"
                words = f"Threshold: {own:g} (your own; {kept})"
            lines.append(words)
        if card.finish is not None:
            same = finish.settled(card.finish) == card.finish.settled()
            whose = "of the model" if same else "your own"
            lines.append(f"{finish.settled(card.finish).words} ({whose})")
        least = finish.changed("the form", min_size=None).settled(card.finish).min_size
        self.finish.say_auto("min_size", f"auto ({least})")
        self.threshold.setText("\n".join(lines))
        self.threshold.setToolTip(card.finish_reason)

    def predict_stack(self, model: Path, *, probabilities: bool = False) -> None:
        """Predict the whole image that is worked on, as if by hand."""
        if self.running:
            return
        if probabilities:
            self.probabilities.setChecked(True)
        self.model.setValue(model)
        self.predict_layer(self.workspace.image)

    def predict_layer(self, image: Image | None) -> None:
        """Predict an image as a whole, as if by hand, unless something is missing."""
        self.image.setValue(image)
        self.extent.setCurrentText(_STACK)
        if not self.why_not():
            self._on_run_clicked()

    def run(self) -> None:
        """Predict on a thread; tiles are shown as they come."""
        layer, model = self.image.value(), self.model.value()
        if not isinstance(model, Path):
            raise InputError("There is no model to predict with: choose one.")
        whole = stack = image_stack(layer)
        only = None
        if self.extent.currentText() == _SLICE and stack.num_slices > 1:
            only = current_slice(self.viewer, layer)
            stack = stack.slices(str(only))
        card, settings = self.model.card(), self.value()
        finish, words = self.finish.value().settled(), ""
        if card is not None:
            by = rescaling(card, stack, settings)
            settled = settle(self.finish.value(), card, stack.as_czyx().shape[1:], by)
            finish, words = settled.finish, settled.words
        if settings.threshold is None and card is not None:
            settings = settings.model_copy(update={"threshold": card.threshold})
        made = MadeBy(model, layer.name, settings.threshold, finish)
        maps = self.probabilities.isChecked()
        self._layers = PredictedLayers(self.viewer, layer, made, only=only, maps=maps)
        self._notes = [words] if words else []
        self._pixels = math.prod(stack.as_czyx().shape[1:])
        self.device.clear()

        trusted = self.trust.trusts(model)

        def work(stop: Event) -> Iterator[SegmentStep]:
            loaded = open_package(model, trust_code=trusted)
            return segment_steps(loaded, stack, settings, finish, stop, of=whole)

        self.start("Predicting", work)

    def on_step(self, item: SegmentStep) -> None:
        """Show a tile, or what happens."""
        layers = present(self._layers)
        if isinstance(item, Started):
            self.job.began = time.monotonic()
            self.device.begin("Predicting", item)
            return
        if isinstance(item, Finishing):
            layers.draw()
            self.show_progress(1.0, "Cleaning up, numbering objects ...")
            return
        if not layers.add(item):
            self.job.stop()
            return
        if item.message:
            self._notes.append(item.message)
        share = item.done / item.total
        left = self.job.left(share)
        words = f"{left}: tile {item.done} of {item.total}".removeprefix(": ")
        self.show_progress(share, "\n".join([words, *self._notes]))

    def on_done(self, result: Segmentation) -> None:
        """Hand the layer to the other docks."""
        layers = present(self._layers)
        layers.finish(result)
        for layer in layers.maps:
            self._beside.add(layer)
        if layers.labels in self.viewer.layers:
            self.workspace.prediction = layers.labels
        if result.complete:
            model, seconds = layers.model, time.monotonic() - self.job.began
            self._speed = model, self.value().average, self._pixels / seconds
        self.show_progress(1.0, "")
        action = undo_action(layers.undo, self.status.say)
        notes = "\n".join(self._notes)
        line = layers.broken or _NEXT
        self.status.say(result.words, line, details=notes, action=action)

    def _cost(self) -> str:
        """Return how much is predicted, and how long that took the last time."""
        layer, model = self.image.value(), self.model.value()
        shape = image_stack(layer).as_czyx().shape[1:]
        depth = 1 if self.extent.currentText() == _SLICE else shape[0]
        words = f"{counted(depth, 'slice')} of {sides(shape[1:])}"
        known = self._speed
        if known is not None and known[:2] == (model, self.settings.value().average):
            seconds = depth * math.prod(shape[1:]) / known[2]
            words = f"{words}, {duration(seconds)} at the last speed"
        return words

    def _on_failed(self, sentence: str) -> None:
        if self._layers is not None:
            self._layers.discard()
        super()._on_failed(sentence)

    def _put_back(self) -> None:
        if self._layers is not None:
            self._layers.put_back()
