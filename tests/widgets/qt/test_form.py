"""Forms show settings and give them back unchanged."""

from __future__ import annotations

from typing import Any

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox

from napari_unet.config import (
    AugmentConfig,
    PostprocessConfig,
    PredictConfig,
    TrainConfig,
    UNetConfig,
    WeightMapConfig,
)
from napari_unet.widgets.choose.choice_words import CHOICES
from napari_unet.widgets.qt.form import SettingsForm

ALL = [
    AugmentConfig,
    PostprocessConfig,
    PredictConfig,
    TrainConfig,
    UNetConfig,
    WeightMapConfig,
]


@pytest.mark.parametrize("kind", ALL)
def test_a_form_gives_back_the_defaults_it_was_made_with(qtbot: Any, kind: Any) -> None:
    form = SettingsForm(kind())
    qtbot.addWidget(form)
    assert form.value() == kind()


def test_a_form_gives_back_what_is_set(qtbot: Any) -> None:
    settings = TrainConfig(
        learning_rate=0.0123, weight_decay=0.00056, optimizer="sgd", seed=7
    )
    form = SettingsForm(TrainConfig())
    qtbot.addWidget(form)
    with qtbot.waitSignal(form.valueChanged):
        form.setValue(settings)
    assert form.value() == settings


def test_choices_have_plain_words_and_tooltips_with_their_terms(qtbot: Any) -> None:
    form = SettingsForm(TrainConfig(), words=CHOICES)
    qtbot.addWidget(form)
    boxes = [one for one in form.findChildren(QComboBox) if "dice" in one.toolTip()]
    (loss,) = boxes
    texts = [loss.itemText(row) for row in range(loss.count())]
    assert not [text for text in texts if "_" in text or "dice" in text]
    assert f"{texts[0]} (cross_entropy): weighted" in loss.toolTip()
    tip = Qt.ItemDataRole.ToolTipRole
    terms = [loss.itemData(row, tip) for row in range(loss.count())]
    assert terms[:3] == ["cross_entropy", "binary_cross_entropy", "dice"]
    form.setValue(TrainConfig(loss="dice"))
    assert form.value().loss == "dice"
    assert loss.currentText() == texts[2]


def test_fields_that_are_not_shown_keep_their_values(qtbot: Any) -> None:
    form = SettingsForm(UNetConfig(base_channels=32), exclude=["base_channels"])
    qtbot.addWidget(form)
    assert form.value() == UNetConfig(base_channels=32)


@pytest.mark.parametrize("kind", ALL)
def test_all_fields_are_shown_in_their_order_but_those_left_out(
    qtbot: Any, kind: Any
) -> None:
    first, *others = kind.model_fields
    form = SettingsForm(kind(), exclude=[first])
    qtbot.addWidget(form)
    assert list(form.fields) == others


def test_the_weights_dock_gives_back_what_is_set(viewer: Any) -> None:
    _, dock = viewer.window.add_plugin_dock_widget("napari-unet-em", "Weights")
    settings = WeightMapConfig(w0=12.5, sigma=3.5, balance=True)
    dock.setValue(settings)
    assert dock.value() == settings


def test_a_number_that_may_be_left_out_is_auto(qtbot: Any) -> None:
    form = SettingsForm(PredictConfig(tile_size=512))
    qtbot.addWidget(form)
    native = form._editors["tile_size"].native
    form.setValue(PredictConfig())
    assert form.value().tile_size is None
    assert native.text() == "auto"
    # On the way to 512.
    native.setValue(5)
    assert form.value().tile_size == 16
    native.setValue(512)
    assert form.value() == PredictConfig(tile_size=512)


def test_a_field_that_is_disabled_says_why_and_what_it_is(qtbot: Any) -> None:
    form = SettingsForm(TrainConfig())
    qtbot.addWidget(form)
    native = form._editors["momentum"].native
    description = TrainConfig.model_fields["momentum"].description
    for _ in range(2):
        form.refresh({"momentum": "Because."})
        assert not native.isEnabled()
        assert native.toolTip() == f"Because.\n\n{description}"
    form.refresh({})
    assert native.isEnabled()
    assert native.toolTip() == description
