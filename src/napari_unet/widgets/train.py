"""Train: from annotated layers to a model, while the window stays usable."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Labels
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_unet.config import (
    AugmentConfig,
    Preset,
    RunConfig,
    Settings,
    TrainConfig,
    UNetConfig,
    WeightMapConfig,
)
from napari_unet.errors import InputError
from napari_unet.widgets.form import SettingsForm
from napari_unet.widgets.kind import TOOLTIP, KindBox
from napari_unet.widgets.layers import LayerBox, image_stack, labels_array
from napari_unet.widgets.model_box import ModelBox
from napari_unet.widgets.panel import Panel
from napari_unet.widgets.plots import CurvePlot
from napari_unet.widgets.training import Progress, Started, TrainingWork
from napari_unet.words import clock

if TYPE_CHECKING:
    import napari

_SIZES = {
    "new, small (0.5 M)": 8,
    "new, medium (1.9 M)": 16,
    "new, large (7.8 M)": 32,
    "new, as in the paper (31 M)": 64,
}
_RECIPES = {
    "fast: a good mask soonest": Preset.FAST,
    "sizes chosen for my data": Preset.AUTO,
    "thorough: an hour, larger": Preset.THOROUGH,
    "as in the paper: slow": Preset.PAPER,
}
_MORE: tuple[tuple[str, str, type[Settings], tuple[str, ...]], ...] = (
    ("Weight map", "weights", WeightMapConfig, ("formula", "w0", "sigma", "balance")),
    (
        "Training",
        "train",
        TrainConfig,
        (
            "batch_size",
            "patch_size",
            "patch_slices",
            "loss",
            "optimizer",
            "momentum",
            "learning_rate",
            "schedule",
            "warm_up",
            "patience",
            "early_stopping",
            "clip",
            "weight_decay",
            "frozen_levels",
            "old_rate",
            "validations",
            "seed",
            "device",
            "threads",
        ),
    ),
    (
        "Network",
        "network",
        UNetConfig,
        (
            "ndim",
            "depth",
            "padding",
            "norm",
            "norm_last",
            "activation",
            "upsampling",
            "dropout",
        ),
    ),
    ("Random changes of patches", "augment", AugmentConfig, ()),
)


class TrainWidget(Panel):
    """Trains a new network or fine-tunes a model on layers of the viewer.

    Parameters
    ----------
    napari_viewer
        The viewer with image and annotations.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(napari_viewer, "Train", "Stop and keep")
        self.image = LayerBox(napari_viewer, Image)
        self.annotations = LayerBox(napari_viewer, Labels)
        self.kind = KindBox()
        self.start_from = ModelBox(self.workspace, _SIZES)
        self.recipe = QComboBox()
        for text, preset in _RECIPES.items():
            self.recipe.addItem(text, preset)
        self.amount = QDoubleSpinBox()
        self.amount.setRange(0.05, 10_000)
        self.amount.setDecimals(2)
        self.amount_of = QComboBox()
        self.amount_of.addItems(["minutes", "epochs"])
        self.held_out = QLineEdit()
        self.held_out.setPlaceholderText("last fifth of the annotated slices")
        self.forms: dict[str, SettingsForm] = {}
        self._last_words = ""
        self._ndim = UNetConfig().ndim
        self.pause_button = QPushButton("Pause")
        self.pause_button.clicked.connect(self._on_pause)
        self.device = QLabel("")
        self.device.setWordWrap(True)
        self.curves = CurvePlot()
        self._lay_out()
        self._show_budget(Preset.FAST.settings())
        self._connect()
        self.refresh()

    def why_not(self) -> str:
        """Return what is missing."""
        image, annotations = self.image.value(), self.annotations.value()
        if image is None:
            return "There is no image layer: load one first."
        if annotations is None:
            return "There is no labels layer: load or paint annotations first."
        return ""

    def settings(self) -> RunConfig:
        """Return the settings of the run, as chosen."""
        parts = {name: form.value() for name, form in self.forms.items()}
        train: TrainConfig = parts["train"]
        amount = self.amount.value()
        epochs = self.amount_of.currentText() == "epochs"
        budget = {
            "minutes": None if epochs else amount,
            "epochs": max(1, round(amount)) if epochs else None,
        }
        parts["train"] = train.model_copy(update=budget)
        start = self.start_from.value()
        if isinstance(start, int):
            update = {"base_channels": start}
            parts["network"] = parts["network"].model_copy(update=update)
        return RunConfig(**parts)

    def run(self) -> None:
        """Train on a thread, on copies of what the layers hold now."""
        self.curves.clear()
        self.device.setText("")
        image = self.image.value()
        annotations = self.annotations.value()
        labels = labels_array(annotations)
        if not labels.any():
            raise InputError(
                f"The layer {annotations.name} holds no labels: paint at least one "
                "object or scribble."
            )
        self.kind.show_guess(annotations)
        start = self.start_from.value()
        work = TrainingWork(
            stack=image_stack(image),
            labels=labels,
            kind=self.kind.value(),
            held_out=self.held_out.text().strip() or None,
            config=self.settings(),
            folder=new_run_folder(image.name),
            start=start if isinstance(start, Path) else None,
            auto=self.recipe.currentData() == Preset.AUTO,
        )
        self.start("Training U-Net", work.run, work.stop)

    def on_step(self, item: Started | Progress) -> None:
        """Show device and curves."""
        if isinstance(item, Started):
            self.device.setText("\n".join([item.device, *item.notes]))
            return
        step = item.last
        for seconds, loss, score in item.points:
            self.curves.add(seconds, loss, score)
        best = ""
        if step.best is not None:
            best = f", best validation IoU {step.best:.3f} at step {step.best_step}"
        left = clock(step.seconds_left)
        self._last_words = f"step {step.step}, loss {step.loss:.3f}{best}"
        self.show_progress(step.progress, f"{left} left: {self._last_words}")
        if self.job is not None:
            self.job.show_progress(step.progress, f"{left} left")

    def on_done(self, result: Path | None) -> None:
        """Hand the model to the other docks."""
        if result is None:
            self.show_progress(0.0, "Stopped before the first step: no model was made.")
            return
        self.workspace.model = result
        self.show_progress(1.0, f"Done: {self._last_words}.\nThe model is {result}")

    def refresh(self, *changed: Any) -> None:
        """Bring the buttons up to date."""
        super().refresh()
        self.pause_button.setEnabled(self.running)
        self.pause_button.setText("Pause")

    def _lay_out(self) -> None:
        self.add_row("Image", self.image)
        self.add_row("Annotations", self.annotations)
        self.add_row("Kind", self.kind, TOOLTIP)
        self.add_row(
            "Start from",
            self.start_from,
            "A new network learns from nothing; a model file is fine-tuned. The number "
            "is that of its weights: more is slower and can learn more.",
        )
        self.add_row(
            "Recipe",
            self.recipe,
            "Sets everything below. Sizes chosen for my data: network, patches and "
            "batch follow the image, the device and the minutes when training starts.",
        )
        amount = QWidget()
        row = QHBoxLayout(amount)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.amount, 1)
        row.addWidget(self.amount_of, 1)
        tooltip = TrainConfig.model_fields["minutes"].description or ""
        self.add_row("Train for", amount, tooltip)
        self.add_row(
            "Hold out",
            self.held_out,
            "Slices as start:stop, counted from 0. They are never trained on; the "
            "model that scores best on them is kept.",
        )
        self.form.addRow(self._more())
        buttons = QWidget()
        line = QHBoxLayout(buttons)
        line.setContentsMargins(0, 0, 0, 0)
        self.finish_layout(self.device, self.curves)
        self.box.removeWidget(self.run_button)
        line.addWidget(self.run_button, 2)
        line.addWidget(self.pause_button, 1)
        self.box.insertWidget(1, buttons)
        self.device.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        )

    def _more(self) -> QCollapsible:
        """Make the folded part: every other setting."""
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        for title, name, kind, fields in _MORE:
            form = SettingsForm(kind(), fields or None)
            self.forms[name] = form
            column.addWidget(QLabel(f"<b>{title}</b>"))
            column.addWidget(form)
        more = QCollapsible("More", expandedIcon="▾", collapsedIcon="▸")
        more.setContent(content)
        more.collapse(animate=False)
        return more

    def _show_preset(self, *_index: Any) -> None:
        """Show the settings of the recipe."""
        preset = Preset(self.recipe.currentData())
        settings = preset.settings(self.forms["network"].value().ndim)
        for name, form in self.forms.items():
            with QSignalBlocker(form):
                form.setValue(getattr(settings, name))
        self.workspace.weights = settings.weights
        self._show_budget(settings)

    def _show_budget(self, settings: RunConfig) -> None:
        """Show the minutes and the size of the network."""
        self.amount_of.setCurrentText("minutes")
        self.amount.setValue(settings.train.minutes or 0)
        if not isinstance(self.start_from.value(), Path):
            self.start_from.setValue(settings.network.base_channels)

    def _on_network(self, network: UNetConfig) -> None:
        """Let patches follow the dimensions: a cube holds as much as a square."""
        form = self.forms["train"]
        wanted = Preset(self.recipe.currentData())
        fitting = wanted.settings(network.ndim).train
        if network.ndim != self._ndim:
            self._ndim = network.ndim
            names = ("patch_size", "patch_slices", "batch_size")
            update = {name: getattr(fitting, name) for name in names}
            form.setValue(form.value().model_copy(update=update))

    def _connect(self) -> None:
        self.recipe.currentIndexChanged.connect(self._show_preset)
        self.forms["network"].valueChanged.connect(self._on_network)
        events = self.workspace.events
        self.listen(events.image, self.image.setValue)
        self.listen(events.annotations, self.annotations.setValue)
        self.listen(events.kind, self.kind.setValue)
        weights = self.forms["weights"]
        weights.setValue(self.workspace.weights)
        weights.valueChanged.connect(self._on_weights)
        self.listen(events.weights, self._show_weights)
        self.image.setValue(self.workspace.image)
        self.annotations.setValue(self.workspace.annotations)
        self.kind.setValue(self.workspace.kind)
        for box in (self.image, self.annotations):
            box.valueChanged.connect(self.refresh)
        self.annotations.valueChanged.connect(self.kind.show_guess)
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.kind.show_guess(self.annotations.value())

    def _on_weights(self, settings: WeightMapConfig) -> None:
        self.workspace.weights = settings

    def _show_weights(self, settings: WeightMapConfig) -> None:
        form = self.forms["weights"]
        if form.value() != settings:
            form.setValue(settings)

    def _on_kind(self, _index: int) -> None:
        self.workspace.kind = self.kind.value()

    def _on_pause(self) -> None:
        if self.job is None:
            return
        self.job.toggle_pause()
        paused = self.pause_button.text() == "Pause"
        self.pause_button.setText("Go on" if paused else "Pause")


def new_run_folder(name: str) -> Path:
    """Return a folder for a new run, in `NAPARI_UNET_HOME` or ~/napari-unet."""
    home = os.environ.get("NAPARI_UNET_HOME") or Path.home() / "napari-unet"
    plain = re.sub(r"[^\w.-]+", "-", name).strip("-") or "run"
    now = datetime.now().strftime("%Y-%m-%d-%H%M%S")
    folder = Path(home) / "runs" / f"{now}-{plain}"
    number = 2
    while folder.exists():
        folder = folder.with_name(f"{now}-{plain}-{number}")
        number += 1
    return folder
