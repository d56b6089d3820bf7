"""Every setting of a training run, as widgets."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from qtpy.QtCore import QObject, QSignalBlocker, Signal
from qtpy.QtWidgets import QDoubleSpinBox, QFormLayout, QLabel, QWidget

from napari_unet.config import (
    NetworkConfig,
    Preset,
    RunConfig,
    TrainConfig,
    WeightMapConfig,
)
from napari_unet.config.needs import RUNS, RunSituation
from napari_unet.config.run import NOISE
from napari_unet.config.train import BUDGETS
from napari_unet.errors import NapariUNetError
from napari_unet.model.card import read_card
from napari_unet.starters import STARTERS, starter_at
from napari_unet.widgets.choose.choice_words import CHOICES
from napari_unet.widgets.choose.model_box import ModelBox
from napari_unet.widgets.project.preferences import preferences
from napari_unet.widgets.qt.fold import Fold
from napari_unet.widgets.qt.form import SettingsForm, explain
from napari_unet.widgets.qt.parts import NarrowBox, WrappedLabel, button, in_row, steady
from napari_unet.widgets.train.encoder_box import EncoderBox
from napari_unet.widgets.train.network_form import NetworkForm
from napari_unet.widgets.train.start_words import explain_start

if TYPE_CHECKING:
    from napari_unet.widgets.qt.panel import Panel

_SIZES = {
    "new network, small": 8,
    "new network, medium": 16,
    "new network, larger": 32,
    "new network, large": 64,
}
_RECIPES = {
    "fast: 4 minutes": Preset.FAST,
    "sizes chosen for my data": Preset.AUTO,
    "thorough: an hour": Preset.THOROUGH,
    "as in the paper: 10 hours": Preset.PAPER,
}
_Form: TypeAlias = SettingsForm | NetworkForm
_START = RunConfig()
_form = partial(SettingsForm, words=CHOICES)
# Title, part, form and fields that are chosen above or follow the data.
_MORE: tuple[tuple[str, str, Callable[..., _Form], tuple[str, ...]], ...] = (
    ("Weight map", "weight_map", partial(_form, _START.weight_map), ()),
    ("Training", "train", partial(_form, _START.train), BUDGETS),
    ("Network", "network", NetworkForm, ("in_channels", "num_classes")),
    ("Random changes of patches", "augment", partial(_form, _START.augment), ()),
)


_TIP = "See the weight of every pixel in the slice, while you change what it is."


class RunSettings(QObject):
    """The rows of a dock in which a training run is set up.

    Parameters
    ----------
    panel
        The dock, whose workspace shares the settings of the weight map.

    Attributes
    ----------
    start_from, start_words, recipe, amount, amount_of
        Widgets of the rows.
    encoder
        Weights that the encoder starts from.
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
        # Room for the longest of the sentences, so that no row moves.
        self.start_words = WrappedLabel(lines=2)
        self._looks_like_em = False
        self.recipe = NarrowBox()
        for text, preset in _RECIPES.items():
            self.recipe.addItem(text, preset)
        self.amount = steady(QDoubleSpinBox())
        self.amount.setRange(0.05, 10_000)
        self.amount.setDecimals(2)
        self.amount_of = NarrowBox(*BUDGETS)
        self.encoder = EncoderBox()
        self.forms: dict[str, _Form] = {}
        self._ndim = _START.network.ndim
        self._border_weight = _START.weight_map.w0
        self.more = self._more()
        self._show(self._recipe())
        self._connect()
        self._on_start(self.start_from.value())

    @property
    def auto(self) -> bool:
        """Whether sizes are chosen for the data once training starts."""
        return bool(self.recipe.currentData() == Preset.AUTO)

    @property
    def model(self) -> Path | None:
        """The model to start from; None for a new network."""
        start = self.start_from.value()
        return start if isinstance(start, Path) else None

    @property
    def network(self) -> NetworkConfig:
        """The network that learns: that of the model, or the one that is chosen."""
        if self.model is not None:
            with contextlib.suppress(NapariUNetError):  # the run says what is wrong
                return read_card(self.model).network
        chosen: NetworkConfig = self.forms["network"].value()
        return chosen

    def value(self) -> RunConfig:
        """Return the settings of the run, as chosen."""
        parts = {name: form.value() for name, form in self.forms.items()}
        model = self.model
        names = {starter.path: starter.name for starter in STARTERS}
        start = NOISE if model is None else names.get(model, str(model))
        unit, amount = self.amount_of.currentText(), self.amount.value()
        budget = {unit: amount if unit == "minutes" else max(1, round(amount))}
        parts["train"] = parts["train"].changed("the form", **budget)
        fits = model is None and parts["network"].encoder_title
        weights = self.encoder.value() if fits else None
        return RunConfig(start=start, encoder_weights=weights, **parts)

    def setValue(self, settings: RunConfig) -> None:  # noqa: N802 (Qt's own spelling)
        """Show settings; a new network where the model to start from is gone."""
        paths = {starter.name: starter.path for starter in STARTERS}
        start = paths.get(settings.start, Path(settings.start))
        is_model = settings.start != NOISE and start.is_file()
        base = settings.network.base_channels
        self.start_from.setValue(start if is_model else base)
        self._show(settings)

    def offer_starter(self, looks_like_em: bool) -> None:
        """Choose the starter network for an image of EM, unless somebody chose."""
        self._looks_like_em = looks_like_em
        box, base = self.start_from, self.forms["network"].value().base_channels
        if box.is_wish or self._panel.running or not preferences().work.starter:
            return
        # The recipe of the paper is of a network of its own.
        fits = looks_like_em and self.recipe.currentData() != Preset.PAPER
        box.setValue(STARTERS[0].path if fits else base, is_wish=False)

    def _show(self, settings: RunConfig) -> None:
        self._ndim = settings.network.ndim
        for name, form in self.forms.items():
            form.setValue(getattr(settings, name))
        self._show_budget(settings.train)
        self._on_network(settings.network)
        self.encoder.setValue(settings.encoder_weights)

    def take_wanted(self, *_changed: Any) -> None:
        """Show settings that another dock wants, for a new network and of no recipe."""
        settings, self.workspace.wanted = self.workspace.wanted, None
        if settings is None:
            return
        with QSignalBlocker(self.recipe):
            self.recipe.setCurrentIndex(self.recipe.findData(Preset.FAST))
        self.start_from.setValue(settings.network.base_channels)
        device = {"device": self.forms["train"].value().device}
        train = settings.train.model_copy(update=device)
        self._show(settings.model_copy(update={"train": train}))

    def refresh(self) -> None:
        """Disable what has no effect now, and say why."""
        running = self._panel.running
        now = RunSituation(self.value(), self.model is not None, self.auto, running)
        for name, form in self.forms.items():
            form.refresh(now.unmet(name, form.fields))
        self.encoder.refresh(
            now.unmet("run", ("encoder_weights",)).get("encoder_weights", "")
        )
        for row in (self.start_from, self.recipe, self.amount, self.amount_of):
            explain(row, RUNS if running else "")

    def add_rows(self, form: QFormLayout) -> None:
        """Add the rows to a form of the dock."""
        add = partial(self._panel.add_row, form=form)
        add(
            "Start from",
            self.start_from,
            "A starter network knows an image like this one already; a new network "
            "learns from nothing; a model file is fine-tuned. A larger one is slower, "
            "and can learn more: as a U-Net small has 0.5 million weights, medium 1.9, "
            "larger 7.8 and large 31.",
        )
        add(
            "How thoroughly",
            self.recipe,
            "A recipe (preset) sets everything below. Sizes chosen for my data: "
            "network, patches and batch follow the image, the device and the minutes "
            "when training starts.",
        )
        amount = QWidget()
        in_row(self.amount, self.amount_of, of=amount, stretch=(1, 1))
        tooltip = TrainConfig.model_fields["minutes"].description or ""
        tooltip += " Live training goes on until it is stopped."
        add("Train for", amount, tooltip)

    def _more(self) -> Fold:
        """Make the folded part: every other setting."""
        parts: list[QWidget] = []
        for title, name, make, exclude in _MORE:
            form = make(exclude)
            self.forms[name] = form
            parts += [QLabel(f"<b>{title}</b>"), form]
            if name == "network":
                parts.append(self.encoder)
            if name == "weight_map":
                parts.append(button("Show the weight map ...", self._show_map, _TIP))
        return Fold("More", *parts)

    def _show_map(self) -> None:
        """Open the dock of the weight map beside that of the training."""
        self._panel.viewer.window.add_plugin_dock_widget(
            "napari-unet-em", "Weights", tabify=True
        )

    def _show_preset(self, *_index: Any) -> None:
        """Show the settings of the recipe."""
        self.offer_starter(self._looks_like_em)
        self._show(self._recipe())
        self._suit_weights(_START.weight_map.w0)

    def _recipe(self) -> RunConfig:
        """Return what the recipe sets; the device is that of Preferences."""
        preset = Preset(self.recipe.currentData())
        settings = preset.settings(self.forms["network"].value().ndim)
        device = {"device": preferences().work.device}
        train = settings.train.model_copy(update=device)
        return settings.model_copy(update={"train": train})

    def _show_budget(self, train: TrainConfig) -> None:
        """Show for how long, in the unit that wins where several are set."""
        known = [unit for unit in BUDGETS if getattr(train, unit) is not None]
        self.amount_of.setCurrentText(known[-1])
        self.amount.setValue(getattr(train, known[-1]))

    def _on_start(self, start: Path | int | None) -> None:
        """Say what is started from; take over the size of a new network."""
        words, tip = explain_start(start)
        self.start_words.setText(words)
        self.start_words.setToolTip(tip)
        form = self.forms["network"]
        if isinstance(start, int) and start != form.value().base_channels:
            form.setValue(form.value().model_copy(update={"base_channels": start}))
        self._suit_weights(self._border_weight)

    def _suit_weights(self, before: float) -> None:
        """Let the border weight follow the start, unless somebody chose another."""
        start, self._border_weight = self.model, _START.weight_map.w0
        if start is not None:
            with contextlib.suppress(NapariUNetError):  # the run says what is wrong
                self._border_weight = _border_weight_of(start)
        form = self.forms["weight_map"]
        if form.value().w0 == before:
            update = {"w0": self._border_weight}
            form.setValue(form.value().model_copy(update=update))

    def _on_network(self, network: NetworkConfig) -> None:
        """Show the size above, and let patches follow the dimensions.

        A cube holds as much as a square.
        """
        self.encoder.follow(network)
        if self.model is None:
            self.start_from.setValue(network.base_channels, is_wish=False)
        form = self.forms["train"]
        fitting = self._recipe().train
        if network.ndim != self._ndim:
            self._ndim = network.ndim
            names = ("patch_size", "patch_slices", "batch_size")
            update = {name: getattr(fitting, name) for name in names}
            form.setValue(form.value().model_copy(update=update))

    def _on_encoder(self, path: str | None) -> None:
        """Give the network the width that weights in the world have."""
        form = self.forms["network"]
        network = form.value()
        if path is not None:
            full = {"base_channels": network.full_channels}
            form.setValue(network.model_copy(update=full))

    def _connect(self) -> None:
        self.recipe.currentIndexChanged.connect(self._show_preset)
        self.start_from.valueChanged.connect(self._on_start)
        self.forms["network"].valueChanged.connect(self._on_network)
        self.encoder.chosen.connect(self._on_encoder)
        weight_map = self.forms["weight_map"]
        weight_map.setValue(self.workspace.weight_map)
        weight_map.valueChanged.connect(self._on_weights)
        for signal in (
            self.start_from.valueChanged,
            self.recipe.currentIndexChanged,
            self.amount.valueChanged,
            self.amount_of.currentIndexChanged,
            self.encoder.valueChanged,
            *(form.valueChanged for form in self.forms.values()),
        ):
            signal.connect(lambda *_: self.changed.emit())
        self.changed.connect(self.refresh)
        self._panel.listen(self.workspace.events.weight_map, self._show_weights)

    def _on_weights(self, settings: WeightMapConfig) -> None:
        self.workspace.weight_map = settings

    def _show_weights(self, settings: WeightMapConfig) -> None:
        form = self.forms["weight_map"]
        if form.value() != settings:
            form.setValue(settings)


def _border_weight_of(model: Path) -> float:
    """Return the border weight of a training from a model: its own, if no starter."""
    starter = starter_at(model)
    return read_card(model).weight_map.w0 if starter is None else starter.border_weight
