"""Every setting of a training run, as widgets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
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
from napari_unet.widgets.form import SettingsForm
from napari_unet.widgets.model_box import ModelBox

if TYPE_CHECKING:
    from napari_unet.widgets.panel import Panel

_SIZES = {
    "new, small (0.5 M)": 8,
    "new, medium (1.9 M)": 16,
    "new, larger (7.8 M)": 32,
    "new, large (31 M)": 64,
}
_RECIPES = {
    "fast: 4 minutes": Preset.FAST,
    "sizes chosen for my data": Preset.AUTO,
    "thorough: an hour": Preset.THOROUGH,
    "as in the paper: 10 hours": Preset.PAPER,
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
            "live_patch_size",
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
            "save_seconds",
        ),
    ),
    (
        "Network",
        "network",
        UNetConfig,
        (
            "base_channels",
            "ndim",
            "depth",
            "padding",
            "norm",
            "norm_last",
            "activation",
            "upsampling",
            "dropout",
            "flat_levels",
        ),
    ),
    ("Random changes of patches", "augment", AugmentConfig, ()),
)


class RunSettings(QObject):
    """The rows of a dock in which a training run is set up.

    Parameters
    ----------
    panel
        The dock, whose workspace shares the settings of the weight map.

    Attributes
    ----------
    start_from, recipe, amount, amount_of
        Widgets of the rows.
    forms
        Every other setting, by its part of `RunConfig`.

    Signals
    -------
    changed()
        Any of the settings.
    """

    changed = Signal()

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self._panel = panel
        self.workspace = panel.workspace
        self.start_from = ModelBox(self.workspace, _SIZES)
        self.recipe = QComboBox()
        for text, preset in _RECIPES.items():
            self.recipe.addItem(text, preset)
        self.amount = QDoubleSpinBox()
        self.amount.setRange(0.05, 10_000)
        self.amount.setDecimals(2)
        self.amount_of = QComboBox()
        self.amount_of.addItems(["minutes", "epochs"])
        self.forms: dict[str, SettingsForm] = {}
        self._ndim = UNetConfig().ndim
        self.more = self._more()
        self._show_budget(Preset.FAST.settings())
        self._connect()

    @property
    def auto(self) -> bool:
        """Whether sizes are chosen for the data once training starts."""
        return bool(self.recipe.currentData() == Preset.AUTO)

    @property
    def model(self) -> Path | None:
        """The model to start from; None for a new network."""
        start = self.start_from.value()
        return start if isinstance(start, Path) else None

    def value(self) -> RunConfig:
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

    def setValue(self, settings: RunConfig) -> None:  # noqa: N802 (Qt's own spelling)
        """Show settings."""
        for name, form in self.forms.items():
            form.setValue(getattr(settings, name))
        train = settings.train
        epochs = train.epochs is not None
        self.amount_of.setCurrentText("epochs" if epochs else "minutes")
        self.amount.setValue(train.epochs or train.minutes or self.amount.value())
        if self.model is None:
            self.start_from.setValue(settings.network.base_channels)

    def add_rows(self) -> None:
        """Add the rows to the form of the dock."""
        add = self._panel.add_row
        add(
            "Start from",
            self.start_from,
            "A new network learns from nothing; a model file is fine-tuned. The number "
            "is that of its weights: more is slower and can learn more.",
        )
        add(
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
        tooltip += " Live training goes on until it is stopped."
        add("Train for", amount, tooltip)

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
        weights = self.forms["weights"]
        weights.setValue(self.workspace.weights)
        weights.valueChanged.connect(self._on_weights)
        for signal in (
            self.start_from.valueChanged,
            self.recipe.currentIndexChanged,
            self.amount.valueChanged,
            self.amount_of.currentIndexChanged,
            *(form.valueChanged for form in self.forms.values()),
        ):
            signal.connect(lambda *_: self.changed.emit())
        self._panel.listen(self.workspace.events.weights, self._show_weights)

    def _on_weights(self, settings: WeightMapConfig) -> None:
        self.workspace.weights = settings

    def _show_weights(self, settings: WeightMapConfig) -> None:
        form = self.forms["weights"]
        if form.value() != settings:
            form.setValue(settings)
