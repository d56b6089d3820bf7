"""Predict: a model applied to the current slice or the whole stack."""

from __future__ import annotations

import threading
import time
import zlib
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtWidgets import QCheckBox, QComboBox

from napari_unet.config import PredictConfig
from napari_unet.errors import InputError
from napari_unet.widgets.form import SettingsForm
from napari_unet.widgets.layers import (
    PREDICTED,
    LayerBox,
    add_or_update,
    current_slice,
    image_stack,
    placed_like,
    plane_shape,
)
from napari_unet.widgets.model_box import ModelBox
from napari_unet.widgets.panel import Panel

if TYPE_CHECKING:
    import napari

    from napari_unet.data.stack import Stack
    from napari_unet.predict.predictor import TileDone

_SLICE, _STACK = "current slice", "whole stack"
_REFRESH_SECONDS = 0.2
_MODEL, _CONTENT = "napari_unet_model", "napari_unet_content"


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
        self.settings = SettingsForm(PredictConfig(), ["tile_size", "device"])
        self.add_row("Model", self.model, "The model trained last, or a file.")
        self.add_row("Image", self.image)
        self.add_row("Predict", self.extent)
        self.form.addRow(self.probabilities)
        self.form.addRow(self.settings)
        self.finish_layout()
        self.model.valueChanged.connect(self.refresh)
        self.image.valueChanged.connect(self.refresh)
        self.listen(self.workspace.events.image, self.image.setValue)
        self.image.setValue(self.workspace.image)
        self.refresh()

    def why_not(self) -> str:
        """Return what is missing."""
        if self.model.value() is None:
            return "Train a network first, or choose a model file."
        if self.image.value() is None:
            return "There is no image layer: load one first."
        return ""

    def run(self) -> None:
        """Predict on a thread; tiles are shown as they come."""
        layer = self.image.value()
        stack = image_stack(layer)
        self._first = 0
        if self.extent.currentText() == _SLICE and stack.num_slices > 1:
            self._first = current_slice(self.viewer, layer)
            stack = stack.slices(str(self._first))
        self._of = layer
        self._keep = self.probabilities.isChecked()
        self._labels: Labels | None = None
        self._maps: list[Image] = []
        self._drawn = 0.0
        model, settings = self.model.value(), self.settings.value()
        stopped = threading.Event()
        self.start(
            "Predicting",
            lambda: _work(model, stack, settings, stopped),
            stopped.set,
        )

    def on_step(self, tile: TileDone) -> None:
        """Put a tile into the layers."""
        if self._labels is None:
            self._make_layers(tile)
        if self._labels is None or self._labels not in self.viewer.layers:
            # The user removed the layer: there is nothing to fill any more.
            self._on_run_clicked()
            return
        z, *plane = tile.core
        core = (slice(z.start + self._first, z.stop + self._first), *plane)
        _fill(self._labels, core, tile.labels)
        for layer, values in zip(self._maps, tile.probabilities[1:], strict=False):
            _fill(layer, core, values)
        self._count(core)
        if time.monotonic() - self._drawn > _REFRESH_SECONDS:
            self._draw()
        self.show_progress(tile.done / tile.total, f"tile {tile.done} of {tile.total}")

    def _count(self, core: tuple[slice, ...]) -> None:
        """Take a slice for predicted once all of its pixels are."""
        _, rows, columns = core
        area = (rows.stop - rows.start) * (columns.stop - columns.start)
        height, width = plane_shape(self._of)[-2:]
        for z in range(core[0].start, core[0].stop):
            self._seen[z] += area
            if self._seen[z] >= height * width:
                self._slices.add(z)

    def on_done(self, result: str) -> None:
        """Draw what is there and hand the layer to the other docks."""
        self._draw()
        if self._labels is not None:
            self._labels.metadata[PREDICTED] = sorted(self._slices)
            self._labels.metadata[_CONTENT] = _content(self._labels)
            self.workspace.prediction = self._labels
        self.show_progress(1.0, result)

    def _make_layers(self, tile: TileDone) -> None:
        shape = plane_shape(self._of)
        name = f"{self._of.name} prediction"
        old = next((one for one in self.viewer.layers if one.name == name), None)
        self._slices: set[int] = set()
        self._seen: Counter[int] = Counter()
        if isinstance(old, Labels) and self._is_ours(old, shape):
            if old.metadata[_MODEL] == str(self.model.value()):
                self._slices = set(old.metadata[PREDICTED])
            else:
                # Slices of two models in one layer would be scored as one.
                old.data[...] = 0
            self._labels = old
        else:
            # What the user has corrected stays; napari numbers the new layer.
            empty = np.zeros(shape, np.uint8)
            self._labels = self.viewer.add_labels(
                empty, name=name, **placed_like(self._of)
            )
        self._labels.metadata[_MODEL] = str(self.model.value())
        if self._keep:
            count = len(tile.probabilities) - 1
            self._maps = [self._make_map(n, count, shape) for n in range(1, count + 1)]

    @staticmethod
    def _is_ours(layer: Labels, shape: tuple[int, ...]) -> bool:
        """Say whether a layer holds what was predicted here, and nothing else."""
        known = layer.metadata.get(_CONTENT)
        fits = isinstance(layer.data, np.ndarray) and layer.data.shape == shape
        return bool(fits and known is not None and known == _content(layer))

    def _make_map(self, number: int, count: int, shape: tuple[int, ...]) -> Image:
        """Make the layer for the probability of one class, background left out."""
        name = f"{self._of.name} probability"
        if count > 1:
            name = f"{name} of class {number}"
        layer: Image = add_or_update(
            self.viewer,
            Image,
            np.zeros(shape, np.float32),
            name,
            contrast_limits=(0, 1),
            visible=False,
            **placed_like(self._of),
        )
        return layer

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        layers = [*self._maps] if self._labels is None else [self._labels, *self._maps]
        for layer in layers:
            layer.refresh()


def _work(
    model: Path | int | None,
    stack: Stack,
    settings: PredictConfig,
    stopped: threading.Event,
) -> Generator[TileDone, None, str]:
    from napari_unet.model.checkpoint import load_model
    from napari_unet.predict.predictor import Predictor

    if not isinstance(model, Path):
        raise InputError("There is no model to predict with: choose a model file.")
    predictor = Predictor(load_model(model), settings)
    began = time.monotonic()
    for tile in predictor.tiles(stack.as_czyx()):
        yield tile
        if stopped.is_set():
            return f"Stopped after tile {tile.done} of {tile.total}"
    seconds = time.monotonic() - began
    return f"Done in {seconds:.1f} s on {predictor.device.words}"


def _fill(layer: Labels | Image, core: tuple[slice, ...], values: Any) -> None:
    """Write a (Z, Y, X) tile into the data of a layer, which may have no Z."""
    if layer.data.ndim == 2:
        layer.data[core[1:]] = values[0]
    else:
        layer.data[core] = values


def _content(layer: Labels) -> int:
    """Return a checksum of the data, which tells whether the user changed it."""
    return zlib.crc32(np.asarray(layer.data).tobytes())
