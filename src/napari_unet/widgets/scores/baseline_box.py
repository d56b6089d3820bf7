"""A baseline at one click, to see whether the U-Net was worth it."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any

from napari.layers import Labels
from qtpy.QtCore import Signal

from napari_unet.baselines import BASELINES, Baseline, BaselineStep
from napari_unet.baselines.apply import BaselineMask, make_mask
from napari_unet.config import BaselineConfig
from napari_unet.data.annotation import to_target
from napari_unet.errors import InputError
from napari_unet.widgets.layers.arrays import (
    image_stack,
    labels_array,
    placed_like,
    plane_shape,
)
from napari_unet.widgets.layers.marks import BASELINE, MADE_FOR, PREDICTED, ROLE
from napari_unet.widgets.layers.names import short_name
from napari_unet.widgets.layers.places import bring_to, lies_on
from napari_unet.widgets.layers.roles import Role
from napari_unet.widgets.project.workspace import Workspace
from napari_unet.widgets.qt.form import SettingsForm, explain
from napari_unet.widgets.qt.listen import Subscriptions
from napari_unet.widgets.qt.parts import NarrowBox, WrappedLabel, in_column
from napari_unet.widgets.qt.runner import Runner
from napari_unet.widgets.qt.turns import Turns

if TYPE_CHECKING:
    import numpy as np
    from napari.components import ViewerModel
    from napari.layers import Image
    from numpy.typing import NDArray


class BaselineBox(Runner):
    """Segments the image by a classical method, into a layer that can be scored.

    Parameters
    ----------
    viewer
        The viewer whose image it is.

    Signals
    -------
    made(Labels)
        The layer of a baseline that has come to its end, or was stopped.
    """

    made = Signal(object)

    def __init__(self, viewer: ViewerModel) -> None:
        tip = "Makes a labels layer, which is scored like a prediction."
        super().__init__("Compare with a baseline", "Stop", tip)
        self._viewer = viewer
        self._workspace = Workspace.of(viewer)
        self._turns = Turns(self)
        self.box = NarrowBox()
        for one in BASELINES.values():
            self.box.addItem(one.title, one.name)
        self.description = WrappedLabel(lines=2)
        self.settings = SettingsForm(BaselineConfig())
        parts = (self.description, self.settings, self.run_button, self.bar)
        in_column(self, self.box, *parts, self.status)
        self.box.currentIndexChanged.connect(self.refresh)
        events = self._workspace.events
        Subscriptions(self, self.refresh, events.image, events.annotations)
        self.refresh()

    def value(self) -> Baseline:
        """Return the baseline that is chosen."""
        return BASELINES[self.box.currentData()]

    def setValue(self, name: str) -> None:  # noqa: N802 (Qt's own spelling)
        """Choose a baseline by its name."""
        self.box.setCurrentIndex(self.box.findData(name))

    def why_not(self) -> str:
        """Return why nothing can be segmented now, or "" when it can."""
        if self._workspace.image is None:
            return "There is no image layer: load one first."
        if self.value().learns and self._workspace.annotations is None:
            return (
                f"{self.value().title} learns from annotations: load some, or paint "
                "cells and what parts them."
            )
        return ""

    def refresh(self, *_changed: Any) -> None:
        """Bring everything up to date with what is chosen and with the layers."""
        super().refresh()
        baseline = self.value()
        self.description.setText(baseline.description)
        busy = "Stop the baseline first." if self.running else ""
        explain(self.box, busy)
        fields = self.settings.fields
        idle = dict.fromkeys(fields, busy) if busy else baseline.idle_settings
        self.settings.refresh(idle)
        if not self.running:
            self.bar.setValue(0)

    def run(self) -> None:
        """Segment the image on a thread."""
        layer, baseline = self._workspace.image, self.value()
        if layer is None or self.why_not():
            raise InputError(self.why_not())
        stack, labels = image_stack(layer), self._labels(layer, baseline)
        kind, coverage = self._workspace.kind, self._workspace.coverage
        config = self.settings.value()

        def work(stop: Event) -> Generator[BaselineStep, None, BaselineMask]:
            classes = None
            if labels is not None and labels.any():
                classes = to_target(labels, kind, coverage=coverage).classes
            return make_mask(baseline.name, stack, classes, config, stop)

        self._of, self._baseline = layer, baseline
        self.start(f"Segmenting: {baseline.title}", work)

    def _labels(self, layer: Image, baseline: Baseline) -> NDArray[np.generic] | None:
        """Copy the annotations; those of another image are of use to none."""
        annotations = self._workspace.annotations
        if annotations is None:
            return None
        fits = lies_on(annotations, layer)
        return labels_array(annotations) if fits or baseline.learns else None

    def on_step(self, step: BaselineStep) -> None:
        """Show how far it is."""
        share = step.done / step.total
        words = "learning" if step.z is None else f"slice {step.z}"
        left = self.job.left(share)
        text = f"{self._baseline.title}: {words}, {left}".removesuffix(", ")
        self.show_progress(share, text)

    def on_done(self, result: BaselineMask) -> None:
        """Show the mask over its image."""
        if not result.slices:
            self.status.say("Stopped before the first slice was done.")
            return
        if self._of not in self._viewer.layers:
            self.status.say("The image was removed meanwhile.")
            return
        made = replace(result.made_by, of=self._of.name)
        layer = Labels(
            result.mask.reshape(plane_shape(self._of)),
            name=short_name(self._viewer, self._baseline.name, self._of),
            metadata={
                PREDICTED: list(result.slices),
                BASELINE: made,
                MADE_FOR: (self._baseline.name, str(self._of.unique_id)),
                ROLE: Role.PREDICTION,
            },
            **placed_like(self._of),
        )
        bring_to(layer, self._viewer.dims.units)
        self._viewer.add_layer(layer)
        total, seconds = len(result.mask), time.monotonic() - self.job.began
        words = f"Done in {seconds:.1f} s: the layer {layer.name}."
        if len(result.slices) < total:
            words = f"Stopped after {len(result.slices)} of {total} slices."
        if made.learnt_from:
            seen = len(set(made.learnt_from) & set(result.slices))
            words += f" It learnt from {seen} of these slices: score the others."
        self.status.say(words)
        # Napari takes its time for a new layer: whoever uses it does so after that.
        self._turns.add(partial(self.made.emit, layer))
