"""Weights: the border-weight map of annotations, seen while it is tuned."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox

from napari_unet.config import RunConfig, WeightMapConfig
from napari_unet.config.needs import RunSituation
from napari_unet.data.annotation import guess_kind
from napari_unet.data.weight_map import stack_steps
from napari_unet.errors import NapariUNetError
from napari_unet.live.live_weight_map import LiveWeightMap
from napari_unet.widgets.choose.choice_words import CHOICES
from napari_unet.widgets.choose.kind_box import KindBox
from napari_unet.widgets.choose.layer_box import LayerBox
from napari_unet.widgets.choose.part_layers import PartLayers
from napari_unet.widgets.layers.arrays import (
    add_or_update,
    labels_array,
    misfit,
    placed_like,
    plane_shape,
)
from napari_unet.widgets.layers.axes import planes, spatial
from napari_unet.widgets.layers.changes import LabelChanges
from napari_unet.widgets.layers.places import current_slice
from napari_unet.widgets.layers.roles import Role
from napari_unet.widgets.qt.form import SettingsForm, explain
from napari_unet.widgets.qt.listen import Subscriptions, later
from napari_unet.widgets.qt.panel import Panel
from napari_unet.widgets.qt.parts import WrappedLabel

if TYPE_CHECKING:
    import napari
    from numpy.typing import NDArray

    from napari_unet.config import AnnotationKind, Coverage

# A brush that moves tells of every step: the map follows it some thirty times a second.
_DELAY_MS = 30
_SLICE_LAYER = "slice weights"
_STACK_LAYER = "weight map"
_SLIDERS = {"w0": 50.0, "sigma": 30.0}


class WeightsWidget(Panel):
    """Shows the weight map of the current slice at once, and makes that of a stack.

    Parameters
    ----------
    napari_viewer
        The viewer with the annotations.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, "Make for the whole stack", "Stop")
        self.labels = LayerBox(
            napari_viewer,
            Labels,
            Role.ANNOTATIONS,
            Role.TRUTH,
            by_hand=(Role.PREDICTION,),
        )
        self._beside = PartLayers(self, napari_viewer, alone=True)
        self.kind = KindBox()
        self.settings = SettingsForm(WeightMapConfig(), sliders=_SLIDERS, words=CHOICES)
        self.live = QCheckBox("Show for the current slice")
        self.live.setToolTip("Follows the slice, the sliders and what you paint.")
        self.range = WrappedLabel()
        self.add_row("Labels", self.labels)
        self.add_row("Kind", self.kind)
        self.form.addRow(self.settings)
        self.form.addRow(self.live)
        self.form.addRow(self.range)
        self.finish_layout()
        self._timer = later(self, self.show_slice, _DELAY_MS)
        self._drawn = Subscriptions(self, self._ask)
        self._map: LiveWeightMap | None = None
        self._map_of: tuple[Any, ...] = ()
        self._connect()
        self._on_labels(self.labels.value())

    def value(self) -> WeightMapConfig:
        """Return the settings as they stand."""
        settings: WeightMapConfig = self.settings.value()
        return settings

    def setValue(self, settings: WeightMapConfig) -> None:  # noqa: N802
        """Show settings."""
        # A slider may end before what the Train dock has: that must not come back.
        with QSignalBlocker(self.settings):
            self.settings.setValue(settings)
        self._enable()
        self._ask()

    def why_not(self) -> str:
        """Return what is missing."""
        if self.labels.value() is None:
            return "A weight map needs a labels layer: load or paint annotations."
        return misfit(self.labels.value())

    def run(self) -> None:
        """Make the weight map of the whole stack on a thread."""
        layer = self.labels.value()
        labels, config = labels_array(layer), self.value()
        self._of = layer
        coverage = self._coverage
        work = partial(
            stack_steps, labels, self.kind.value(), config, coverage=coverage
        )
        self.start("Making the weight map", work)

    def on_step(self, item: tuple[int, int]) -> None:
        """Show how many slices are done, and the time left."""
        done, total = item
        left = self.job.left(done / total)
        words = f"{left}: slice {done} of {total}".removeprefix(": ")
        self.show_progress(done / total, words)

    def on_done(self, result: NDArray[np.float32] | None) -> None:
        """Show the map of the stack over its labels."""
        if result is None:
            self.show_progress(0.0, "Stopped: no weight map was made.")
            return
        data = result.reshape(plane_shape(self._of))
        place = placed_like(self._of)
        made = add_or_update(
            self.viewer, Image, data, _STACK_LAYER, None, colormap="inferno", **place
        )
        self._beside.lay(made)
        self.show_progress(1.0, _range(result))

    def show_slice(self) -> None:
        """Show the weight map of the slice in view, where that is wanted."""
        layer = self.labels.value()
        if not self.live.isChecked() or layer is None:
            return
        try:
            z = current_slice(self.viewer, layer)
            data = np.asarray(planes(layer)[z])
            mapped = self._follow(layer, z, data)
        except NapariUNetError as error:
            self._map = None
            self.range.setText(str(error))
            return
        self._show(layer, mapped)
        where = f"slice {z}: " if len(spatial(layer)) > 2 else ""
        self.range.setText(where + _range(mapped))

    def _follow(
        self, layer: Labels, z: int, labels: NDArray[np.generic]
    ) -> NDArray[np.float32]:
        """Return the map of a slice, made anew only where a stroke has changed it."""
        kind, config = self._kind_of(labels[None]), self.value()
        place = str(placed_like(layer))
        coverage = self.kind.settle(self._coverage)
        of = (layer, z, labels.shape, labels.dtype, kind, config, place, coverage)
        if self._map is None or of != self._map_of:
            whole = LiveWeightMap(labels, kind, config, coverage=coverage)
            self._map, self._map_of = whole, of
        else:
            self._map.update(labels)
        return self._map.values

    def _show(self, layer: Labels, mapped: NDArray[np.float32]) -> None:
        layers = self.viewer.layers
        if _SLICE_LAYER in layers and layers[_SLICE_LAYER].data is mapped:
            # Setting data and place again would draw it six times for every step of
            # a brush.
            shown = layers[_SLICE_LAYER]
            shown.refresh(extent=False)
        else:
            place = placed_like(layer, 2)
            look: dict[str, Any] = {"colormap": "inferno", "opacity": 0.7}
            shown = add_or_update(
                self.viewer, Image, mapped, _SLICE_LAYER, None, **look, **place
            )
            self._beside.lay(shown)
        low, high = float(mapped.min()), float(mapped.max())
        limits = [low, max(high, low + 1e-3)]
        if list(shown.contrast_limits) != limits:
            shown.contrast_limits = limits

    def _connect(self) -> None:
        self.labels.valueChanged.connect(self._on_labels)
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.listen(self.workspace.events.annotations, self._on_annotations)
        self.listen(self.workspace.events.kind, self._show_meaning)
        self.listen(self.workspace.events.coverage, self._show_meaning)
        self.labels.setValue(self.workspace.annotations)
        self.setValue(self.workspace.weight_map)
        self.listen(self.workspace.events.weight_map, self.setValue)
        self.settings.valueChanged.connect(self._on_settings)
        self.live.toggled.connect(self._ask)
        self.listen(self.viewer.dims.events.current_step, self._ask)

    def _ask(self, *_event: Any) -> None:
        # Not started again while it runs: a brush in motion would put it off for ever.
        if not self._timer.isActive():
            self._timer.start()

    def _on_labels(self, layer: Labels | None) -> None:
        # A brush in motion is followed too, which has not changed anything for good.
        self._drawn.replace([] if layer is None else [LabelChanges.of(layer).drawn])
        self._show_meaning()
        self.refresh()
        self._enable()

    def _on_annotations(self, layer: Labels | None) -> None:
        self.labels.setValue(layer)
        self._show_meaning()

    def _on_settings(self, settings: WeightMapConfig) -> None:
        self.workspace.weight_map = settings
        self._enable()
        self._ask()

    def _enable(self) -> None:
        """Disable what has no effect, and say why."""
        now = RunSituation(RunConfig(weight_map=self.value()))
        self.settings.refresh(now.unmet("weight_map", self.settings.fields))
        for part in (self.kind, self.live):
            explain(part, self.why_not())

    def _on_kind(self, *_event: Any) -> None:
        self.workspace.mean(self.labels.value(), kind=self.kind.value())
        self._ask()

    @property
    def _coverage(self) -> Coverage:
        return self.workspace.meaning_of(self.labels.value())[1]

    def _show_meaning(self, *_event: Any) -> None:
        """Show what the labels mean, which were perhaps told so elsewhere."""
        layer = self.labels.value()
        kind, coverage = self.workspace.meaning_of(layer)
        self.kind.setValue(kind)
        self.kind.show_guess(layer, coverage)
        self._ask()

    def _kind_of(self, labels: NDArray[np.generic]) -> AnnotationKind:
        kind = self.kind.value()
        if kind is None:
            # One slice says less than the stack, which the box has looked at.
            guess = self.kind.guess
            kind = guess.kind if guess else guess_kind(labels, self._coverage).kind
        return kind


def _range(mapped: NDArray[np.float32]) -> str:
    return f"weights {mapped.min():.2f} to {mapped.max():.2f}"
